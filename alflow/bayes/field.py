"""What labels teach: a Gaussian process of the logits, around the zero-shot ones and conditioned on the labels.

    z(x) = s m(x) + f(x),    f ~ GP(0, k(x, x') Q),    k(x, x') = (phi - c) . (phi' - c) / r^2 + OFFSET

m are the zero-shot logits, c and r^2 the mean and the total variance of the activations of the project's images
(`Frame`), Q the covariance of the classes (`class_covariance`). In the space of weights this is an isotropic Gaussian
over a change of the last layer, seen along the class embeddings: it asks nothing of the pretraining but its features.
`alflow.bayes.fit` finds the mean of f and the scale s. Given L labels the covariance of the logits is

    Cov(z(x), z(x')) = AMPLITUDE k'(x, x') Q,    k' = k - k(x, L) (k(L, L) + NOISE I)^-1 k(L, x')

The reduction, stated: a softmax has the curvature diag(p) - p p^T, which depends on p and ties the classes together,
so that the exact Laplace posterior of n labels and C classes costs (n C)^3; and where the fit is sure of its labels
that curvature is nearly nothing, as if they had taught nothing. Bohning's bound (I - 1/C) / 2 on that curvature is
one matrix for every p; with the mean variance of Q, 1, for that of each class, k' is one kernel for all classes: n^3.
It needs no answer, only which images are asked about. With it k' never rises where a label is added, and at a
labelled image it falls below NOISE.

Axes: N images, L labelled images, C classes, P width of the activations, U = P + 1 features.

References:
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2 and 3.5.
    Bohning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical Mathematics 44, 1992.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import exp, sqrt
from typing import Final, Self

import torch
from jaxtyping import Float
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor

from alflow.embeddings import Activations

OFFSET: Final = 0.1
"""Of the kernel: what all images share, beside a variance of 1 of the images' own. It lets whole classes rise."""

WIDTH: Final = 64.0
"""Usual prior variance of f, in square nats, for its mean."""

AMPLITUDE: Final = 8.0
"""Of the covariance, in square nats: an eighth of the width. With it the epistemic part is about what labels remove."""

NOISE: Final = 2 / WIDTH
"""Of an observation, in units of k: what Bohning's bound makes of a label."""

SCALE_MEAN, SCALE_DEVIATION = 0.3, 0.5
"""Of the prior of log s. CLIP at its own scale is under-confident more often than not."""

SHARED: Final = 0.7
"""Share of Q that class embeddings explain; the rest is every class's own."""

_NODES, _SHARES = hermegauss(5)


@dataclass(frozen=True)
class Frame:
    """Where a project's images lie among all activations: their mean, and the root of their total variance."""

    centre: Float[Tensor, " P"]
    radius: float

    @classmethod
    def of(cls, images: Activations) -> Self:
        """Of these images; `of_parts` takes them in turn."""
        return cls.of_parts([images], images.values.shape[1])

    @classmethod
    def of_parts(cls, parts: Iterable[Activations], width: int) -> Self:
        """Of all rows of all parts, one part at a time; of fewer than two different rows: the origin, and 1."""
        n, total, square = 0, torch.zeros(width, dtype=torch.float64), 0.0
        for part in parts:
            rows = part.values.double()
            n, total = n + len(rows), total + rows.sum(dim=0)
            square += float(rows.square().sum())
        centre = total / max(n, 1)
        variance = square / max(n, 1) - float(centre.square().sum())
        if n < 2 or not variance > 1e-12 * square / n:
            return cls(torch.zeros(width, dtype=torch.float64), 1.0)
        return cls(centre, sqrt(variance))

    def features(self, values: Float[Tensor, "N P"]) -> Float[Tensor, "N U"]:
        """Rows u with u(x) . u(x') = k(x, x'), in the dtype of the values."""
        own = (values - self.centre.to(values.dtype)) / self.radius
        return torch.cat([own, own.new_full((len(own), 1), sqrt(OFFSET))], dim=1)


