"""The model that a certificate speaks of, and what it says of the pool: no image was part of the fit that judges it.

The random slice is never part of its fit, or its answers could not vouch for it. Else it is the model after the newest
closed round, so it lacks only the slice's share of the labels. Images that a strategy took are part of that fit; they
are judged by fits that leave their fifth of them out.

projects/<id>/certifying/<hash>.safetensors: item_ids [N], predicted [N], confidence [N] of the embedded pool.

Axes: N embedded images of the pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from alflow.bayes.fit import refit
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.embeddings import Embeddings, places
from alflow.errors import NotFoundError
from alflow.guarantees import Evidence
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.artifacts import digest
from alflow.workflow.answers.asking import Asking, read_asking
from alflow.workflow.images.embedded import names, require_embedded
from alflow.workflow.images.shards import read
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workspace import Workspace

FOLDS: Final = 5
LEFT, SLICE, TAKEN, OUTSIDE, WAITING = range(5)
"""Never asked about; of the random slice and answered; chosen and asked about; labelled elsewhere; of a slice that is
not answered yet."""


@dataclass(frozen=True)
class Certifying:
    """What the certifying model says of the embedded pool, and what is known of it.

    Attributes:
        hash: of the model.
        round_number: of the newest closed round; 0 before the first.
        class_ids: of the columns.
        item_ids: ascending.
        predicted: columns.
        confidence: probability of the predicted class.
        group: LEFT, SLICE, TAKEN, OUTSIDE or WAITING.
        wrong: what is known to be wrong; an image of the slice that people gave no class is, since a class is what it
            would be given.
        without_class: images of the slice that people gave no class.
    """

    hash: str
    round_number: int
    class_ids: tuple[ClassId, ...]
    item_ids: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    group: NDArray[np.int8]
    wrong: NDArray[np.bool_]
    without_class: int

    def count(self, group: int) -> int:
        """How many images are of a group."""
        return int((self.group == group).sum())


def certifying(workspace: Workspace, project_id: ProjectId) -> Certifying:
    """What the model that certificates speak of says of the pool now; it is fitted where it is not kept yet.

    Raises:
        NotFoundError: there is no such project, nothing is embedded, or there is no posterior yet.
        ConflictError: the project has fewer than two classes.
        InvalidInputError: a shard is damaged, or two classes look the same to the model.
    """
    with workspace.database.read() as tx:
        asking = read_asking(tx, project_id)
    return certifying_of(workspace, asking)


def certifying_of(workspace: Workspace, asking: Asking) -> Certifying:
    """The same of what was read already.

    Raises:
        NotFoundError: nothing is embedded, or there is no posterior yet.
        ConflictError: the project has fewer than two classes.
        InvalidInputError: a shard is damaged, or two classes look the same to the model.
    """
    project = asking.project
    require_embedded(workspace, project)
    if project.posterior is None:
        raise NotFoundError(f"project '{project.name}' has no model yet: its first round brings it one")
    zero_shot = model_of(workspace, project, asking.classes)
    support = asking.support(zero_shot.class_ids)
    parts = names(workspace, project, zero_shot.hashes["encoder"])
    made_of = {"classes": list(zero_shot.class_ids), "seed": project.settings.seed, "shards": parts}
    name = digest(certifying=1, support=list(support.items()), **made_of, **zero_shot.hashes)
    said = workspace.keep(f"certifying {name}", lambda: _kept(workspace, project, zero_shot, parts, support, name))
    return _known(asking, zero_shot, said, name)


def evidence_of(said: Certifying, column: int | None = None) -> Evidence:
    """What is known of the images, or of those that are predicted to be of one class."""
    mine = np.ones(len(said.item_ids), dtype=bool) if column is None else said.predicted == column
    slice_, left = mine & (said.group == SLICE), mine & (said.group == LEFT)
    taken = mine & ((said.group == TAKEN) | (said.group == OUTSIDE))
    at = said.confidence
    return Evidence(at[slice_], said.wrong[slice_], at[left], at[taken], said.wrong[taken])


def _known(asking: Asking, model: ProjectModel, said: Mapping[str, Tensor], name: str) -> Certifying:
    """What people said, beside what the model says."""
    ids = said["item_ids"].numpy()
    here = np.isin(ids, asking.pool, assume_unique=True)
    ids, predicted, confidence = ids[here], said["predicted"].numpy()[here], said["confidence"].numpy()[here]
    group, wrong = np.full(len(ids), LEFT, dtype=np.int8), np.zeros(len(ids), dtype=bool)
    slices = {one.item_id for each in asking.slices().values() for one in each if one.item_id in asking.labelled}
    asked = {one.item_id for one in asking.asked}
    drawn = {one.item_id for one in asking.asked if one.origin is Origin.CONTROL} - slices
    order = ((OUTSIDE, set(asking.labelled) | set(asking.settled)), (TAKEN, asked), (WAITING, drawn), (SLICE, slices))
    for place, members in order:
        group[_rows(ids, members)] = place
    columns = {class_id: column for column, class_id in enumerate(model.class_ids)}
    settled = _rows(ids, asking.settled)
    truth = np.array([columns.get(asking.settled[ItemId(int(one))], -1) for one in ids[settled]], dtype=np.int64)
    wrong[settled] = predicted[settled] != truth
    unsettled = _rows(ids, slices - asking.settled.keys())
    wrong[unsettled] = True
    newest = max((one.number for one in asking.closed.values()), default=0)
    return Certifying(
        name, newest, model.class_ids, ids, predicted, confidence.astype(np.float64), group, wrong, len(unsettled)
    )


def _rows(ids: NDArray[np.int64], wanted: "set[ItemId] | Mapping[ItemId, ClassId]") -> NDArray[np.int64]:
    """Rows of those of these items that have one."""
    rows, _ = places(torch.from_numpy(ids), torch.tensor(sorted(wanted), dtype=torch.int64))
    return rows.numpy()


def _kept(
    workspace: Workspace,
    project: Project,
    zero_shot: ProjectModel,
    parts: Sequence[str],
    support: Mapping[ItemId, ClassId],
    name: str,
) -> dict[str, Tensor]:
    path = f"projects/{project.id}/certifying/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        (rows,) = load_rows(workspace, project, zero_shot, list(support))
        labels = zero_shot.columns([support[item] for item in rows.item_ids.tolist()])
        generator = torch.Generator().manual_seed(int(name[:12], 16))
        workspace.artifacts.write_tensors(path, _made(workspace, zero_shot, parts, rows, labels, generator))
    return workspace.artifacts.read_tensors(path)[0]


def _made(
    workspace: Workspace,
    zero_shot: ProjectModel,
    parts: Sequence[str],
    rows: Embeddings,
    labels: Int64[Tensor, " n"],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    fitted = zero_shot.model if not len(rows) else refit(zero_shot.model, rows.activations, labels, generator)
    ids, said = [rows.item_ids[:0]], [labels.new_zeros(0, len(zero_shot.class_ids)).float()]
    for part in parts:
        shard = read(workspace, part)
        ids.append(shard.item_ids)
        said.append(fitted.probabilities(shard.activations).float())
    every, order = torch.cat(ids).sort(stable=True)
    last = torch.cat([every[1:] != every[:-1], torch.ones(min(len(every), 1), dtype=torch.bool)])
    every, probabilities = every[last], torch.cat(said)[order][last]
    if len(rows):
        probabilities[torch.searchsorted(every, rows.item_ids)] = _left_out(zero_shot, rows, labels, generator)
    confidence, predicted = probabilities.max(dim=1)
    return {"item_ids": every, "predicted": predicted, "confidence": confidence}


def _left_out(
    zero_shot: ProjectModel, rows: Embeddings, labels: Int64[Tensor, " n"], generator: torch.Generator
) -> Float[Tensor, "n C"]:
    """What is said of the images of the fit, by fits without them."""
    folds = torch.randperm(len(rows), generator=generator) % min(FOLDS, len(rows))
    said = torch.empty(len(rows), len(zero_shot.class_ids))
    for fold in range(int(folds.max()) + 1):
        held, model = folds == fold, zero_shot.model
        if not bool(held.all()):
            model = refit(model, rows.activations[~held], labels[~held], generator)
        said[held] = model.probabilities(rows.activations[held]).float()
    return said
