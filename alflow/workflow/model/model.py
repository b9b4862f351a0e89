"""The model of a project at one moment: last layers, posterior, classes, what labels taught, and what it believes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Pool, Query, ask, believe
from alflow.bayes.field import Field, Frame
from alflow.bayes.fit import refit
from alflow.bayes.gaussian import check_classes
from alflow.bayes.model import Model
from alflow.bayes.names import name_deviations
from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import Activations, Embeddings, gather
from alflow.errors import ConflictError
from alflow.ids import ClassId, ItemId
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.workflow.images.embed import class_rows
from alflow.workflow.images.frame import frame_of
from alflow.workflow.images.shards import encoder_in_use, shards
from alflow.workflow.model.posterior import posterior_of
from alflow.workflow.model.source import fit_path
from alflow.workspace import Workspace

TYPICAL: Final = 2_048


@dataclass(frozen=True)
class ProjectModel:
    """The model of a project: column c of its predictions is the class `class_ids[c]`.

    `hashes` names each part of it, so that a round can be replayed; `texts` names the prompts of each class.
    """

    model: Model
    class_ids: tuple[ClassId, ...]
    hashes: dict[str, str]
    texts: tuple[str, ...]

    def believe(self, images: Activations) -> Beliefs:
        """Predictions for these images, and their kernel features."""
        return believe(self.model, images)

    def ask(self, pool: Activations, target: Activations, labelled: Activations) -> Query:
        """What a strategy is asked."""
        return ask(self.model, pool, target, labelled)

    def class_deviations(self, pool: Pool) -> dict[ClassId, float]:
        """Standard deviation of a typical pool image's logit for each class that is due to its name: by class id.

        By the posterior of the pretraining: a label does not change a name. Typical are `TYPICAL` images at most,
        evenly spaced.
        """
        rows = torch.arange(len(pool))
        typical = pool[rows[:: max(1, len(rows) // TYPICAL)]]
        found = name_deviations(self.model, typical.embeddings)
        return dict(zip(self.class_ids, found.tolist(), strict=True))

    def columns(self, class_ids: Sequence[ClassId]) -> Int64[Tensor, " N"]:
        """Class ids -> columns of the predictions.

        Raises:
            KeyError: a class is not of this model.
        """
        where = {class_id: column for column, class_id in enumerate(self.class_ids)}
        return torch.tensor([where[class_id] for class_id in class_ids], dtype=torch.int64)


def load_model(workspace: Workspace, project: Project, fit: str | None = None) -> ProjectModel:
    """`model_of` the project and its classes as they are stored now.

    Raises:
        ConflictError: the project has fewer than two classes.
        InvalidInputError: two classes look the same to the model.
        NotFoundError: it has no posterior, or the fit is missing.
    """
    with workspace.database.read() as tx:
        stored, classes = projects.by_id(tx, project.id), projects.classes(tx, project.id)
    return model_of(workspace, stored, classes, fit)


def model_of(
    workspace: Workspace, project: Project, classes: Sequence[ClassLabel], fit: str | None = None
) -> ProjectModel:
    """The zero-shot model of the project with these classes, or the one that a round's fit left (`fit` is its hash).

    Raises:
        ConflictError: there are fewer than two classes.
        InvalidInputError: two classes look the same to the model.
        NotFoundError: the project has no posterior, or the fit is missing.
    """
    if len(classes) < 2:
        raise ConflictError(
            f"project '{project.name}' has {len(classes)} classes; a choice needs two: `alflow classes set`"
        )
    encoder = encoder_in_use(workspace, project)
    posterior = posterior_of(workspace, project, encoder)
    prompts = digest(prompts=[list(label.prompts) for label in classes])
    rows = class_rows(workspace, project, encoder, classes)
    check_classes(rows, [label.display_name for label in classes])
    frame = frame_of(workspace, project, encoder.hash, encoder.layers.image_weight.shape[1])
    zero_shot = ProjectModel(
        Model(encoder.layers, posterior.image, posterior.text, rows, frame),
        tuple(label.id for label in classes),
        {"encoder": encoder.hash, "prompts": prompts, "posterior": posterior.hash},
        tuple(digest(prompts=list(label.prompts))[:16] for label in classes),
    )
    if fit is None:
        return zero_shot
    made_of = {"fit": fit, "project": project.id, "tau": posterior.image.tau, "classes": list(zero_shot.class_ids)}
    return workspace.keep(
        digest(**made_of, **zero_shot.hashes), lambda: restore_fit(workspace, project, zero_shot, fit)
    )


def load_rows(
    workspace: Workspace, project: Project, model: ProjectModel, *groups: Sequence[ItemId]
) -> list[Embeddings]:
    """Rows of each group of items by the model's encoder, as `gather` gives them."""
    every = shards(workspace, project, model.hashes["encoder"])
    return gather(every, groups, model.model.layers.image_weight.shape[1])


def fit_support(zero_shot: ProjectModel, rows: Embeddings, class_ids: Sequence[ClassId], seed: int) -> ProjectModel:
    """The zero-shot model after these labels.

    Args:
        zero_shot: the model before any label.
        rows: of the labelled images.
        class_ids: their labels, all of classes of the model.
        seed: of the folds inside the fit.
    """
    generator = torch.Generator().manual_seed(seed)
    fitted = refit(zero_shot.model, rows.activations, zero_shot.columns(class_ids), generator)
    return replace(zero_shot, model=fitted)


