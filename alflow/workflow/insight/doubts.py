"""Labels that the model doubts: each settled label beside what fits that have not seen it say of its image.

projects/<id>/doubts/<hash>.safetensors  one row a label, named by the model, the labels and their embedded images
projects/<id>/doubts.json                the newest of these: what a page shows while labels keep coming

Axes: N labels, the most doubtful first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow import doubt
from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import places
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store.answers import adjudications, outcomes, referrals
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.projects import projects
from alflow.workflow.answers.refer import Referred, refer
from alflow.workflow.images.embedded import embedded_ids, require_embedded
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workspace import Workspace

QUICK: Final = 20_000
"""Labels times classes that are judged at once, in a second or two; of more a page shows the newest that are kept."""

_TENSORS: Final = ("item_ids", "given", "held", "p_given", "p_held", "odds", "misplaced")
_NOTHING: Final = {name: torch.empty(0) for name in _TENSORS}


@dataclass(frozen=True)
class Doubt:
    """One label and what the model holds without it.

    Attributes:
        item_id: the image.
        given, held: classes: the label, and the most probable of all others.
        p_given, p_held: their probabilities by fits that have not seen the label.
        odds: log p_given - log p_held, in nats; below zero the model holds the other class.
        misplaced: whether the image counts for another class by confident learning (`alflow.doubt.misplaced`).
        referred: whether it waits on the Adjudicate page.
    """

    item_id: ItemId
    given: ClassId
    held: ClassId
    p_given: float
    p_held: float
    odds: float
    misplaced: bool
    referred: bool


@dataclass(frozen=True)
class Doubts:
    """The labels of a project that are judged and that no reviewer has settled, the most doubtful first.

    Attributes:
        item_ids, given, held, p_given, p_held, odds, misplaced: as in `Doubt`; classes by id.
        referred: of these items, which wait on the Adjudicate page.
        n_labels: settled labels of the project.
        n_decided: how many of them reviewers settled, which are learnt from and not listed.
        n_missing: how many are not judged: given or changed since, or their image has no embedding.
        is_newest: whether all labels are judged of which the image has an embedding.
    """

    item_ids: Int64[Tensor, " N"]
    given: Int64[Tensor, " N"]
    held: Int64[Tensor, " N"]
    p_given: Float[Tensor, " N"]
    p_held: Float[Tensor, " N"]
    odds: Float[Tensor, " N"]
    misplaced: Bool[Tensor, " N"]
    referred: frozenset[ItemId]
    n_labels: int
    n_decided: int
    n_missing: int
    is_newest: bool = True

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def n_against(self) -> int:
        """Labels of which the model holds another class."""
        return int((self.odds < 0).sum())

    @property
    def n_misplaced(self) -> int:
        """An estimate of how many of the listed labels are wrong: too high where the model is poor."""
        return int(self.misplaced.sum())

    def where(self, kept: Bool[Tensor, " N"]) -> "Doubts":
        """Those of them alone."""
        return replace(self, **{name: getattr(self, name)[kept] for name in _TENSORS})

    def waiting(self) -> Bool[Tensor, " N"]:
        """Which wait on the Adjudicate page."""
        return torch.isin(self.item_ids, torch.tensor(sorted(self.referred), dtype=torch.int64))

    def top(self, count: int, start: int = 0) -> list[Doubt]:
        """The most doubtful, from the place `start` on."""
        columns = [getattr(self, name)[start : start + count].tolist() for name in _TENSORS]
        waiting = [item in self.referred for item in columns[0]]
        return [Doubt(*row) for row in zip(*columns, waiting, strict=True)]


def doubts(workspace: Workspace, project_id: ProjectId, *, make: bool = True) -> Doubts:
    """Judge every label by fits that have not seen it; kept until a label, a class or the embeddings change.

    Args:
        workspace: where.
        project_id: the project.
        make: judge however many labels there are; else, where there are many and these are not kept yet, the newest
            that are kept, as far as their labels still stand (none where nothing is kept).

    Raises:
        NotFoundError: there is no such project, or it has labels, and nothing is embedded or there is no posterior.
        ConflictError: it has fewer than two classes.
        InvalidInputError: two classes look the same to the model, or something stored is damaged.
    """
    with workspace.database.read() as tx:
        now = _look(tx, project_id)
    if not now.settled:
        return _joined(_NOTHING, now)
    require_embedded(workspace, now.project)
    if now.project.posterior is None:
        raise NotFoundError(
            f"project '{now.project.name}' has no posterior yet, and so no predictions: its first round brings it one"
        )
    encoder = encoder_in_use(workspace, now.project).hash
    there = embedded_ids(workspace, now.project, encoder)
    known = {one.id for one in now.classes}
    support = {item: label for item, label in sorted(now.settled.items()) if item in there and label in known}
    if not support:
        return _joined(_NOTHING, now)
    model = model_of(workspace, now.project, now.classes)
    name = digest(doubts=2, model=model.hashes, support=list(support.items()), seed=now.project.settings.seed)
    path = f"projects/{project_id}/doubts/{name}.safetensors"
    if not make and not workspace.artifacts.exists(path):
        if len(support) * len(now.classes) > QUICK:
            return replace(_joined(_kept(workspace, project_id), now), is_newest=False)
        return _joined(workspace.keep(path, lambda: _judged(workspace, now.project, model, support)), now)
    if not workspace.artifacts.exists(path):
        judged = _judged(workspace, now.project, model, support)
        # The note first: whoever is killed between the two finds no rows the next time, and writes both.
        workspace.artifacts.write_bytes(_newest(project_id), json.dumps({"path": path}).encode())
        workspace.artifacts.write_tensors(path, judged, model.hashes)
    return _joined(_read(workspace, path), now)


def refer_doubts(workspace: Workspace, project_id: ProjectId, by: AnnotatorId, count: int) -> Referred:
    """Send the most doubtful labels, of which the model holds another class, to the Adjudicate page.

    Those among them that wait there already count and are not sent again, so that the same call once more sends none.

    Raises:
        NotFoundError: as `doubts`.
        ConflictError: as `doubts`.
        InvalidInputError: as `doubts`.
    """
    found = doubts(workspace, project_id)
    chosen = [one for one in found.top(count) if one.odds < 0]
    if not chosen:
        return Referred((), (), {})
    return refer_chosen(workspace, project_id, by, chosen)


def refer_chosen(workspace: Workspace, project_id: ProjectId, by: AnnotatorId, chosen: Sequence[Doubt]) -> Referred:
    """Send these labels to the Adjudicate page, each with what the model holds.

    Raises:
        InvalidInputError: none is chosen.
        NotFoundError: there is no such item or annotator.
    """
    with workspace.database.read() as tx:
        names = {one.id: one.display_name for one in projects.classes(tx, project_id)}
    return refer(workspace, project_id, by, {one.item_id: reason(one, names) for one in chosen})


def reason(one: Doubt, names: Mapping[ClassId, str]) -> str:
    """Why a label is doubted, in a sentence."""
    return (
        f"labelled {names.get(one.given, '?')}, but without this label the model holds {names.get(one.held, '?')} "
        f"{one.p_held:.0%}, {names.get(one.given, '?')} {one.p_given:.0%}"
    )


@dataclass(frozen=True)
class _Now:
    """The project at this moment; `decided` are items that reviewers settled, `referred` those that wait for them."""

    project: Project
    classes: Sequence[ClassLabel]
    settled: Mapping[ItemId, ClassId]
    decided: frozenset[ItemId]
    referred: frozenset[ItemId]


def _look(tx: Transaction, project_id: ProjectId) -> _Now:
    decided = frozenset(adjudications.standing(tx, project_id))
    return _Now(
        projects.by_id(tx, project_id),
        projects.classes(tx, project_id),
        outcomes.evidence(tx, project_id),
        decided,
        frozenset(referrals.standing(tx, project_id)) - decided,
    )


def _judged(
    workspace: Workspace, project: Project, model: ProjectModel, support: Mapping[ItemId, ClassId]
) -> dict[str, Tensor]:
    (rows,) = load_rows(workspace, project, model, list(support))
    labels = model.columns([support[item] for item in rows.item_ids.tolist()])
    found = doubt.doubted(model.model, rows.activations, labels, torch.Generator().manual_seed(project.settings.seed))
    classes = torch.tensor(model.class_ids)
    order = found.odds.argsort(stable=True)
    whole = {"item_ids": rows.item_ids, "given": classes[labels], "held": classes[found.held]}
    whole |= {name: getattr(found, name) for name in ("p_given", "p_held", "odds", "misplaced")}
    return {name: column[order] for name, column in whole.items()}


def _joined(tensors: Mapping[str, Tensor], now: _Now) -> Doubts:
    """Without labels that were changed or taken back since, and those that reviewers settled."""
    ids, given = tensors["item_ids"].long(), tensors["given"].long()
    judged = _stands(ids, given, now.settled)
    listed = ~torch.isin(ids, torch.tensor(sorted(now.decided), dtype=torch.int64))
    kept: dict[str, Any] = {name: column[judged & listed] for name, column in tensors.items()}
    kept |= {name: kept[name].long() for name in ("item_ids", "given", "held")}
    kept["misplaced"] = kept["misplaced"].bool()
    n_decided = len(now.decided & now.settled.keys())
    return Doubts(
        **kept,
        referred=now.referred,
        n_labels=len(now.settled),
        n_decided=n_decided,
        n_missing=len(now.settled) - int(judged.sum()),
    )


def _stands(
    ids: Int64[Tensor, " N"], given: Int64[Tensor, " N"], settled: Mapping[ItemId, ClassId]
) -> Bool[Tensor, " N"]:
    """Which of these items are still settled as these classes."""
    if not settled:
        return torch.zeros(len(ids), dtype=torch.bool)
    items, classes = torch.tensor([*settled.items()]).T
    items, order = items.sort()
    rows, found = places(items, ids)
    return found.masked_scatter(found, classes[order][rows] == given[found])


def _newest(project_id: ProjectId) -> str:
    return f"projects/{project_id}/doubts.json"


def _kept(workspace: Workspace, project_id: ProjectId) -> Mapping[str, Tensor]:
    """The newest that is kept, or nothing; a note that cannot be read counts as none."""
    try:
        path = str(json.loads(workspace.artifacts.read_bytes(_newest(project_id)))["path"])
    except (NotFoundError, InvalidInputError, ValueError, KeyError, TypeError):
        return _NOTHING
    return _read(workspace, path) if workspace.artifacts.exists(path) else _NOTHING


def _read(workspace: Workspace, path: str) -> Mapping[str, Tensor]:
    return workspace.keep(path, lambda: workspace.artifacts.read_tensors(path)[0])
