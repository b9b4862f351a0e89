"""Which prompts fit the labels best, and what they would gain on images whose label they have not seen.

The choice is `alflow.bayes.prompts.best_prompts`. Its gain is told by folds: for each of them the prompts are chosen,
and the model is fitted, by the labels of the others. So neither the choice nor the fit has seen what it is told by.
Nothing is saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from jaxtyping import Bool
from torch import Tensor

from alflow.bayes.model import Model
from alflow.bayes.prompts import Choice, best_prompts, with_choice
from alflow.bootstrap import Interval
from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.ids import ClassId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.answers import outcomes
from alflow.store.projects import projects
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.insight.comparison import Compared, compared, held_out
from alflow.workflow.insight.encoded import encode_prompts
from alflow.workflow.insight.templates import TEMPLATES
from alflow.workflow.model.kept import outlook
from alflow.workflow.model.model import load_rows, model_of
from alflow.workflow.projects.class_edits import Edit, planned_classes
from alflow.workflow.projects.naming import prompted
from alflow.workspace import Workspace

_MOST_TEXTS: Final = 5000  # that are encoded for it; further candidates are left out
_MOST_ENTRIES: Final = 500_000  # labels times classes times candidates that are compared


@dataclass(frozen=True)
class Fit:
    """How well the labels fit if one candidate makes the prompts of all classes.

    Attributes:
        title: of the candidate.
        templates: what makes its prompts.
        gain: by how many nats a label it is above the present prompts, on labels that its fit has not seen, with the
            95% interval. Each for itself: the best of many looks better than it is.
    """

    title: str
    templates: tuple[str, ...]
    gain: Interval


@dataclass(frozen=True)
class Suggested:
    """Other prompts for one class, and the title of the candidate that they are from."""

    class_id: ClassId
    title: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Suggestions:
    """Prompts that the labels prefer.

    Attributes:
        labels: how many were compared.
        fits: of each candidate, the best first.
        classes: those that would get other prompts; none where the labels do not say enough for any.
        gain: of choosing so and fitting, on labels that neither has seen; None with fewer than two labels.
        left_out: titles of candidates that would be too many texts to encode.
    """

    labels: int
    fits: tuple[Fit, ...]
    classes: tuple[Suggested, ...]
    gain: Compared | None
    left_out: tuple[str, ...]

    @property
    def edits(self) -> dict[ClassId, Edit]:
        """What makes them the project's."""
        return {one.class_id: Edit(prompts=one.prompts) for one in self.classes}


def suggest_prompts(
    workspace: Workspace,
    project_id: ProjectId,
    own: Sequence[str] = (),
    progress: Progress = silent,
    templates: Mapping[str, Sequence[str]] = TEMPLATES,
) -> Suggestions:
    """Compare the templates, and one's own as one more candidate, with the present prompts by the labels.

    Raises:
        InvalidInputError: there is no label yet, a template has no place for the name, or two classes look the same.
        ConflictError: the project has fewer than two classes, or its model's weights changed since it was embedded.
        NotFoundError: there is no such project, nothing is embedded, or there is no posterior yet.
        UnavailableError: the model's weights cannot be had on this machine.
    """
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
        settled = outcomes.evidence(tx, project_id)
    fit = outlook(workspace, project_id).fit
    model = model_of(workspace, project, classes, fit)
    support = {item: label for item, label in sorted(settled.items()) if label in model.class_ids}
    (rows,) = load_rows(workspace, project, model, list(support))
    if not len(rows):
        raise InvalidInputError("no label tells which prompts fit: answer some images first")
    labels = model.columns([support[item] for item in rows.item_ids.tolist()])
    candidates, left_out = _candidates(classes, {**templates, **({"Your own": tuple(own)} if own else {})})
    zero_shot = replace(model.model, learnt=None)
    every = [zero_shot.classes, *_encoded(workspace, project, classes, candidates, progress)]
    with_each = [replace(zero_shot, classes=one) for one in every]
    chooser = _Chooser(with_each, rows.activations, labels, project.settings.seed)
    choice = chooser.choice(torch.ones(len(labels), dtype=torch.bool))
    titles = list(candidates)
    suggested = [
        Suggested(label.id, titles[one - 1], prompted(label.display_name, candidates[titles[one - 1]]))
        for label, one in zip(classes, choice.of_class.tolist(), strict=True)
        if one
    ]
    planned_classes(classes, {one.class_id: Edit(prompts=one.prompts) for one in suggested})  # no two alike
    gaps = choice.log_densities[1:] - choice.log_densities[0]
    fits = [Fit(title, made, _interval(gap)) for (title, made), gap in zip(candidates.items(), gaps, strict=True)]
    fits.sort(key=lambda one: -one.gain.value)
    return Suggestions(len(labels), tuple(fits), tuple(suggested), chooser.gain(), left_out)


