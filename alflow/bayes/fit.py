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

from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final, Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.field import SCALE_DEVIATION, SCALE_MEAN, WIDTH, Field, seen_rows
from alflow.bayes.model import Model
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError

WIDTHS: Final = (1.0, 8.0, 64.0, 512.0)
"""Prior variances of f, in square nats: from all but zero-shot to all but free."""

_DECADE: Final = log(10.0)  # standard deviation of the log-normal prior of the width
_RESAMPLES: Final = 1000
_LEAST: Final = 1e-12
_FOLDS: Final = 5
_ENOUGH: Final = 600  # labels times folds fitted: with many labels a part of the folds says enough
_MAX_STEPS: Final = 40
_TOLERANCE: Final = 1e-4  # nats
_MAX_LOG_SCALE: Final = 10.0  # only a step of the line search gets there, and must find a number, not NaN


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
    _check(support, labels, zero_shot)
    features = zero_shot.frame.features(support.values.double())
    problem = _Problem.of(features, zero_shot.zero_shot_logits(support).double(), labels, zero_shot.class_covariance)
    problems = [problem.with_width(width) for width in WIDTHS]
    log_prior = -torch.tensor([0.5 * (log(width / WIDTH) / _DECADE) ** 2 for width in WIDTHS])
    fits = [one.solve() for one in problems]
    shares = torch.softmax(log_prior, dim=0) if len(labels) == 1 else _judged(problems, fits, log_prior, generator)
    weight = sum(float(share) * one.weight(fit) for share, one, fit in zip(shares, problems, fits, strict=True))
    log_scale = sum(float(share) * fit.log_scale for share, fit in zip(shares, fits, strict=True))
    dtype = zero_shot.layers.image_weight.dtype
    field = Field(torch.as_tensor(weight).to(dtype), log_scale, 0.0, seen_rows(features).to(dtype))
    return replace(zero_shot, learnt=replace(field, deviation=problem.deviation(field)))


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


@dataclass(frozen=True)
class _Solution:
    """Coordinates of f in standard deviations of its prior, and log s."""

    change: Float[Tensor, "r C"]
    log_scale: float


@dataclass(frozen=True)
class _Problem:
    """A support set in coordinates where the prior of f is white: f = coordinates change root^T.

    Attributes:
        coordinates: of the features in their span.
        back: turns such coordinates into features; None where they are the features.
        zero_shot: m.
        labels: columns of m.
        root: of width Q.
    """

    coordinates: Float[Tensor, "N r"]
    back: Float[Tensor, "r U"] | None
    zero_shot: Float[Tensor, "N C"]
    labels: Int64[Tensor, " N"]
    root: Float[Tensor, "C C"]

    @classmethod
    def of(
        cls,
        features: Float[Tensor, "N U"],
        zero_shot: Float[Tensor, "N C"],
        labels: Int64[Tensor, " N"],
        covariance: Float[Tensor, "C C"],
    ) -> Self:
        """Change coordinates: once, for all folds and widths."""
        values, vectors = torch.linalg.eigh(covariance.double())
        root = vectors * values.clamp_min(0).sqrt()
        apart = zero_shot - zero_shot.mean(dim=1, keepdim=True)
        if len(features) >= features.shape[1]:
            return cls(features, None, apart, labels, root)
        orthonormal, coordinates = torch.linalg.qr(features.T)  # [U N], [N N]
        return cls(coordinates.T.contiguous(), orthonormal.T, apart, labels, root)

    def __getitem__(self, rows: Bool[Tensor, " N"]) -> Self:
        return replace(
            self, coordinates=self.coordinates[rows], zero_shot=self.zero_shot[rows], labels=self.labels[rows]
        )

    def with_width(self, width: float) -> Self:
        """The same with another prior variance."""
        return replace(self, root=sqrt(width) * self.root)

    def solve(self, start: _Solution | None = None) -> _Solution:
        """Minimise by L-BFGS, from zero-shot or from the solution of a similar problem."""
        change = torch.zeros(self.coordinates.shape[1], len(self.root), dtype=self.coordinates.dtype)
        log_scale = change.new_full((1,), SCALE_MEAN)
        if start is not None:
            change, log_scale = start.change.clone(), log_scale.new_full((1,), start.log_scale)
        optimiser = torch.optim.LBFGS(
            [change, log_scale], max_iter=_MAX_STEPS, tolerance_change=_TOLERANCE, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            loss, change.grad, log_scale.grad = self.loss(change, log_scale)
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return _Solution(change, float(log_scale))

    def loss(
        self, change: Float[Tensor, "r C"], log_scale: Float[Tensor, "1"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "r C"], Float[Tensor, "1"]]:
        """Negative log posterior up to a constant, and its gradients; without automatic differentiation, for speed."""
        scaled = log_scale.clamp(max=_MAX_LOG_SCALE).exp() * self.zero_shot
        log_p = (scaled + (self.coordinates @ change) @ self.root.T).log_softmax(dim=1)
        rows = torch.arange(len(self.labels))
        misfit = -log_p[rows, self.labels].sum()
        of_logits = log_p.exp()
        of_logits[rows, self.labels] -= 1
        away = (log_scale - SCALE_MEAN) / SCALE_DEVIATION**2
        of_change = self.coordinates.T @ (of_logits @ self.root) + change
        of_scale = (of_logits * scaled).sum() + away
        prior = change.square().sum() + (SCALE_DEVIATION * away).square().sum()
        return misfit + 0.5 * prior, of_change, of_scale

    def log_densities(self, solution: _Solution) -> Float[Tensor, " N"]:
        """Of the labels, at a solution that another part of the support set has."""
        moved = (self.coordinates @ solution.change) @ self.root.T
        log_p = (exp(solution.log_scale) * self.zero_shot + moved).log_softmax(dim=1)
        return log_p.gather(1, self.labels[:, None])[:, 0]

    def weight(self, solution: _Solution) -> Float[Tensor, "U C"]:
        """What features are to be multiplied by."""
        change = solution.change if self.back is None else self.back.T @ solution.change
        return change @ self.root.T

    def deviation(self, field: Field) -> float:
        """Standard deviation of log s by Laplace: prior precision, and what every label says (Fisher information)."""
        features = self.coordinates if self.back is None else self.coordinates @ self.back
        scaled = exp(field.log_scale) * self.zero_shot
        p = (scaled + features @ field.weight.to(features.dtype)).softmax(dim=1)
        variance = (p * scaled.square()).sum(dim=1) - (p * scaled).sum(dim=1).square()
        return 1 / sqrt(1 / SCALE_DEVIATION**2 + float(variance.sum()))


def _judged(
    problems: list[_Problem], fits: list[_Solution], log_prior: Float[Tensor, " S"], generator: torch.Generator
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


def _check(support: Activations, labels: Int64[Tensor, " N"], zero_shot: Model) -> None:
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
