"""One fit of the field and the scale of the zero-shot logits to labels, with one prior variance, by L-BFGS.

    minimise  - sum_n w_n log softmax(s m(x_n) + f(x_n))_y_n + |f|^2 / 2 + ((log s - MEAN) / DEVIATION)^2 / 2

`alflow.bayes.fit` averages such fits, `alflow.bayes.held_out` predicts labelled images by fits that have not seen them.

Axes: N labelled images, C classes, U features, r = min(N, U).
"""

import inspect
from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import Final, Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.field import SCALE_DEVIATION, SCALE_MEAN

_MAX_STEPS: Final = 40
_TOLERANCE: Final = 1e-4  # nats
_MAX_LOG_SCALE: Final = 10.0  # only a step of the line search gets there, and must find a number, not NaN


class _Plain(torch.optim.Optimizer):
    """An optimiser that is made without the compiler: to be kept out, it would be imported, which takes a second."""

    __init__ = inspect.unwrap(torch.optim.Optimizer.__init__)
    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)


class _Lbfgs(torch.optim.LBFGS, _Plain):
    pass


@dataclass(frozen=True)
class Solution:
    """Coordinates of f in standard deviations of its prior, and log s."""

    change: Float[Tensor, "r C"]
    log_scale: float


@dataclass(frozen=True)
class Problem:
    """A support set in coordinates where the prior of f is white: f = coordinates change root^T.

    Attributes:
        coordinates: of the features in their span.
        back: turns such coordinates into features; None where they are the features.
        zero_shot: m.
        labels: columns of m.
        root: of width Q.
        counts: w, how much each label counts; None: all count once.
    """

    coordinates: Float[Tensor, "N r"]
    back: Float[Tensor, "r U"] | None
    zero_shot: Float[Tensor, "N C"]
    labels: Int64[Tensor, " N"]
    root: Float[Tensor, "C C"]
    counts: Float[Tensor, " N"] | None = None

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
        counts = None if self.counts is None else self.counts[rows]
        return type(self)(self.coordinates[rows], self.back, self.zero_shot[rows], self.labels[rows], self.root, counts)

    def with_width(self, width: float) -> Self:
        """The same with another prior variance."""
        return replace(self, root=sqrt(width) * self.root)

    def solve(self, start: Solution | None = None) -> Solution:
        """Minimise by L-BFGS, from zero-shot or from the solution of a similar problem."""
        change = torch.zeros(self.coordinates.shape[1], len(self.root), dtype=self.coordinates.dtype)
        log_scale = change.new_full((1,), SCALE_MEAN)
        if start is not None:
            change, log_scale = start.change.clone(), log_scale.new_full((1,), start.log_scale)
        optimiser = _Lbfgs(
            [change, log_scale], max_iter=_MAX_STEPS, tolerance_change=_TOLERANCE, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            loss, change.grad, log_scale.grad = self.loss(change, log_scale)
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return Solution(change, float(log_scale))

    def loss(
        self, change: Float[Tensor, "r C"], log_scale: Float[Tensor, "1"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "r C"], Float[Tensor, "1"]]:
        """Negative log posterior up to a constant, and its gradients; without automatic differentiation, for speed."""
        scaled = log_scale.clamp(max=_MAX_LOG_SCALE).exp() * self.zero_shot
        log_p = (scaled + (self.coordinates @ change) @ self.root.T).log_softmax(dim=1)
        rows = torch.arange(len(self.labels))
        misfit = -log_p[rows, self.labels]
        of_logits = log_p.exp()
        of_logits[rows, self.labels] -= 1
        if self.counts is not None:
            misfit = self.counts * misfit
            of_logits *= self.counts[:, None]
        away = (log_scale - SCALE_MEAN) / SCALE_DEVIATION**2
        of_change = ((of_logits @ self.root).T @ self.coordinates).T.contiguous() + change  # half the time of A.T @ B
        of_scale = (of_logits * scaled).sum() + away
        prior = change.square().sum() + (SCALE_DEVIATION * away).square().sum()
        return misfit.sum() + 0.5 * prior, of_change, of_scale

    def log_densities(self, solution: Solution) -> Float[Tensor, " N"]:
        """Of the labels, at a solution that another part of the support set has."""
        log_p = (exp(solution.log_scale) * self.zero_shot + self.change(solution)).log_softmax(dim=1)
        return log_p.gather(1, self.labels[:, None])[:, 0]

    def change(self, solution: Solution) -> Float[Tensor, "N C"]:
        """What a solution adds to the logits of these images."""
        return (self.coordinates @ solution.change) @ self.root.T

    def weight(self, solution: Solution) -> Float[Tensor, "U C"]:
        """What features are to be multiplied by."""
        change = solution.change if self.back is None else self.back.T @ solution.change
        return change @ self.root.T

    def moved(self, weight: Float[Tensor, "U C"]) -> Float[Tensor, "N C"]:
        """What features times a weight add to the logits of these images."""
        features = self.coordinates if self.back is None else self.coordinates @ self.back
        return features @ weight.to(features.dtype)

    def deviation(self, moved: Float[Tensor, "N C"], log_scale: float) -> float:
        """Standard deviation of log s by Laplace: prior precision, and what every label says (Fisher information)."""
        scaled = exp(log_scale) * self.zero_shot
        p = (scaled + moved).softmax(dim=1)
        variance = (p * scaled.square()).sum(dim=1) - (p * scaled).sum(dim=1).square()
        said = variance.sum() if self.counts is None else self.counts @ variance
        return 1 / sqrt(1 / SCALE_DEVIATION**2 + float(said))
