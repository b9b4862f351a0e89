"""What other prompts would change, on every image of a project and on those whose class is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor

from alflow.bayes.names import name_deviations
from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embedded import names
from alflow.workflow.images.lengths import lengths_of
from alflow.workflow.images.shards import read, single
from alflow.workflow.insight.comparison import Compared, compared, held_out
from alflow.workflow.insight.turns import ClassEffect, Turn, class_effects, turns
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workflow.model.model import ProjectModel, load_rows, model_of, support_of
from alflow.workspace import Workspace

_TYPICAL: Final = 2048  # images whose mean is the typical one, of which the uncertainty of names is told


@dataclass(frozen=True)
class Effects:
    """What saving would change.

    Attributes:
        changed: names of the classes that would be others in any way.
        number: of the closed round whose model is compared; 0 is the model before any label.
        labels: of that model's fit, which are fitted again with the new prompts.
        fitted_again: False if the fit is of an older alflow, and stays as it is until the next round is closed.
        images, turned: embedded images of each split, and those of them whose prediction turns.
        turns: from which class to which.
        classes: of each its expected share of the pool, and how uncertain its name is.
        test: on the images of the test split; None where the class of none is known.
        labelled: on labelled images, each predicted by a fit that has not seen it; None without labels.
    """

    changed: tuple[str, ...]
    number: int
    labels: int
    fitted_again: bool
    images: Mapping[str, int]
    turned: Mapping[str, int]
    turns: tuple[Turn, ...]
    classes: tuple[ClassEffect, ...]
    test: Compared | None
    labelled: Compared | None


@dataclass(frozen=True)
class _Images:
    """Of the images of an outlook, in its order: the split of each and its known class, and labels of all items."""

    splits: Mapping[str, Tensor]
    truths: Tensor
    settled: Mapping[ItemId, ClassId]

    @classmethod
    def of(cls, workspace: Workspace, project: Project, now: Outlook) -> Self:
        """Read anew: images may have come since."""
        with workspace.database.read() as tx:
            columns, settled = items.columns(tx, project.id), outcomes.settled(tx, project.id)
        rows, found = now.rows(torch.from_numpy(columns.item_ids))
        splits, truths = torch.full((len(now),), -1), torch.zeros(len(now), dtype=torch.int64)
        splits[rows] = torch.from_numpy(columns.splits).long()[found]
        truths[rows] = torch.from_numpy(columns.truths)[found]
        return cls({split.value: splits == place for place, split in enumerate(items.SPLITS)}, truths, settled)

    @property
    def pool(self) -> Tensor:
        """Which images are of the pool; all of them where it has none."""
        pool = self.splits[Split.POOL.value]
        return pool if pool.any() else torch.ones_like(pool)


def standing(workspace: Workspace, project_id: ProjectId) -> tuple[ClassEffect, ...]:
    """Of each class its expected share of the pool and how uncertain its name is, as they are: before is after.

    Raises:
        ConflictError: the project has fewer than two classes.
        InvalidInputError: two classes look the same to the model.
        NotFoundError: there is no such project, nothing is embedded, or there is no posterior yet.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
    now = outlook(workspace, project_id)
    model, images = model_of(workspace, project, classes, now.fit), _Images.of(workspace, project, now)
    return _by_class(workspace, project, classes, (model, model), now, (now.probabilities, now.probabilities), images)


def effects(
    workspace: Workspace,
    project: Project,
    classes: tuple[Sequence[ClassLabel], Sequence[ClassLabel]],
    models: tuple[ProjectModel, ProjectModel],
    now: Outlook,
) -> Effects:
    """What changes between two models of the same fit; `classes` and `models` are before and after.

    Args:
        workspace: where.
        project: whose images.
        classes: of each model.
        models: the first is that of the outlook.
        now: what it says.
    """
    images, (old, new), (model, other) = _Images.of(workspace, project, now), classes, models
    same = model.texts == other.texts
    before, after = now.probabilities, now.probabilities if same else _predicted(workspace, project, other, now)
    turned = before.argmax(dim=1) != after.argmax(dim=1)
    support = support_of(workspace, project, now.fit)
    return Effects(
        changed=tuple(label.name for was, label in zip(old, new, strict=True) if was != label),
        number=now.number,
        labels=len(support or ()),
        fitted_again=now.fit is None or support is not None,
        images={split: int(rows.sum()) for split, rows in images.splits.items()},
        turned={split: int((turned & rows).sum()) for split, rows in images.splits.items()},
        turns=turns(now.item_ids, before, after, now.class_ids),
        classes=_by_class(workspace, project, new, models, now, (before, after), images),
        test=_on_test(now, before, after, images),
        labelled=_on_labelled(workspace, project, models, images),
    )


def _by_class(
    workspace: Workspace,
    project: Project,
    classes: Sequence[ClassLabel],
    models: tuple[ProjectModel, ProjectModel],
    now: Outlook,
    said: tuple[Tensor, Tensor],
    images: _Images,
) -> tuple[ClassEffect, ...]:
    rows = images.pool.nonzero()[:, 0]
    before, after = (one[rows].mean(dim=0) for one in said)
    (typical,) = load_rows(workspace, project, models[0], now.item_ids[rows[:_TYPICAL]].tolist())
    directions = models[0].model.images(typical.activations).direction
    was, is_ = (name_deviations(one.model, directions) for one in models)
    return class_effects(classes, (before, after), (was, is_))


def _on_test(now: Outlook, before: Tensor, after: Tensor, images: _Images) -> Compared | None:
    where = {class_id: column for column, class_id in enumerate(now.class_ids)}
    rows = images.splits[Split.TEST.value].nonzero()[:, 0]
    known = torch.tensor([where.get(ClassId(one), -1) for one in images.truths[rows].tolist()], dtype=torch.int64)
    rows, known = rows[known >= 0], known[known >= 0]
    return compared(before[rows], after[rows], known)


def _on_labelled(
    workspace: Workspace, project: Project, models: tuple[ProjectModel, ProjectModel], images: _Images
) -> Compared | None:
    model = models[0]
    support = {item: label for item, label in sorted(images.settled.items()) if label in model.class_ids}
    (rows,) = load_rows(workspace, project, model, list(support))
    labels = model.columns([support[item] for item in rows.item_ids.tolist()])
    seed = project.settings.seed
    made_of = {"classes": list(model.class_ids), "labels": list(support.items()), "seed": seed}
    was = workspace.keep(
        digest(held_out=1, **made_of, **model.hashes),
        lambda: held_out(lambda _: model.model, rows.activations, labels, seed),
    )
    is_ = was if model.texts == models[1].texts else held_out(lambda _: models[1].model, rows.activations, labels, seed)
    return compared(was.probabilities, is_.probabilities, was.labels)


def _predicted(workspace: Workspace, project: Project, model: ProjectModel, now: Outlook) -> Tensor:
    """What a model says of every image of the outlook, in its order [N C]."""
    weight = model.model.layers.image_weight
    found = torch.empty(len(now), len(model.class_ids))
    for name in names(workspace, project, model.hashes["encoder"]):
        shard = single(read(workspace, name))
        lengths = lengths_of(workspace, project, name, shard.activations, weight)
        rows, known = now.rows(shard.item_ids)
        found[rows] = model.model.quick_probabilities(shard.activations, lengths)[known].float()
    return found
