"""Moments of the logits under the posteriors of both last layers.

Axes: N images, C classes, P and P_t activation widths, D joint width, R and R_t modes of the covariance of an image's
and of a class's embedding (1 for the damped posterior, D for the exact one).

With Cov g(x) = sum_r spread_r(x) M_r, a cosine logit, each norm replaced by the root of its expected square
(ProbCosine), has

    mean     = s g . h / sqrt(E|g|^2 E|h|^2) + bias
    variance = s^2 (g^T Cov_h g + h^T Cov_g h + tr(Cov_g Cov_h)) / (E|g|^2 E|h|^2)

`full` takes the covariances as they are: exact for g . h. `diagonal`, the paper's, keeps only their diagonals. Over all
N x C either is a product [N R+R_t] [R+R_t C]: for the damped posterior a sum of two outer products. Three scalars of an
image are then all that its activations are needed for (norm, k(x, x) and r = g^T Binv_t g): kept as `CachedImages`,
they make the moments for other classes, or other prompts, cost one product of N D C operations.

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.gaussian import GaussianEmbeddings, gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers

Covariance = Literal["diagonal", "full"]

_ROWS = 8192  # images a chunk: bounds the [rows P] and [rows D] temporaries


@dataclass(frozen=True)
class LogitMoments:
    """Mean and variance of each logit."""

    mean: Float[Tensor, "N C"]
    variance: Float[Tensor, "N C"]


@dataclass(frozen=True)
class CachedImages:
    """All that the logits need of images, whatever the classes; independent of scale and bias.

    Attributes:
        direction: g / sqrt(E|g|^2).
        spread: variance along the modes of the image posterior over E|g|^2; damped: k(x, x) / E|g|^2.
        across: ghat^T M_r ghat for the modes of the text posterior; damped: r(x, x) = ghat^T Binv_t ghat.
        image_scale: k(x, x) / E|g|^2, the weight of Q in the covariance of the logits of one image.
    """

    direction: Float[Tensor, "N D"]
    spread: Float[Tensor, "N R"]
    across: Float[Tensor, "N R_t"]
    image_scale: Float[Tensor, " N"]

    def __len__(self) -> int:
        return len(self.direction)

    def __getitem__(self, rows: Tensor | slice) -> Self:
        return type(self)(self.direction[rows], self.spread[rows], self.across[rows], self.image_scale[rows])

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """All rows of all parts, in order."""
        fields = zip(*((part.direction, part.spread, part.across, part.image_scale) for part in parts), strict=True)
        return cls(*(torch.cat(field) for field in fields))


@dataclass(frozen=True)
class CachedClasses:
    """All that the logits need of the classes and of the head; `on_spread` and `on_across` meet those of the images."""

    direction: Float[Tensor, "C D"]
    on_spread: Float[Tensor, "C R"]
    on_across: Float[Tensor, "C R_t"]
    scale: float
    bias: float


@dataclass(frozen=True)
class ClassCovariances:
    """What two logits share: Cov(z_c(x), z_c'(x*)) = k Q_cc' + (r + k trace) S_cc'.

    k = k(x, x*) and r = g^T Binv_t g*, both over the expected norms. For exact posteriors k, Binv are those of the
    Kronecker product with the same marginals.
    """

    Q: Float[Tensor, "C C"]
    S: Float[Tensor, "C C"]
    trace: float


def logit_moments(
    image: GaussianEmbeddings,
    text: GaussianEmbeddings,
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    layers: LastLayers,
    covariance: Covariance = "full",
) -> LogitMoments:
    """Mean and variance of the logit of every image with every class; uses scale and bias of `layers`."""
    images = cache_images(image, text_posterior, covariance)
    return cached_moments(images, cache_classes(text, image_posterior, text_posterior, layers, covariance))


def cache_images(
    image: GaussianEmbeddings, text_posterior: KroneckerPosterior, covariance: Covariance = "full"
) -> CachedImages:
    """What `cached_moments` needs of images; to be kept while classes, prompts, scale or bias change."""
    dtype = image.mean.dtype
    direction = image.direction
    across = _modes(text_posterior, covariance, dtype).quadratic(direction)
    return CachedImages(direction, _spread(image), across, image.variance_scale / image.expected_norm.square())


def cache_classes(
    text: GaussianEmbeddings,
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    layers: LastLayers,
    covariance: Covariance = "full",
) -> CachedClasses:
    """What `cached_moments` needs of the classes; `covariance` must be that of the cached images."""
    dtype = text.mean.dtype
    overlap = _overlap(image_posterior, text_posterior, covariance).to(dtype)  # [R R_t]
    spread = _spread(text)
    on_spread = _modes(image_posterior, covariance, dtype).quadratic(text.direction) + spread @ overlap.T
    return CachedClasses(text.direction, on_spread, spread, layers.scale, layers.bias)


def cached_moments(images: CachedImages, classes: CachedClasses) -> LogitMoments:
    """One product of N D C operations for the means, and one of N (R + R_t) C for the variances."""
    square = classes.scale**2
    bias = images.direction.new_full((1,), classes.bias)
    mean = torch.addmm(bias, images.direction, classes.direction.T, alpha=classes.scale)
    on_image = torch.cat([images.spread, images.across], dim=1)
    on_class = torch.cat([classes.on_spread, classes.on_across], dim=1) * square
    return LogitMoments(mean, on_image @ on_class.T)


def stream_cache(
    images: Activations,
    layers: LastLayers,
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    covariance: Covariance = "full",
    mean: Float[Tensor, "N D"] | None = None,
    product_dtype: torch.dtype | None = None,
) -> Iterator[CachedImages]:
    """`CachedImages` chunk by chunk, so that the memory needed does not grow with the pool.

    `mean` and `product_dtype` are those of `gaussian_embeddings`; `cached_moments` makes each chunk the logits'.
    """
    for start in range(0, len(images), _ROWS):
        rows = slice(start, start + _ROWS)
        residuals = None if images.residuals is None else images.residuals[rows]
        chunk = Activations(images.values[rows], residuals)
        known = None if mean is None else mean[rows]
        image = gaussian_embeddings(chunk, layers.image_weight, image_posterior, known, product_dtype)
        yield cache_images(image, text_posterior, covariance)


def class_covariances(
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    text: GaussianEmbeddings,
    classes: Activations,
    scale: float,
) -> ClassCovariances:
    """Q = s^2 hhat Binv hhat^T, S = s^2 k_t(c, c') / (norms), trace = tr(Binv Binv_t); summed in float64."""
    dtype = text.mean.dtype
    along = (text.direction.double() @ image_posterior.spectrum.output_basis) * image_posterior.output_spectrum.sqrt()
    values, norms = classes.values.double(), text.expected_norm.double()
    shared = text_posterior.row_covariance(values, values) / torch.outer(norms, norms)
    trace = float((image_posterior.output_covariance * text_posterior.output_covariance).sum())
    return ClassCovariances((scale**2 * (along @ along.T)).to(dtype), (scale**2 * shared).to(dtype), trace)


def joint_scales(
    image: GaussianEmbeddings, text_posterior: KroneckerPosterior, trace: float
) -> tuple[Float[Tensor, " N"], Float[Tensor, " N"]]:
    """(k, r + k trace) of each image with itself: the weights of Q and of S in the covariance of its logits."""
    k = image.variance_scale / image.expected_norm.square()
    along = (image.direction @ text_posterior.spectrum.output_basis.to(k.dtype)).square()
    r = along @ text_posterior.output_spectrum.to(k.dtype)
    return k, r + k * trace


def cached_scales(
    images: CachedImages, text_posterior: KroneckerPosterior, trace: float
) -> tuple[Float[Tensor, " N"], Float[Tensor, " N"]]:
    """As `joint_scales`, from images cached with `full` covariance."""
    k = images.image_scale
    exact = text_posterior.form == "exact"
    r = images.across @ text_posterior.output_spectrum.to(k.dtype) if exact else images.across[:, 0]
    return k, r + k * trace


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