@dataclass(frozen=True)
class Field:
    """The process given labels.

    Attributes:
        weight: mean of f is features times this.
        log_scale, deviation: mean and standard deviation of log s.
        seen: rows R with k'(x, x') = u . u' - (R u) . (R u'); at most U of them.
    """

    weight: Float[Tensor, "U C"]
    log_scale: float
    deviation: float
    seen: Float[Tensor, "L U"]

    @classmethod
    def before_labels(cls, width: int, n_classes: int, dtype: torch.dtype) -> Self:
        """The prior, for activations of this width."""
        nothing = torch.zeros(width + 1, n_classes, dtype=dtype)
        return cls(nothing, SCALE_MEAN, SCALE_DEVIATION, torch.zeros(0, width + 1, dtype=dtype))

    def logits(self, zero_shot: Float[Tensor, "N C"], features: Float[Tensor, "N U"]) -> Float[Tensor, "N C"]:
        """Mean of the logits, at the median of s."""
        return exp(self.log_scale) * zero_shot + features @ self.weight

    def probabilities(self, zero_shot: Float[Tensor, "N C"], features: Float[Tensor, "N U"]) -> Float[Tensor, "N C"]:
        """The prediction: softmax at the mean of f, averaged over the scale (Gauss-Hermite, 5 nodes).

        The covariance of f does not enter: at the mean of f, fitted with a wide prior, predictions are calibrated, and
        it could only take confidence away (`alflow.bayes.uncertainty` has draws whose mean is this prediction).
        """
        return self.averaged(zero_shot, features @ self.weight)

    def averaged(self, zero_shot: Float[Tensor, "N C"], moved: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
        """`probabilities`, from the mean of f."""
        found = torch.zeros_like(moved)
        for scale, share in self.scales:
            found += share * torch.softmax(scale * zero_shot + moved, dim=1)
        return found

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Nodes of the average over s, each with its share; the shares sum to one."""
        shares = (_SHARES / _SHARES.sum()).tolist()
        return [
            (exp(self.log_scale + self.deviation * at), one) for at, one in zip(_NODES.tolist(), shares, strict=True)
        ]

    def variance(self, features: Float[Tensor, "N U"]) -> Float[Tensor, " N"]:
        """AMPLITUDE k'(x, x), in square nats: the scale of Q in the covariance of an image's logits."""
        left = features.square().sum(dim=1) - (features @ self.seen.T).square().sum(dim=1)
        return AMPLITUDE * left.clamp_min(0)

    def roots(self, features: Float[Tensor, "N U"]) -> Float[Tensor, "N U"]:
        """Rows v with v(x) . v(x') = AMPLITUDE k'(x, x')."""
        along, share = self._shrunk
        return sqrt(AMPLITUDE) * (features - (features @ along.T * share) @ along)

    @cached_property
    def _shrunk(self) -> tuple[Float[Tensor, "L U"], Float[Tensor, " L"]]:
        """Orthonormal directions of what is seen, and the share by which a root falls along each."""
        _, values, directions = torch.linalg.svd(self.seen.double(), full_matrices=False)
        share = 1 - (1 - values.square()).clamp_min(0).sqrt()
        return directions.to(self.seen.dtype), share.to(self.seen.dtype)


def scales(log_scale: float, deviation: float) -> list[tuple[float, float]]:
    """Nodes of a log-normal scale, and the share of each (Gauss-Hermite)."""
    shares = _SHARES / _SHARES.sum()
    return [(exp(log_scale + deviation * node), float(share)) for node, share in zip(_NODES, shares, strict=True)]


def seen_rows(features: Float[Tensor, "L U"]) -> Float[Tensor, "M U"]:
    """R of `Field`, of labelled images: R^T R = u_L^T (k(L, L) + NOISE I)^-1 u_L, with at most U rows."""
    rows = features.double()
    if len(rows) <= rows.shape[1]:
        root = torch.linalg.cholesky(rows @ rows.T + NOISE * torch.eye(len(rows), dtype=torch.float64))
        seen: Tensor = torch.linalg.solve_triangular(root, rows, upper=False)
        return seen.to(features.dtype)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    values = values.clamp_min(0)
    all_of_it: Tensor = (values / (values + NOISE)).sqrt()[:, None] * vectors.T
    return all_of_it.to(features.dtype)


def class_covariance(classes: Float[Tensor, "C D"]) -> Float[Tensor, "C C"]:
    """Q, with a mean variance of 1: how alike the embeddings of two classes are, from their mean; and each class's own.

    Neither part moves all classes alike: a softmax would not see it.
    """
    unit = torch.nn.functional.normalize(classes.double(), dim=1)
    apart = unit - unit.mean(dim=0)
    own = torch.eye(len(unit), dtype=torch.float64) - 1 / len(unit)
    parts = [matrix / matrix.diagonal().mean() for matrix in (apart @ apart.T, own)]
    return SHARED * parts[0] + (1 - SHARED) * parts[1]