@dataclass(frozen=True)
class _Chooser:
    """Chooses by a part of the labels.

    Attributes:
        models: before any label, by the present prompts and by those of each candidate.
        rows: of the labelled images.
        labels: columns [N].
        seed: deals the folds.
    """

    models: Sequence[Model]
    rows: Activations
    labels: Tensor
    seed: int

    def choice(self, of: Bool[Tensor, " N"]) -> Choice:
        """By these labels, or as many of them as can be compared in seconds."""
        places = of.nonzero()[:, 0]
        most = max(1, _MOST_ENTRIES // (len(self.models) * len(self.models[0].classes)))
        generator = torch.Generator().manual_seed(self.seed)
        places = places[torch.randperm(len(places), generator=generator)[:most].sort().values]
        return best_prompts(self.models, self.rows[places], self.labels[places], generator)

    def model_of(self, of: Bool[Tensor, " N"]) -> Model:
        """The model before any label, with the prompts that these labels choose."""
        if not of.any():
            return self.models[0]
        return with_choice(self.models, self.choice(of).of_class)

    def gain(self) -> Compared | None:
        """Against the present prompts, on held-out labels."""
        if len(self.labels) < 2:
            return None
        was = held_out(lambda _: self.models[0], self.rows, self.labels, self.seed)
        chosen = held_out(self.model_of, self.rows, self.labels, self.seed)
        return compared(was.probabilities, chosen.probabilities, was.labels)


def _interval(gaps: Tensor) -> Interval:
    """The mean, and where it is with 95%, by the scatter of the labels."""
    mean, reach = float(gaps.mean()), 1.96 * float(gaps.std(correction=0)) / len(gaps) ** 0.5
    return Interval(mean, mean - reach, mean + reach)


def _candidates(
    classes: Sequence[ClassLabel], templates: Mapping[str, Sequence[str]]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Those that are encoded, and the titles of those that would be too many texts."""
    taken: dict[str, tuple[str, ...]] = {}
    left_out = []
    for title, made in templates.items():
        if (sum(map(len, taken.values())) + len(made)) * len(classes) > _MOST_TEXTS:
            left_out.append(title)
        else:
            planned_classes(classes, {label.id: Edit(templates=made) for label in classes})  # the door for templates
            taken[title] = tuple(made)
    return taken, tuple(left_out)


def _encoded(
    workspace: Workspace,
    project: Project,
    classes: Sequence[ClassLabel],
    candidates: Mapping[str, Sequence[str]],
    progress: Progress,
) -> list[Activations]:
    """Class rows by each candidate, all encoded in one go."""
    encoder = encoder_in_use(workspace, project)
    prompts = [prompted(label.display_name, made) for made in candidates.values() for label in classes]
    if not prompts:
        return []
    rows = encode_prompts(workspace, project, encoder, prompts, progress)
    return [rows[part] for part in torch.split(torch.arange(len(rows)), len(classes))]
