"""What the model after a round says of every embedded image: made once, kept as an artifact, read by whoever shows it.

projects/<id>/outlooks/<hash>.safetensors    item_ids [N], probabilities [N C], variance [N], novelty [N]
projects/<id>/outlooks/<hash>/<hash>.safetensors   the same of some shards, while other machines make it
projects/<id>/entropies/<hash>.safetensors   total, aleatoric, epistemic [N], by draws: made when they are asked for

Axes: N images, C classes, M items that somebody asks about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.uncertainty import Uncertainty, uncertainty
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.embeddings import places
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import names, require_embedded
from alflow.workflow.images.shards import read
from alflow.workflow.model.model import ProjectModel, load_model, model_of
from alflow.workflow.model.source import last_fit
from alflow.workspace import Workspace

SHARDS_AT_ONCE: Final = 64
"""Scored by one task: seconds of work, since a task costs some milliseconds and reads the model."""

_TENSORS: Final = ("item_ids", "probabilities", "variance", "novelty")
_ENTROPIES: Final = Uncertainty._fields


@dataclass(frozen=True)
class Outlook:
    """What one model says of all images of a project that are embedded, of every split.

    Attributes:
        hash: of the model and the images: names what is made of it.
        number: of the round whose model it is; 0 is the zero-shot model.
        fit: hash of the fit; None of the zero-shot model.
        class_ids: in the order of the columns.
        item_ids: ascending.
        probabilities: rows sum to one.
        variance: k(x, x), in square nats.
        novelty: how unlike the pretraining data; 1 is average there.
        entropies: makes total, aleatoric and epistemic entropy, in nats; each is a property as well.
    """

    hash: str
    number: int
    fit: str | None
    class_ids: tuple[ClassId, ...]
    item_ids: Int64[Tensor, " N"]
    probabilities: Float[Tensor, "N C"]
    variance: Float[Tensor, " N"]
    novelty: Float[Tensor, " N"]
    entropies: Callable[[], Uncertainty]

    @property
    def total(self) -> Float[Tensor, " N"]:
        """Entropy of each prediction, in nats."""
        return self.entropies().total

    @property
    def aleatoric(self) -> Float[Tensor, " N"]:
        """What of it would remain if the logits were known."""
        return self.entropies().aleatoric

    @property
    def epistemic(self) -> Float[Tensor, " N"]:
        """What of it more labels could remove."""
        return self.entropies().epistemic

    def __len__(self) -> int:
        return len(self.item_ids)

    def rows(self, item_ids: Sequence[ItemId] | Int64[Tensor, " M"]) -> tuple[Int64[Tensor, " F"], Bool[Tensor, " M"]]:
        """The rows of those of these items that have one, in the order asked for, and which of them those are."""
        return places(self.item_ids, torch.as_tensor(item_ids, dtype=torch.int64))


def outlook(workspace: Workspace, project_id: ProjectId, number: int | None = None) -> Outlook:
    """What the model after the closed round of that number says of every embedded image.

    Made shard by shard where it is not kept yet: of 100,000 images it takes seconds.

    Args:
        workspace: where.
        project_id: the project.
        number: 0 asks for the zero-shot model; None for the newest.

    Raises:
        NotFoundError: there is no such project or closed round, nothing is embedded, there is no posterior yet, or the
            fit was lost.
        ConflictError: the project has fewer than two classes.
        InvalidInputError: a shard is damaged, or two classes look the same to the model.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
        past = rounds.all_(tx, project_id)
    require_embedded(workspace, project)
    if project.posterior is None:
        raise NotFoundError(
            f"project '{project.name}' has no posterior yet, and so no predictions: its first round brings it one"
        )
    closed = [done for done in past if done.state is RoundState.CLOSED]
    number = max((done.number for done in closed), default=0) if number is None else number
    if number and number not in {done.number for done in closed}:
        raise NotFoundError(f"project '{project.name}' has no closed round {number}: close it first")
    fit = last_fit([done for done in past if done.number <= number])
    return outlook_of(workspace, project, model_of(workspace, project, classes, fit), number)


