"""What a model says of labelled images that it has not seen the labels of: cross-fitting.

The images are dealt into folds, class by class. Those of a fold are predicted by the fit of `alflow.bayes.fit` to the
other folds: the mean over the same widths, which share the weight by how well they predict what is held out. With many
labels the widths that hardly count after a fold are left out of the next, and a fit sees a random part of them.

Axes: N labelled images, C classes, S widths.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.field import Field
from alflow.bayes.fit import WIDTHS, averaging_weights, check_support, folds, log_prior_of
from alflow.bayes.model import Model
from alflow.bayes.problem import Problem, Solution
from alflow.embeddings import Activations

MOST_FITTED: Final = 5_000
"""Labels that the fit of a fold sees at most: more of them hardly change what it says of the others."""

_LEAST_SHARE: Final = 0.01
_ROWS: Final = 8192


def held_out_probabilities(
    zero_shot: Model,
    support: Activations,
    labels: Int64[Tensor, " N"],
    generator: torch.Generator,
    counts: Float[Tensor, " N"] | None = None,
) -> Float[Tensor, "N C"]:
    """Of each labelled image, by a fit to the labels of the other folds; in double precision.

    Args:
        zero_shot: the model before any label.
        support: activations of the labelled images.
        labels: rows of the model's classes.
        generator: deals the images into folds and resamples them; the only randomness.
        counts: how much each label counts in the fits, 0 to 1; None: all count once.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    check_support(zero_shot, support, labels)
    features = _features(zero_shot, support)
    zero_shot_logits = zero_shot.zero_shot_logits(support).double()
    problem = Problem.of(features, zero_shot_logits, labels, zero_shot.class_covariance)
    problem = replace(problem, counts=None if counts is None else counts.double())
    if len(labels) == 1:  # nothing to learn from
        return zero_shot.field.averaged(problem.zero_shot, torch.zeros_like(problem.zero_shot))
    dealt = folds(labels, generator)
    place = torch.randperm(len(labels), generator=generator)
    fits: list[dict[float, Solution]] = []
    widths: Sequence[float] = WIDTHS
    for fold in range(int(dealt.max()) + 1):
        fits.append(_solved(problem[_seen(dealt != fold, place)], widths))
        widths, shares = _shares(problem, dealt, fits, widths, generator)
    found = torch.empty_like(problem.zero_shot)
    for fold, solutions in enumerate(fits):
        held, seen = dealt == fold, _seen(dealt != fold, place)
        mixed = [solutions[width] for width in widths]
        found[held] = _predicted(problem[seen], problem[held], mixed, widths, shares)
    return found


def _features(zero_shot: Model, support: Activations) -> Float[Tensor, "N U"]:
    """In double precision, block by block: with many labels they are the largest thing here."""
    found = torch.empty(len(support), support.values.shape[1] + 1, dtype=torch.float64)
    for rows in torch.split(torch.arange(len(support)), _ROWS):
        found[rows] = zero_shot.frame.features(support.values[rows].double())
    return found


def _seen(others: Bool[Tensor, " N"], place: Int64[Tensor, " N"]) -> Bool[Tensor, " N"]:
    """All of these, or the `MOST_FITTED` that come first by place."""
    if int(others.sum()) <= MOST_FITTED:
        return others
    last = place[others].sort().values[MOST_FITTED - 1]
    return others & (place <= last)


def _solved(problem: Problem, widths: Sequence[float]) -> dict[float, Solution]:
    """Width -> fit, each from that of the width before."""
    found: dict[float, Solution] = {}
    last = None
    for width in widths:
        last = found[width] = problem.with_width(width).solve(last)
    return found


def _shares(
    problem: Problem,
    dealt: Int64[Tensor, " N"],
    fits: Sequence[dict[float, Solution]],
    widths: Sequence[float],
    generator: torch.Generator,
) -> tuple[Sequence[float], Float[Tensor, " S"]]:
    """Widths that count, and the share of each, by the labels of the folds so far."""
    densities = torch.stack([
        torch.cat([
            problem[dealt == fold].with_width(width).log_densities(solutions[width])
            for fold, solutions in enumerate(fits)
        ])
        for width in widths
    ])
    shares = averaging_weights(densities, log_prior_of(widths), generator)
    counting = [width for width, share in zip(widths, shares.tolist(), strict=True) if share >= _LEAST_SHARE]
    kept = torch.tensor([width in counting for width in widths])
    return counting, shares[kept] / shares[kept].sum()


def _predicted(
    seen: Problem, unseen: Problem, solutions: Sequence[Solution], widths: Sequence[float], shares: Float[Tensor, " S"]
) -> Float[Tensor, "M C"]:
    """The prediction for held-out images, as that of `Field`: the mean of the fits, averaged over the scale."""

    def mean(part: Problem) -> Float[Tensor, "M C"]:
        moved = torch.zeros_like(part.zero_shot)
        for share, width, solution in zip(shares.tolist(), widths, solutions, strict=True):
            moved += share * part.with_width(width).change(solution)
        return moved

    log_scale = float(sum(share * one.log_scale for share, one in zip(shares.tolist(), solutions, strict=True)))
    nothing = seen.zero_shot.new_empty(0, 0)
    field = Field(nothing, log_scale, seen.deviation(mean(seen), log_scale), nothing)
    return field.averaged(unseen.zero_shot, mean(unseen))
