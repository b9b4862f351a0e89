"""Moments of the logits under the posteriors of both last layers, and the probabilities that follow from them.

Axes: N images, C classes, P and P_t activation widths, D joint width, R modes of an embedding's covariance (1 for the
damped posterior, D for the exact one).

An embedding is Gaussian with mean g and Cov g(x) = sum_r spread_r(x) M_r. A cosine logit, with each norm replaced by
the root of its expected square (ProbCosine), then has

    mean     = s g . h / sqrt(E|g|^2 E|h|^2) + bias
    variance = s^2 (g^T Cov_h g + h^T Cov_g h + tr(Cov_g Cov_h)) / (E|g|^2 E|h|^2)

`full` takes the covariances as they are: exact for g . h. `diagonal`, the paper's, keeps only their diagonals. Over all
N x C either is a product [N 2R] [2R C]: for the damped posterior a sum of two outer products.

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014.
    MacKay, The evidence framework applied to classification networks (the probit approximation), 1992.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import pi
from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers

Covariance = Literal["diagonal", "full"]


@dataclass(frozen=True)
class GaussianEmbeddings:
    """Embeddings g with Cov(g(x), g(x')) = k(x, x') Binv.

    Attributes:
        mean: g, not normalised.
        variance_scale: k(x, x).
        total_variance: tr Cov g(x).
        output_variance: exact posterior only: variance along each output eigenvector.
    """

    mean: Float[Tensor, "N D"]
    variance_scale: Float[Tensor, " N"]
    total_variance: Float[Tensor, " N"]
    output_variance: Float[Tensor, "N D"] | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: Tensor) -> Self:
        output = None if self.output_variance is None else self.output_variance[rows]
        return type(self)(self.mean[rows], self.variance_scale[rows], self.total_variance[rows], output)

    def tempered(self, spread: float) -> Self:
        """The same under `posterior.tempered(spread)`."""
        output = None if self.output_variance is None else self.output_variance * spread
        return replace(self, total_variance=self.total_variance * spread, output_variance=output)

    @cached_property
    def expected_norm(self) -> Float[Tensor, " N"]:
        """sqrt(E|g|^2)."""
        return (self.mean.square().sum(1) + self.total_variance).sqrt()

    @property
    def direction(self) -> Float[Tensor, "N D"]:
        """Mean over expected norm: shorter than 1, the more the less is known."""
        return self.mean / self.expected_norm[:, None]


@dataclass(frozen=True)
class LogitMoments:
    """Mean and variance of each logit."""

    mean: Float[Tensor, "N C"]
    variance: Float[Tensor, "N C"]


@dataclass(frozen=True)
class ClassCovariances:
    """What two logits share: Cov(z_c(x), z_c'(x*)) = k Q_cc' + (r + k trace) S_cc'.

    k = k(x, x*) and r = g^T Binv_t g*, both over the expected norms. For exact posteriors k, Binv are those of the
    Kronecker product with the same marginals.
    """

    Q: Float[Tensor, "C C"]
    S: Float[Tensor, "C C"]
    trace: float


class Uncertainty(NamedTuple):
    """Entropy of the prediction in nats and its two parts; total = aleatoric + epistemic."""

    total: Float[Tensor, " N"]
    aleatoric: Float[Tensor, " N"]
    epistemic: Float[Tensor, " N"]


def gaussian_embeddings(
    activations: Activations, weight: Float[Tensor, "D P"], posterior: KroneckerPosterior
) -> GaussianEmbeddings:
    """Embeddings of these activations under weights centred at `weight`, in the dtype of `weight`.

    Raises:
        InvalidInputError: the posterior belongs to a layer of another shape.
    """
    posterior.check_weight(weight)
    values = activations.values.to(weight.dtype)
    mean = activations.embed(weight)
    scale = posterior.row_variance(values)
    if posterior.form == "exact":
        output_variance = posterior.output_variance(values)
        return GaussianEmbeddings(mean, scale, output_variance.sum(1), output_variance)
    return GaussianEmbeddings(mean, scale, scale * float(posterior.output_spectrum.sum()))


def logit_moments(
    image: GaussianEmbeddings,
    text: GaussianEmbeddings,
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    layers: LastLayers,
    covariance: Covariance = "full",
) -> LogitMoments:
    """Mean and variance of the logit of every image with every class; uses scale and bias of `layers`."""
    dtype = image.mean.dtype
    image_modes, text_modes = _modes(image_posterior, covariance, dtype), _modes(text_posterior, covariance, dtype)
    overlap = _overlap(image_posterior, text_posterior, covariance).to(dtype)  # [R R_t]
    spread_g, spread_h = _spread(image), _spread(text)  # [N R], [C R_t]
    on_image = torch.cat([spread_g, text_modes.quadratic(image.direction)], dim=1)  # [N R+R_t]
    on_text = torch.cat([image_modes.quadratic(text.direction) + spread_h @ overlap.T, spread_h], dim=1)  # [C R+R_t]
    mean = layers.scale * (image.direction @ text.direction.T) + layers.bias
    return LogitMoments(mean, layers.scale**2 * (on_image @ on_text.T))


def class_covariances(
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    text: GaussianEmbeddings,
    classes: Activations,
    scale: float,
) -> ClassCovariances:
    """Q = s^2 hhat Binv hhat^T, S = s^2 k_t(c, c') / (norms), trace = tr(Binv Binv_t)."""
    dtype = text.mean.dtype
    along = (text.direction @ image_posterior.spectrum.output_basis.to(dtype)) * (
        image_posterior.output_spectrum.sqrt().to(dtype)
    )
    values = classes.values.to(dtype)
    shared = text_posterior.row_covariance(values, values) / torch.outer(text.expected_norm, text.expected_norm)
    trace = float((image_posterior.output_covariance * text_posterior.output_covariance).sum())
    return ClassCovariances(scale**2 * (along @ along.T), scale**2 * shared, trace)


def joint_scales(
    image: GaussianEmbeddings, text_posterior: KroneckerPosterior, trace: float
) -> tuple[Float[Tensor, " N"], Float[Tensor, " N"]]:
    """(k, r + k trace) of each image with itself: the weights of Q and of S in the covariance of its logits."""
    k = image.variance_scale / image.expected_norm.square()
    along = (image.direction @ text_posterior.spectrum.output_basis.to(k.dtype)).square()
    r = along @ text_posterior.output_spectrum.to(k.dtype)
    return k, r + k * trace


def probit(moments: LogitMoments) -> Float[Tensor, "N C"]:
    """Probabilities of the classes, exactly one being right: softmax(z / sqrt(1 + pi/8 variance)), shift-invariant.

    The row maximum is subtracted first, since the division makes the formula depend on a constant added to all logits
    (CLIP's carry about +25), of which a softmax knows nothing. Serves SigLIP too: independent sigmoids conditioned on
    exactly one class being right are a softmax.
    """
    mean = moments.mean - moments.mean.amax(dim=1, keepdim=True)
    return torch.softmax(_shrunk(mean, moments.variance), dim=1)


def probit_raw(moments: LogitMoments) -> Float[Tensor, "N C"]:
    """The paper's form of `probit`, without subtracting the maximum; for parity."""
    return torch.softmax(_shrunk(moments.mean, moments.variance), dim=1)


def sigmoid_probit(moments: LogitMoments) -> Float[Tensor, "N C"]:
    """SigLIP's probability that each class is right by itself; rows do not sum to one."""
    return torch.sigmoid(_shrunk(moments.mean, moments.variance))


def entropy(probabilities: Float[Tensor, "N C"]) -> Float[Tensor, " N"]:
    """In nats, with 0 log 0 = 0."""
    return -torch.xlogy(probabilities, probabilities).sum(1)


def uncertainty_parts(
    probabilities: Float[Tensor, "N C"],
    image_scale: Float[Tensor, " N"],
    text_scale: Float[Tensor, " N"],
    covariances: ClassCovariances,
) -> Uncertainty:
    """Total, aleatoric and epistemic entropy without a draw; the scales are those of `joint_scales`.

    The epistemic part is the mutual information of answer and weights (BALD) to second order in the logit covariance,
    1/2 tr(F Cov z) with F = diag(p) - p p^T, and never more than the total.
    """
    total = entropy(probabilities)
    on_image, on_text = (_fisher_trace(probabilities, X) for X in (covariances.Q, covariances.S))
    epistemic = 0.5 * (image_scale * on_image + text_scale * on_text)
    epistemic = torch.minimum(epistemic.clamp_min(0), total)
    return Uncertainty(total, total - epistemic, epistemic)


def _fisher_trace(p: Float[Tensor, "N C"], X: Float[Tensor, "C C"]) -> Float[Tensor, " N"]:
    X = X.to(p.dtype)
    return p @ X.diagonal() - ((p @ X) * p).sum(1)


def _shrunk(mean: Float[Tensor, "N C"], variance: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
    return mean / (1 + pi / 8 * variance).sqrt()


@dataclass(frozen=True)
class _Modes:
    """M_r = basis diag(weights[:, r]) basis^T; None stands for the identity."""

    basis: Float[Tensor, "D D"] | None
    weights: Float[Tensor, "D R"] | None

    def quadratic(self, rows: Float[Tensor, "N D"]) -> Float[Tensor, "N R"]:
        """v^T M_r v of each row v."""
        squares = (rows if self.basis is None else rows @ self.basis).square()
        return squares if self.weights is None else squares @ self.weights


def _modes(posterior: KroneckerPosterior, covariance: Covariance, dtype: torch.dtype) -> _Modes:
    basis = posterior.spectrum.output_basis.to(dtype)
    weights = None if posterior.form == "exact" else posterior.output_spectrum[:, None].to(dtype)
    if covariance == "full":
        return _Modes(basis, weights)
    squared = basis.square()
    return _Modes(None, squared if weights is None else squared @ weights)


def _overlap(left: KroneckerPosterior, right: KroneckerPosterior, covariance: Covariance) -> Float[Tensor, "R R_t"]:
    """tr(M_r M'_r') of each pair of modes."""
    if covariance == "full" and left.form == right.form == "damped":
        return (left.output_covariance * right.output_covariance).sum().reshape(1, 1)
    one, other = (_modes(posterior, covariance, torch.float64) for posterior in (left, right))
    if covariance == "diagonal":
        return _weights(one).T @ _weights(other)
    both = (left.spectrum.output_basis.T @ right.spectrum.output_basis).square()
    both = both if one.weights is None else one.weights.T @ both
    return both if other.weights is None else both @ other.weights


def _weights(modes: _Modes) -> Float[Tensor, "D R"]:
    assert modes.weights is not None
    return modes.weights


def _spread(embeddings: GaussianEmbeddings) -> Float[Tensor, "N R"]:
    """Over the expected square norm, as the directions are over the norm."""
    spread = embeddings.variance_scale[:, None] if embeddings.output_variance is None else embeddings.output_variance
    return spread / embeddings.expected_norm.square()[:, None]