def outlook_at_hand(workspace: Workspace, project_id: ProjectId) -> Outlook:
    """`outlook` of the newest model, or of the one before it while that of the newest is not made yet.

    For who cannot wait: after a round is closed a large pool is scored for minutes.

    Raises:
        NotFoundError: there is no such project, nothing is embedded, there is no posterior yet, or a fit was lost.
        ConflictError: the project has fewer than two classes.
        InvalidInputError: a shard is damaged, or two classes look the same to the model.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
        past = [done for done in rounds.all_(tx, project_id) if done.state is RoundState.CLOSED]
    numbers = [0, *(done.number for done in past)]
    if len(numbers) > 1 and project.posterior is not None:
        model = model_of(workspace, project, classes, last_fit(past[:-1]))
        newest = model_of(workspace, project, classes, last_fit(past))
        if not _is_made(workspace, project, newest) and _is_made(workspace, project, model):
            return outlook_of(workspace, project, model, numbers[-2])
    return outlook(workspace, project_id)


def outlook_of(workspace: Workspace, project: Project, model: ProjectModel, number: int) -> Outlook:
    """`outlook`, by the model after the round of that number.

    Raises:
        NotFoundError: the embeddings are gone.
        InvalidInputError: a shard is damaged.
    """
    parts = names(workspace, project, model.hashes["encoder"])
    if not parts:
        raise NotFoundError(f"the embeddings of project '{project.name}' are gone: `alflow embed` makes them anew")
    name = _name(model, parts)
    tensors = workspace.keep(f"outlook {name}", lambda: _kept(workspace, project, model, parts, name))

    def entropies() -> Uncertainty:
        return workspace.keep(f"entropies {name}", lambda: _entropies(workspace, project, model, tensors, name))

    return Outlook(name, number, model.hashes.get("fit"), model.class_ids, **tensors, entropies=entropies)


def _name(model: ProjectModel, parts: Sequence[str]) -> str:
    made_of = {"classes": list(model.class_ids), "tau": model.model.image_posterior.tau, "shards": parts}
    return digest(outlook=2, **made_of, **model.hashes)


def _is_made(workspace: Workspace, project: Project, model: ProjectModel) -> bool:
    name = _name(model, names(workspace, project, model.hashes["encoder"]))
    folders = ("outlooks", "entropies")
    return all(workspace.artifacts.exists(f"projects/{project.id}/{each}/{name}.safetensors") for each in folders)


def _entropies(
    workspace: Workspace, project: Project, model: ProjectModel, tensors: Mapping[str, Tensor], name: str
) -> Uncertainty:
    path = f"projects/{project.id}/entropies/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        made = uncertainty(tensors["probabilities"], tensors["variance"], model.model.class_covariance.float())
        workspace.artifacts.write_tensors(path, made._asdict(), model.hashes)
    kept, _ = workspace.artifacts.read_tensors(path, lengths={"N": len(tensors["item_ids"])})
    return Uncertainty(*(kept[each] for each in _ENTROPIES))


def _kept(
    workspace: Workspace, project: Project, model: ProjectModel, parts: Sequence[str], name: str
) -> dict[str, Tensor]:
    path = f"projects/{project.id}/outlooks/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        folder = path.removesuffix(".safetensors")
        workspace.artifacts.write_tensors(path, _made(workspace, project, model, parts, folder), model.hashes)
        for done in workspace.artifacts.tables(folder):
            workspace.artifacts.remove(done)
    tensors, _ = workspace.artifacts.read_tensors(path)
    return {each: tensors[each] for each in _TENSORS}


def _made(
    workspace: Workspace, project: Project, model: ProjectModel, parts: Sequence[str], folder: str
) -> dict[str, Tensor]:
    """Some shards at a time, here or by many machines; of an item with several rows the last counts."""
    units = [parts[start : start + SHARDS_AT_ONCE] for start in range(0, len(parts), SHARDS_AT_ONCE)]
    if workspace.elsewhere is None or len(units) <= 1:
        made = [_of_shards(workspace, model, unit) for unit in units]
    else:
        work = partial(score_shards, project.id, model.hashes.get("fit"), _name_of(model), folder)
        made = [workspace.artifacts.read_tensors(path)[0] for path in workspace.each(work, units)]
    whole = _joined(made)
    ids, order = whole["item_ids"].sort(stable=True)
    last = torch.cat([ids[1:] != ids[:-1], torch.ones(min(len(ids), 1), dtype=torch.bool)])
    return {each: column[order][last] for each, column in whole.items()}


def score_shards(
    project_id: ProjectId,
    fit: str | None,
    model_name: str,
    folder: str,
    workspace: Workspace,
    parts: Sequence[str],
    progress: Progress,
) -> str:
    """What a model says of some shards, as an artifact in the folder; returns its name, at once if it is there.

    Args:
        project_id: whose shards.
        fit: hash of the fit of the model; None of the zero-shot one.
        model_name: of the model that is meant.
        folder: of the artifacts that will be joined.
        workspace: where.
        parts: the shards.
        progress: of them.

    Raises:
        ConflictError: the project's model is no longer the one that is meant.
        InvalidInputError: a shard is damaged.
    """
    path = f"{folder}/{digest(shards=list(parts))}.safetensors"
    if not workspace.artifacts.exists(path):
        with workspace.database.read() as tx:
            project = projects.by_id(tx, project_id)
        model = load_model(workspace, project, fit)
        if _name_of(model) != model_name:
            raise ConflictError("classes or posterior changed while images were scored: run it again")
        workspace.artifacts.write_tensors(path, _of_shards(workspace, model, parts, progress))
    return path


def _name_of(model: ProjectModel) -> str:
    return digest(classes=list(model.class_ids), tau=model.model.image_posterior.tau, **model.hashes)


def _of_shards(
    workspace: Workspace, model: ProjectModel, parts: Sequence[str], progress: Progress = silent
) -> dict[str, Tensor]:
    """Joined at once: a row of one shard keeps the whole file in memory, and many small tables scatter it."""
    made = []
    for done, part in enumerate(parts, start=1):
        made.append(_of_shard(workspace, model, part))
        progress(done, len(parts))
    return _joined(made)


def _of_shard(workspace: Workspace, model: ProjectModel, part: str) -> dict[str, Tensor]:
    rows = read(workspace, part)
    beliefs = model.believe(rows.activations)
    found = {"probabilities": beliefs.probabilities, "variance": beliefs.variance, "novelty": beliefs.novelty}
    return {"item_ids": rows.item_ids} | {each: column.float() for each, column in found.items()}


def _joined(made: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {each: torch.cat([one[each] for one in made]) for each in _TENSORS}
