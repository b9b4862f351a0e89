"""What a project's newest model says of its images, and where it sees them and the classes.

Axes: N images, C classes, D width of the joint embedding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from alflow.bayes.uncertainty import Uncertainty
from alflow.domain.images import Item, Split
from alflow.domain.projects import ClassLabel
from alflow.ids import ItemId, ProjectId
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embed import class_rows, load_embeddings
from alflow.workflow.images.embedded import require_embedded
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Predictions:
    """Of embedded images, by the model after the newest fit, or the zero-shot one.

    Attributes:
        items: the images, by id.
        classes: in the order of the columns.
        probabilities: rows sum to one.
        parts: entropies in nats.
        novelty: how unlike the pretraining data; 1 is average.
        fit: hash of the fit; None before the first.
    """

    items: tuple[Item, ...]
    classes: tuple[ClassLabel, ...]
    probabilities: Float[Tensor, "N C"]
    parts: Uncertainty
    novelty: Float[Tensor, " N"]
    fit: str | None


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image; uncertainties are entropies in nats.

    Attributes:
        item_id: the image.
        probabilities: name of a class -> probability; they sum to one.
        total, aleatoric, epistemic: entropy of the prediction, and its two parts.
        novelty: how unlike the pretraining data; 1 is average.
    """

    item_id: ItemId
    probabilities: Mapping[str, float]
    total: float
    aleatoric: float
    epistemic: float
    novelty: float

    @property
    def predicted(self) -> str:
        """Name of the most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


def predictions(workspace: Workspace, project_id: ProjectId, split: Split | None = None) -> Predictions:
    """What the newest model says of the embedded images of a split, or of all.

    Raises:
        NotFoundError: there is no such project, nothing of it is embedded, or it has no posterior yet.
        ConflictError: it has fewer than two classes.
    """
    newest = outlook(workspace, project_id)
    with workspace.database.read() as tx:
        classes, every = projects.classes(tx, project_id), items.list_(tx, project_id, split)
    rows, embedded = newest.rows([item.id for item in every])
    return Predictions(
        tuple(item for item, there in zip(every, embedded.tolist(), strict=True) if there),
        tuple(classes),
        newest.probabilities[rows],
        Uncertainty(newest.total[rows], newest.aleatoric[rows], newest.epistemic[rows]),
        newest.novelty[rows],
        newest.fit,
    )


def prediction_page(
    workspace: Workspace, project_id: ProjectId, after: ItemId | None, limit: int
) -> tuple[list[Prediction], str | None]:
    """What the newest model says of the first embedded images, by id, and the hash of its fit, None before the first.

    The next page starts `after` the last id of this one.

    Raises:
        NotFoundError: there is no such project, nothing of it is embedded, or it has no posterior yet.
        ConflictError: it has fewer than two classes.
    """
    newest = outlook(workspace, project_id)
    first = int(torch.searchsorted(newest.item_ids, after, right=True)) if after is not None else 0
    rows = torch.arange(first, min(first + limit, len(newest)))
    return _told(workspace, project_id, newest, rows), newest.fit


def predictions_of(
    workspace: Workspace, project_id: ProjectId, item_ids: Sequence[ItemId]
) -> tuple[dict[ItemId, Prediction], str | None]:
    """The same of these images; those that are not embedded are left out.

    Raises:
        NotFoundError: there is no such project, nothing of it is embedded, or it has no posterior yet.
        ConflictError: it has fewer than two classes.
    """
    newest = outlook(workspace, project_id)
    rows, _ = newest.rows(item_ids)
    return {one.item_id: one for one in _told(workspace, project_id, newest, rows)}, newest.fit


def _told(workspace: Workspace, project_id: ProjectId, newest: Outlook, rows: Int64[Tensor, " F"]) -> list[Prediction]:
    with workspace.database.read() as tx:
        names = {label.id: label.name for label in projects.classes(tx, project_id)}
    classes = [names[class_id] for class_id in newest.class_ids]
    columns = (newest.total, newest.aleatoric, newest.epistemic, newest.novelty)
    numbers = zip(
        newest.item_ids[rows].tolist(),
        newest.probabilities[rows].tolist(),
        *(each[rows].tolist() for each in columns),
        strict=True,
    )
    return [Prediction(item_id, dict(zip(classes, p, strict=True)), *parts) for item_id, p, *parts in numbers]


def image_embeddings(
    workspace: Workspace, project_id: ProjectId, split: Split | None = None
) -> tuple[Sequence[ItemId], Float[Tensor, "N D"]]:
    """Ids and joint embeddings, of length 1, of the embedded images of a split, or of all.

    Raises:
        NotFoundError: there is no such project, or nothing of it is embedded.
    """
    with workspace.database.read() as tx:
        project, ids = projects.by_id(tx, project_id), items.ids(tx, project_id, split)
    require_embedded(workspace, project)
    rows, layers = load_embeddings(workspace, project, ids), encoder_in_use(workspace, project).layers
    return rows.item_ids.tolist(), normalize(rows.activations.embed(layers.image_weight), dim=1)


def class_embeddings(workspace: Workspace, project_id: ProjectId) -> Float[Tensor, "C D"]:
    """Joint embeddings, of length 1, of the project's classes in their order.

    Raises:
        NotFoundError: there is no such project, or nothing of it is embedded.
        InvalidInputError: it has no classes.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
    require_embedded(workspace, project)
    encoder = encoder_in_use(workspace, project)
    return normalize(class_rows(workspace, project, encoder, classes).embed(encoder.layers.text_weight), dim=1)
