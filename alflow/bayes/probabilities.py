"""From a Gaussian over the logits to probabilities of the classes.

Axes: N images, C classes. v_c is the variance of logit c, v_cc' that of the difference of two.

References:
    MacKay, The evidence framework applied to classification networks, 1992 (the probit approximation).
    Lu, Ie and Sha, Mean-field approximation to Gaussian-softmax integral, arXiv 2006.07584 (its `mf2`).
"""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.logits import ClassCovariances, LogitMoments

Scales = tuple[Float[Tensor, " N"], Float[Tensor, " N"]]
"""Weights of Q and of S in the covariance of an image's logits, as from `joint_scales`."""

_PAIRS_AT_ONCE = 2**22  # entries of a block [rows C C]


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


def mean_field(mean: Float[Tensor, "N C"], scales: Scales, covariances: ClassCovariances) -> Float[Tensor, "N C"]:
    """Each class against each other by the probit of their difference: p_c ~ 1 / sum_c' exp(-d_cc').

    d_cc' = (z_c - z_c') / sqrt(1 + pi/8 v_cc'), v_cc' = k (Q_cc + Q_c'c' - 2 Q_cc') + r' (S_cc + S_c'c' - 2 S_cc').
    What all classes share, in the means or in their covariance, drops out, as it must for a softmax: `probit` sees
    only the marginal variances, of which much is shared. N C C operations.
    """
    on_q, on_s = (difference_variances(X).to(mean.dtype) for X in (covariances.Q, covariances.S))
    size = max(1, _PAIRS_AT_ONCE // mean.shape[1] ** 2)
    blocks = zip(*(torch.split(rows, size) for rows in (mean, *scales)), strict=True)
    return torch.cat([_against_each_other(z, k, r, on_q, on_s) for z, k, r in blocks])


def difference_variances(X: Float[Tensor, "C C"]) -> Float[Tensor, "C C"]:
    """Variance of each difference of two logits of covariance X: X_cc + X_c'c' - 2 X_cc', taken in float64.

    A softmax sees nothing else of a covariance. What all classes share, most of a covariance of cosine logits, is gone.
    """
    wide = X.double()
    own = wide.diagonal()
    return (own[:, None] + own - 2 * wide).clamp_min(0).to(X.dtype)


def _against_each_other(
    z: Float[Tensor, "n C"],
    k: Float[Tensor, " n"],
    r: Float[Tensor, " n"],
    on_q: Float[Tensor, "C C"],
    on_s: Float[Tensor, "C C"],
) -> Float[Tensor, "n C"]:
    variance = k[:, None, None] * on_q + r[:, None, None] * on_s  # [n C C]
    away = (z[:, None, :] - z[:, :, None]) / (1 + pi / 8 * variance).sqrt()
    return torch.softmax(-away.logsumexp(dim=2), dim=1)


def _shrunk(mean: Float[Tensor, "N C"], variance: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
    return mean / (1 + pi / 8 * variance).sqrt()