def save_fit(
    workspace: Workspace, project: Project, fit: str, fitted: ProjectModel, support: Mapping[ItemId, ClassId], seed: int
) -> None:
    """Keep what `load_model` needs to restore a fitted model, and what is needed to fit it again with other prompts."""
    frame, field = fitted.model.frame, fitted.model.field
    tensors = {"centre": frame.centre, "weight": field.weight, "seen": field.seen}
    numbers = {"radius": frame.radius, "log_scale": field.log_scale, "deviation": field.deviation}
    tensors |= {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    labelled = {"item_ids": list(support), "labels": list(support.values())}
    tensors |= {name: torch.tensor(ids, dtype=torch.int64) for name, ids in labelled.items()}
    notes = {"class_ids": json.dumps(fitted.class_ids), "texts": json.dumps(fitted.texts), "seed": str(seed)}
    workspace.artifacts.write_tensors(fit_path(project.id, fit), tensors, fitted.hashes | notes)


def restore_fit(workspace: Workspace, project: Project, zero_shot: ProjectModel, fit: str) -> ProjectModel:
    """The fitted model that `save_fit` kept, for the classes there are now: one that came since keeps its own logits.

    What labels add to the logits depends on the zero-shot logits. So where a class that the fit knew has other prompts
    now, the same labels are fitted again with these, once. Fits of an older alflow do not say which labels they are of:
    they stay as they are until the next round is closed.

    Raises:
        NotFoundError: there is no fit of that hash.
    """
    tensors, notes = workspace.artifacts.read_tensors(fit_path(project.id, fit))
    if known := _with_other_prompts(zero_shot, notes):
        again = _fit_again(workspace, project, zero_shot, fit, known)
        tensors, notes = workspace.artifacts.read_tensors(fit_path(project.id, again))
    of_fit = json.loads(notes["class_ids"]) if "class_ids" in notes else zero_shot.class_ids
    radius, log_scale, deviation = (float(tensors[name]) for name in ("radius", "log_scale", "deviation"))
    weight = _of_classes(tensors["weight"], of_fit, zero_shot.class_ids)
    learnt = Field(weight, log_scale, deviation, tensors["seen"])
    fitted = replace(zero_shot.model, frame=Frame(tensors["centre"], radius), learnt=learnt)
    return replace(zero_shot, model=fitted, hashes=zero_shot.hashes | {"fit": fit})


def support_of(workspace: Workspace, project: Project, fit: str | None) -> dict[ItemId, ClassId] | None:
    """The labels that a fit is of; None of one by an older alflow, which did not say. No fit has none.

    Raises:
        NotFoundError: there is no fit of that hash.
    """
    if fit is None:
        return {}
    tensors, _ = workspace.artifacts.read_tensors(fit_path(project.id, fit))
    if "labels" not in tensors:
        return None
    return dict(zip(tensors["item_ids"].tolist(), tensors["labels"].tolist(), strict=True))


def _with_other_prompts(zero_shot: ProjectModel, notes: Mapping[str, str]) -> list[ClassId]:
    """The classes of a fit that there still are, in its order, if one of them has other prompts now; else none."""
    if "texts" not in notes or notes["encoder"] != zero_shot.hashes["encoder"]:
        return []
    before = dict(zip(json.loads(notes["class_ids"]), json.loads(notes["texts"]), strict=True))
    now = dict(zip(zero_shot.class_ids, zero_shot.texts, strict=True))
    known = [one for one in before if one in now]
    return known if len(known) > 1 and any(before[one] != now[one] for one in known) else []


def _fit_again(
    workspace: Workspace, project: Project, zero_shot: ProjectModel, fit: str, known: Sequence[ClassId]
) -> str:
    """Name of the fit of the same labels with the prompts of today; of the fit itself if their rows are lost."""
    columns = zero_shot.columns(known)
    texts = tuple(zero_shot.texts[column] for column in columns.tolist())
    again = digest(fit=fit, classes=list(known), texts=texts)
    if workspace.artifacts.exists(fit_path(project.id, again)):
        return again
    tensors, notes = workspace.artifacts.read_tensors(fit_path(project.id, fit))
    labels = support_of(workspace, project, fit) or {}
    (rows,) = load_rows(workspace, project, zero_shot, [item for item in labels if labels[item] in known])
    if not len(rows):
        return fit
    support, seed = {item: labels[item] for item in rows.item_ids.tolist()}, int(notes["seed"])
    frame = Frame(tensors["centre"], float(tensors["radius"]))
    model = replace(zero_shot.model, classes=zero_shot.model.classes[columns], frame=frame)
    before = replace(zero_shot, model=model, class_ids=tuple(known), texts=texts)
    fitted = fit_support(before, rows, list(support.values()), seed)
    save_fit(workspace, project, again, fitted, support, seed)
    return again


def _of_classes(weight: Tensor, of_fit: Sequence[ClassId], wanted: Sequence[ClassId]) -> Tensor:
    """The columns of these classes [U C], in their order; zero for those that the fit did not know."""
    known = {class_id: column for column, class_id in enumerate(of_fit)}
    columns = [weight[:, known[one]] if one in known else weight.new_zeros(len(weight)) for one in wanted]
    return torch.stack(columns, dim=1)
