"""What the model after a round says of every embedded image: made once, kept as an artifact, read by whoever shows it.

projects/<id>/outlooks/<hash>.safetensors    item_ids [N], probabilities [N C], variance [N], novelty [N]
projects/<id>/entropies/<hash>.safetensors   total, aleatoric, epistemic [N], by draws: made when they are asked for

Axes: N images, C classes, M items that somebody asks about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.uncertainty import Uncertainty, uncertainty
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.shards import names, read, require_embedded
from alflow.workflow.model.model import ProjectModel, last_fit, model_of
from alflow.workspace import Workspace

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
        wanted = torch.as_tensor(item_ids, dtype=torch.int64)
        if not len(self):
            return wanted.new_empty(0), torch.zeros(len(wanted), dtype=torch.bool)
        nearest = torch.searchsorted(self.item_ids, wanted).clamp(max=len(self) - 1)
        found = self.item_ids[nearest] == wanted
        return nearest[found], found


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


def outlook_of(workspace: Workspace, project: Project, model: ProjectModel, number: int) -> Outlook:
    """`outlook`, by the model after the round of that number.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    parts = names(workspace, project, model.hashes["encoder"])
    made_of = {"classes": list(model.class_ids), "tau": model.model.image_posterior.tau, "shards": parts}
    name = digest(outlook=2, **made_of, **model.hashes)
    tensors = workspace.keep(f"outlook {name}", lambda: _kept(workspace, project, model, parts, name))

    def entropies() -> Uncertainty:
        return workspace.keep(f"entropies {name}", lambda: _entropies(workspace, project, model, tensors, name))

    return Outlook(name, number, model.hashes.get("fit"), model.class_ids, **tensors, entropies=entropies)


def _entropies(
    workspace: Workspace, project: Project, model: ProjectModel, tensors: Mapping[str, Tensor], name: str
) -> Uncertainty:
    path = f"projects/{project.id}/entropies/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        made = uncertainty(tensors["probabilities"], tensors["variance"], model.model.class_covariance.float())
        workspace.artifacts.write_tensors(path, made._asdict(), model.hashes)
    kept, _ = workspace.artifacts.read_tensors(path)
    return Uncertainty(*(kept[each] for each in _ENTROPIES))


def _kept(
    workspace: Workspace, project: Project, model: ProjectModel, parts: Sequence[str], name: str
) -> dict[str, Tensor]:
    path = f"projects/{project.id}/outlooks/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        workspace.artifacts.write_tensors(path, _made(workspace, model, parts), model.hashes)
    tensors, _ = workspace.artifacts.read_tensors(path)
    return {each: tensors[each] for each in _TENSORS}


def _made(workspace: Workspace, model: ProjectModel, parts: Sequence[str]) -> dict[str, Tensor]:
    """One shard at a time; of an item with several rows the last counts."""
    made = [_of_shard(workspace, model, part) for part in parts]
    whole = {each: torch.cat([one[each] for one in made]) for each in _TENSORS}
    ids, order = whole["item_ids"].sort(stable=True)
    last = torch.cat([ids[1:] != ids[:-1], torch.ones(min(len(ids), 1), dtype=torch.bool)])
    return {each: column[order][last] for each, column in whole.items()}


def _of_shard(workspace: Workspace, model: ProjectModel, part: str) -> dict[str, Tensor]:
    rows = read(workspace, part)
    beliefs = model.believe(rows.activations)
    found = {"probabilities": beliefs.probabilities, "variance": beliefs.variance, "novelty": beliefs.novelty}
    return {"item_ids": rows.item_ids} | {each: column.float() for each, column in found.items()}
