"""Fit the mean of the field and the scale of the zero-shot logits to labels.

    minimise  - sum_n log softmax(s m(x_n) + f(x_n))_y_n + |f|^2 / 2 + ((log s - SCALE_MEAN) / SCALE_DEVIATION)^2 / 2

|f| is the norm of the field with prior covariance width k Q. One number cannot be known beforehand: the width, how far
labels may move the logits. Few labels cannot tell it either, and least of all those of a batch that was chosen to be
diverse. So the fit is the mean of those with each of `WIDTHS`, weighted by how well each predicts labels that it has
not seen (cross-validation inside the support set) and by a log-normal prior around the usual width. No label beyond
the support set is needed.

Axes: N labelled images, C classes, U features, r = min(N, U), S widths, R resamples.

References:
    Yao et al., Using Stacking to Average Bayesian Predictive Distributions, arXiv 1704.02030 (pseudo-BMA+ weights).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.field import WIDTH, Field, seen_rows
from alflow.bayes.model import Model
from alflow.bayes.problem import Problem, Solution
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError

WIDTHS: Final = (1.0, 8.0, 64.0, 512.0)
"""Prior variances of f, in square nats: from all but zero-shot to all but free."""

_DECADE: Final = log(10.0)  # standard deviation of the log-normal prior of the width
_RESAMPLES: Final = 1000
_LEAST: Final = 1e-12
_FOLDS: Final = 5
_ENOUGH: Final = 600  # labels times folds fitted: with many labels a part of the folds says enough


def refit(zero_shot: Model, support: Activations, labels: Int64[Tensor, " N"], generator: torch.Generator) -> Model:
    """The zero-shot model after these labels.

    Works from one label on; classes without labels keep their zero-shot logits but for what other classes teach.

    Args:
        zero_shot: the model before any label.
        support: activations of the labelled images.
        labels: rows of the model's classes; an image may stand twice, with two labels.
        generator: deals the images into folds and resamples them; the only randomness.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    check_support(zero_shot, support, labels)
    features = zero_shot.frame.features(support.values.double())
    problem = Problem.of(features, zero_shot.zero_shot_logits(support).double(), labels, zero_shot.class_covariance)
    problems = [problem.with_width(width) for width in WIDTHS]
    log_prior = log_prior_of(WIDTHS)
    fits = [one.solve() for one in problems]
    shares = torch.softmax(log_prior, dim=0) if len(labels) == 1 else _judged(problems, fits, log_prior, generator)
    weight = sum(float(share) * one.weight(fit) for share, one, fit in zip(shares, problems, fits, strict=True))
    log_scale = sum(float(share) * fit.log_scale for share, fit in zip(shares, fits, strict=True))
    dtype = zero_shot.layers.image_weight.dtype
    field = Field(torch.as_tensor(weight).to(dtype), log_scale, 0.0, seen_rows(features).to(dtype))
    return replace(
        zero_shot, learnt=replace(field, deviation=problem.deviation(problem.moved(field.weight), log_scale))
    )


def log_prior_of(widths: Sequence[float]) -> Float[Tensor, " S"]:
    """Log-normal around the usual width, up to a constant."""
    return -torch.tensor([0.5 * (log(width / WIDTH) / _DECADE) ** 2 for width in widths])


def averaging_weights(
    log_densities: Float[Tensor, "S M"], log_prior: Float[Tensor, " S"], generator: torch.Generator
) -> Float[Tensor, " S"]:
    """Pseudo-BMA+ weights of S models by the log densities of M held-out items (Yao et al., section 3.4) and a prior.

    The Bayesian bootstrap counts the items anew, a thousand times; each time the models share one vote by the prior
    (up to a constant) times the density that they then have. Models whose densities differ by less than their own
    scatter share the weight.
    """
    n = log_densities.shape[1]
    counts = torch.rand(_RESAMPLES, n, generator=generator).clamp_min(_LEAST).log().neg()
    counts *= n / counts.sum(dim=1, keepdim=True)  # [R M], a Dirichlet(1, ..., 1) times M
    return torch.softmax(counts @ log_densities.to(counts.dtype).T + log_prior, dim=1).mean(dim=0)


def folds(labels: Int64[Tensor, " N"], generator: torch.Generator) -> Int64[Tensor, " N"]:
    """The fold of each image, 0 to 4: dealt class by class in random order, so that folds are alike."""
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    dealt = torch.empty_like(labels)
    dealt[order] = torch.arange(len(labels)) % min(_FOLDS, len(labels))
    return dealt


def check_support(zero_shot: Model, support: Activations, labels: Int64[Tensor, " N"]) -> None:
    """Refuse what no fit can be made of.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    zero_shot.image_posterior.check_weight(zero_shot.layers.image_weight)
    n_classes = len(zero_shot.classes)
    if len(labels) == 0 or len(labels) != len(support):
        raise InvalidInputError(
            f"{len(labels)} labels for {len(support)} images: a fit needs one for each, and one image at least"
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise InvalidInputError(f"a label is none of the {n_classes} classes: give their row numbers")
    if not support.values.isfinite().all():
        raise InvalidInputError("activations of a labelled image are not finite: embed the image again, in float32")


def _judged(
    problems: Sequence[Problem], fits: Sequence[Solution], log_prior: Float[Tensor, " S"], generator: torch.Generator
) -> Float[Tensor, " S"]:
    """A share for each width: images are predicted by fits that have not seen them."""
    labels = problems[0].labels
    dealt = folds(labels, generator)
    n_folds = min(_FOLDS, len(labels), max(1, _ENOUGH // len(labels)))
    parts = []
    for fold in range(n_folds):
        held = dealt == fold
        parts.append([one[held].log_densities(one[~held].solve(fit)) for one, fit in zip(problems, fits, strict=True)])
    densities = torch.stack([torch.cat(of_width) for of_width in zip(*parts, strict=True)])
    return averaging_weights(densities, log_prior, generator)
