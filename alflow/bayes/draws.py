"""Draws of the logits of single images, quasi-random over the few classes that matter.

Axes: N images, C classes, T top classes of each image, K draws.

The joint Gaussian of the logits of the T likeliest classes is sampled by K scrambled Sobol points. Whoever compares two
images needs the same draws for both: those are in `alflow.acquisition.draws`.

References:
    Owen, Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity, 1998.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.logits import ClassCovariances
from alflow.bayes.probabilities import Scales
from alflow.errors import InvalidInputError

_DRAWS_AT_ONCE = 2**21  # entries of a block [rows T+1 K]: 8 MB in float32; below that the threads wait for each other
_NOTHING = -1e4  # a logit, beside the largest, whose probability is zero
_LOWEST = -1e30  # of a logit: finite, so that differences are numbers
_NO_SHARE = 1e-30
_ROOM = 1e-6  # of the variance, added to the diagonal of a covariance that rounding may have left indefinite


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


def stream_top_draws(
    mean: Float[Tensor, "N C"], scales: Scales, covariances: ClassCovariances, n_classes: int, n_draws: int
) -> Iterator[TopDraws]:
    """Draws from the joint Gaussian k Q + r' S of the T likeliest classes, some rows at a time and in order.

    Of the other classes only the expected size counts: exp(z + v/2), the mean of a log-normal. What all classes share
    is taken out first, of means and of covariances: a softmax does not see it. The memory needed does not grow with the
    rows.

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
        raise InvalidInputError("there is only one class, so every prediction is certain; add a second class")
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


def _roots(covariance: Float[Tensor, "N T T"]) -> Float[Tensor, "N T T"]:
    """Cholesky roots, with room for what rounding may have left indefinite."""
    covariance = covariance.clone()
    own = covariance.diagonal(dim1=1, dim2=2)
    own += _ROOM * own.amax(dim=1, keepdim=True).clamp_min(1e-12)
    root: Tensor = torch.linalg.cholesky(covariance)
    return root
