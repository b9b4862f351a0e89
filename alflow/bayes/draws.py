"""Draws of the logits: joint over images and classes, or quasi-random over the few classes that matter.

Axes: N images, C classes, T top classes of each image, K draws, P and P_t activation widths, D joint width.

Whoever compares two images must use the same draws for both: index k is then one set of weights. `JointDraws` holds
what K drawn pairs (W_k, V_k) make of the classes, [C P] each, and gives the logits of any image under them. For the
prediction of single images `top_draws` is far cheaper: the joint Gaussian of the logits of the T likeliest classes,
sampled by K scrambled Sobol points.

References:
    Owen, Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity, 1998.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import ClassCovariances
from alflow.bayes.probabilities import Scales
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError

_DRAWS_AT_ONCE = 2**21  # entries of a block [rows T+1 K]: 8 MB in float32; below that the threads wait for each other
_NOTHING = -1e4  # a logit, beside the largest, whose probability is zero
_LOWEST = -1e30  # of a logit: finite, so that differences are numbers
_NO_SHARE = 1e-30
_ROOM = 1e-6  # of the variance, added to the diagonal of a covariance that rounding may have left indefinite


@dataclass(frozen=True)
class JointDraws:
    """K draws of both projections, as the linear maps from activations (and residuals) to logits that they are.

    Attributes:
        on_values: s W_k^T V_k psi_c / sqrt(E|h_c|^2).
        on_residuals: s V_k psi_c / sqrt(E|h_c|^2).
        bias: of the logits.
    """

    on_values: Float[Tensor, "K C P"]
    on_residuals: Float[Tensor, "K C D"]
    bias: float

    def logits(self, images: Activations, expected_norm: Float[Tensor, " N"]) -> Float[Tensor, "N K C"]:
        """Logits under every draw, 2 N K C P operations; the norms are those of `GaussianEmbeddings`."""
        n_draws, n_classes, _ = self.on_values.shape
        values = images.values.to(self.on_values.dtype) / expected_norm[:, None]
        z = values @ self.on_values.flatten(0, 1).T
        if images.residuals is not None:
            z += (images.residuals.to(z.dtype) / expected_norm[:, None]) @ self.on_residuals.flatten(0, 1).T
        return z.add_(self.bias).view(-1, n_draws, n_classes)


@dataclass(frozen=True)
class TopDraws:
    """Drawn probabilities of each image's top classes; the other classes are lumped together.

    Attributes:
        classes: the top classes, likeliest first.
        covariance: of their logits, without what all classes share.
        probabilities: of the top classes, and last of all others together; sums to one.
        others: how the share of the others is divided among them: zero at the top classes, else sums to one.
        aleatoric: mean over the draws of the entropy of `probabilities`.
    """

    classes: Int64[Tensor, "N T"]
    covariance: Float[Tensor, "N T T"]
    probabilities: Float[Tensor, "N K T1"]
    others: Float[Tensor, "N C"]
    aleatoric: Float[Tensor, " N"]

    @cached_property
    def mean(self) -> Float[Tensor, "N T1"]:
        """The prediction: `probabilities` averaged over the draws."""
        return self.probabilities.mean(dim=1)


def joint_draws(
    layers: LastLayers,
    image_posterior: KroneckerPosterior,
    text_posterior: KroneckerPosterior,
    classes: Activations,
    class_norms: Float[Tensor, " C"],
    n_draws: int,
    generator: torch.Generator,
) -> JointDraws:
    """Draws of both projections at once, from either form of the posterior: W + U_B (E o sqrt(variances)) U_A^T.

    Args:
        layers: centres of the posteriors, scale and bias.
        image_posterior: of the image projection.
        text_posterior: of the text projection.
        classes: inputs of the text projection, with residuals if it has them.
        class_norms: sqrt(E|h|^2) of the classes.
        n_draws: K.
        generator: draws the text projection, then the image projection, draw after draw.
    """
    on_values, on_residuals = [], []
    for _ in range(n_draws):
        V = text_posterior.draws(layers.text_weight, 1, generator)[0]
        h = classes.embed(V) * (layers.scale / class_norms)[:, None]  # [C D]
        on_values.append(_through(h, layers.image_weight, image_posterior, generator))
        on_residuals.append(h)
    return JointDraws(torch.stack(on_values), torch.stack(on_residuals), layers.bias)


def top_draws(
    mean: Float[Tensor, "N C"], scales: Scales, covariances: ClassCovariances, n_classes: int, n_draws: int
) -> TopDraws:
    """Draws from the joint Gaussian k Q + r' S of the T likeliest classes.

    Of the others only the expected size counts: exp(z + v/2), the mean of a log-normal. What all classes share is taken
    out first, of means and of covariances: a softmax does not see it.

    Raises:
        InvalidInputError: there is only one class.
    """
    return _top_draws(mean, scales, _centred_covariances(mean, covariances), n_classes, n_draws)


def stream_top_draws(
    mean: Float[Tensor, "N C"], scales: Scales, covariances: ClassCovariances, n_classes: int, n_draws: int
) -> Iterator[TopDraws]:
    """`top_draws` of some rows at a time, in order, so that the memory needed does not grow with the rows.

    Raises:
        InvalidInputError: there is only one class.
    """
    shared = _centred_covariances(mean, covariances)
    size = max(1, _DRAWS_AT_ONCE // (n_draws * (min(n_classes, mean.shape[1]) + 1)))
    for z, k, r in zip(*(torch.split(rows, size) for rows in (mean, *scales)), strict=True):
        yield _top_draws(z, (k, r), shared, n_classes, n_draws)


@cache
def sobol_normal(dimensions: int, n_draws: int) -> Float[Tensor, "K T"]:
    """Scrambled Sobol points (seed 0) as standard normals whose mean and covariance are exactly 0 and I (if K > T)."""
    engine = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    normal: Tensor = torch.special.ndtri(engine.draw(n_draws, dtype=torch.float64).clamp(1e-9, 1 - 1e-9))
    if n_draws <= dimensions:
        return normal
    normal = normal - normal.mean(dim=0)
    root = torch.linalg.cholesky(normal.T @ normal / n_draws)
    whitened: Tensor = torch.linalg.solve_triangular(root, normal.T, upper=False)
    return whitened.T


def centred(X: Float[Tensor, "C C"]) -> Float[Tensor, "C C"]:
    """X less the means of its rows and columns: the covariance of what differs between the classes.

    diag(p) - p p^T does not see what is taken out, which is most of a covariance of cosine logits: taken out first, it
    cannot cancel in single precision.
    """
    X = X - X.mean(dim=0)
    return X - X.mean(dim=1, keepdim=True)


def _centred_covariances(mean: Float[Tensor, "N C"], covariances: ClassCovariances) -> tuple[Tensor, Tensor]:
    """Q and S without what all classes share, in the dtype of the mean.

    Raises:
        InvalidInputError: there is only one class.
    """
    if mean.shape[1] < 2:
        raise InvalidInputError("There is only one class, so every prediction is certain. Add a second class.")
    return centred(covariances.Q.double()).to(mean.dtype), centred(covariances.S.double()).to(mean.dtype)


def _top_draws(
    mean: Float[Tensor, "N C"], scales: Scales, shared: tuple[Tensor, Tensor], n_classes: int, n_draws: int
) -> TopDraws:
    Q, S = shared
    top, classes = mean.topk(min(n_classes, mean.shape[1]), dim=1)  # [N T]
    covariance = _covariance_of(classes, scales, shared)
    noise = sobol_normal(top.shape[1], n_draws).to(mean.dtype)  # [K T]
    variance = torch.outer(scales[0], Q.diagonal()) + torch.outer(scales[1], S.diagonal())
    rest = (mean + variance / 2).scatter(1, classes, -torch.inf)
    highest = rest.amax(dim=1, keepdim=True).clamp_min(_LOWEST)  # of nothing, where all classes are drawn
    others = (rest - highest).exp_()
    size = others.sum(dim=1, keepdim=True)
    others /= size.clamp_min(_NO_SHARE)
    lump = (size.log() + highest - top[:, :1]).clamp_min(_NOTHING)
    centre = torch.cat([top - top[:, :1], lump], dim=1)  # [N T+1]
    roots = torch.nn.functional.pad(_roots(covariance), (0, 0, 0, 1))  # [N T+1 T], nothing is drawn of the lump
    # Draws stand last: one product serves all images, and what runs over the classes runs over whole vectors of draws.
    z = (roots.flatten(0, 1) @ noise.T).view(*centre.shape, n_draws).add_(centre[:, :, None])
    z -= z.amax(dim=1, keepdim=True)
    probabilities = z.exp()
    total = probabilities.sum(dim=1, keepdim=True)  # [N 1 K]
    probabilities /= total
    # sum p log p = sum p z - log sum exp z: a logarithm for each draw, not for each entry.
    aleatoric = total.log().mean(dim=(1, 2)) - z.mul_(probabilities).sum(dim=(1, 2)) / n_draws
    return TopDraws(classes, covariance, probabilities.mT, others, aleatoric.clamp_min(0))


def _covariance_of(
    classes: Int64[Tensor, "N T"], scales: Scales, shared: tuple[Tensor, Tensor]
) -> Float[Tensor, "N T T"]:
    """Of the logits, k Q + r' S at every two of a row's classes; flat matrices are four times as fast to pick from."""
    at = classes[:, :, None] * len(shared[0]) + classes[:, None, :]
    of_image, of_text = (X.flatten().index_select(0, at.flatten()).view(at.shape) for X in shared)
    return of_image.mul_(scales[0][:, None, None]).addcmul_(of_text, scales[1][:, None, None])


def _through(
    h: Float[Tensor, "C D"], weight: Float[Tensor, "D P"], posterior: KroneckerPosterior, generator: torch.Generator
) -> Float[Tensor, "C P"]:
    """Classes through one draw, h W_k, without forming W_k: the noise meets the classes in the eigenbasis."""
    dtype = weight.dtype
    noise = torch.randn(1, *weight.shape, dtype=dtype, device=weight.device, generator=generator)[0]
    noise *= posterior.variances.sqrt().to(dtype)
    spectrum = posterior.spectrum
    return h @ weight + ((h @ spectrum.output_basis.to(dtype)) @ noise) @ spectrum.row_basis.to(dtype).T


def _roots(covariance: Float[Tensor, "N T T"]) -> Float[Tensor, "N T T"]:
    """Cholesky roots, with room for what rounding may have left indefinite."""
    covariance = covariance.clone()
    own = covariance.diagonal(dim1=1, dim2=2)
    own += _ROOM * own.amax(dim=1, keepdim=True).clamp_min(1e-12)
    root: Tensor = torch.linalg.cholesky(covariance)
    return root
