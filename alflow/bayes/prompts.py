"""Which of several prompts fit labelled images best: for each class the present ones, or those of a candidate.

A candidate is judged as the product would use it: fitted to labels. Each label is predicted by a fit (at the usual
width) that has not seen it, so that a candidate gains nothing by being under- or over-confident before any label.

Labels prefer some prompts always, by chance. So others must be above the present ones by more than that: the paired
differences of the log densities pass a one-sided t test at the level `RISK` / K, where K is how many are compared
(Bonferroni). First one candidate may replace the prompts of all classes; then one class after the other may get others.
Of the many changes of one class those are fitted that a glance at the logits promises most of; all count among the K.

Axes: N labelled images, C classes, S choices: 0 is the present prompts, the others are candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import Final

import torch
from jaxtyping import Float, Int64
from scipy.stats import t as student_t
from torch import Tensor

from alflow.bayes.field import SCALE_MEAN, WIDTH
from alflow.bayes.fit import check_support, folds
from alflow.bayes.model import Model
from alflow.bayes.problem import Problem
from alflow.embeddings import Activations

RISK: Final = 0.05
"""That other prompts are chosen although the present ones are right, at most; in each of the two steps."""

_MOST_CHANGES: Final = 10
_TRIED: Final = 4  # changes of one class that are fitted, by either glance


@dataclass(frozen=True)
class Choice:
    """What the labels prefer.

    Attributes:
        of_class: a choice for each class; all 0 where the labels do not say enough.
        log_densities: of each label, if all classes had the prompts of one choice.
    """

    of_class: Int64[Tensor, " C"]
    log_densities: Float[Tensor, "S N"]


def best_prompts(
    zero_shot: Sequence[Model], rows: Activations, labels: Int64[Tensor, " N"], generator: torch.Generator
) -> Choice:
    """Choose by these labels.

    Args:
        zero_shot: the model before any label with the present prompts, and with those of each candidate.
        rows: of the labelled images.
        labels: columns of the models.
        generator: deals the folds.
    """
    dealt = folds(labels, generator)
    by_all = torch.stack([_log_densities(model, rows, labels, dealt) for model in zero_shot])
    n_others = len(zero_shot) - 1
    of_class = torch.zeros(len(zero_shot[0].classes), dtype=torch.int64)
    if not n_others:
        return Choice(of_class, by_all)
    best = int(by_all.sum(dim=1).argmax())
    base = best if is_better(by_all[best] - by_all[0], n_others) else 0
    of_class, present = of_class + base, by_all[base]
    for _ in range(_MOST_CHANGES):
        changes = _promising(zero_shot, of_class, rows, labels, dealt)
        found = [_log_densities(with_choice(zero_shot, one), rows, labels, dealt) for one in changes]
        best = max(range(len(found)), key=lambda place: float(found[place].sum()), default=-1)
        if best < 0 or not is_better(found[best] - present, n_others * len(of_class)):
            break
        of_class, present = changes[best], found[best]
    return Choice(of_class, by_all)


def fold_fields(
    zero_shot: Model, support: Activations, labels: Int64[Tensor, " N"], dealt: Int64[Tensor, " N"]
) -> tuple[Float[Tensor, "N C"], Float[Tensor, " N"]]:
    """Mean of f and the scale for each image, by a fit at the usual width to the labels of the other folds.

    Much cheaper than `refit` of each, to compare models by. A fold that has all labels is predicted without any.
    """
    check_support(zero_shot, support, labels)
    features = zero_shot.frame.features(support.values.double())
    whole = Problem.of(features, zero_shot.zero_shot_logits(support).double(), labels, zero_shot.class_covariance)
    problem, moved = whole.with_width(WIDTH), torch.zeros_like(whole.zero_shot)
    scales = torch.full_like(moved[:, 0], exp(SCALE_MEAN))
    for fold in range(int(dealt.max()) + 1):
        held = dealt == fold
        if held.all():
            continue
        fit = problem[~held].solve()
        moved[held] = (problem.coordinates[held] @ fit.change) @ problem.root.T
        scales[held] = exp(fit.log_scale)
    return moved, scales


def is_better(gaps: Float[Tensor, " N"], n_compared: int) -> bool:
    """Whether these differences are above 0 by more than the best of so many would be by chance."""
    if len(gaps) < 2 or not float(gaps.mean()) > 0:
        return False
    error = float(gaps.std()) / sqrt(len(gaps))
    return float(gaps.mean()) > float(student_t.isf(RISK / n_compared, len(gaps) - 1)) * error


def with_choice(zero_shot: Sequence[Model], of_class: Int64[Tensor, " C"]) -> Model:
    """The model before any label whose classes have the prompts of these choices."""
    rows = [zero_shot[choice].classes[torch.tensor([place])] for place, choice in enumerate(of_class.tolist())]
    return replace(zero_shot[0], classes=Activations.concatenate(rows))


def _log_densities(
    model: Model, rows: Activations, labels: Int64[Tensor, " N"], dealt: Int64[Tensor, " N"]
) -> Float[Tensor, " N"]:
    moved, scale = fold_fields(model, rows, labels, dealt)
    logits = scale[:, None] * model.zero_shot_logits(rows).double() + moved
    return logits.log_softmax(dim=1)[torch.arange(len(labels)), labels]


def _promising(
    zero_shot: Sequence[Model],
    of_class: Int64[Tensor, " C"],
    rows: Activations,
    labels: Int64[Tensor, " N"],
    dealt: Int64[Tensor, " N"],
) -> list[Int64[Tensor, " C"]]:
    """Changes of one class that a glance says gain most: with what labels added to the present choice, or without.

    With it a prompt whose fault labels made good is overlooked, without it one that labels make good anyway is not.
    """
    moved, scale = fold_fields(with_choice(zero_shot, of_class), rows, labels, dealt)
    every = scale[:, None] * torch.stack([model.zero_shot_logits(rows).double() for model in zero_shot])
    columns = torch.arange(len(of_class))
    places: list[int] = []
    for one in (every + moved, every):
        gains = gains_by_class(one[of_class, :, columns].T, one, labels).flatten()
        order = gains.argsort(descending=True)[:_TRIED]
        places += [place for place in order.tolist() if float(gains[place]) > 0]
    changes = []
    for place in dict.fromkeys(places):
        choice, column = divmod(place, len(of_class))
        changed = of_class.clone()
        changed[column] = choice
        changes.append(changed)
    return changes


def gains_by_class(
    current: Float[Tensor, "N C"], every: Float[Tensor, "S N C"], labels: Int64[Tensor, " N"]
) -> Float[Tensor, "S C"]:
    """By how much the log-likelihood of the labels rises if one class alone takes its logits from another choice."""
    rows, others = torch.arange(len(labels)), _without_each(current)
    now = current.log_softmax(dim=1)[rows, labels].sum()
    gains = []
    for choice in every:
        right = current[rows, labels][:, None].expand_as(choice).clone()
        right[rows, labels] = choice[rows, labels]
        gains.append((right - torch.logaddexp(others, choice)).sum(dim=0) - now)
    return torch.stack(gains)


def _without_each(logits: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
    """Log of the sum of exp over all classes but each."""
    none = logits.new_full((len(logits), 1), -torch.inf)
    before = torch.cat([none, logits.logcumsumexp(dim=1)[:, :-1]], dim=1)
    behind = torch.cat([none, logits.flip(1).logcumsumexp(dim=1)[:, :-1]], dim=1).flip(1)
    return torch.logaddexp(before, behind)
