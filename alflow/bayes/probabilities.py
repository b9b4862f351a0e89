"""From a Gaussian over the logits to probabilities of the classes.

Axes: N images, C classes. v_c is the variance of logit c.

References:
    MacKay, The evidence framework applied to classification networks, 1992 (the probit approximation).
"""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.logits import LogitMoments

Scales = tuple[Float[Tensor, " N"], Float[Tensor, " N"]]
"""Weights of Q and of S in the covariance of an image's logits, as from `joint_scales`."""


def probit(moments: LogitMoments) -> Float[Tensor, "N C"]:
    """Probabilities of the classes, exactly one being right: softmax(z / sqrt(1 + pi/8 variance)), shift-invariant.

    The row maximum is subtracted first, since the division makes the formula depend on a constant added to all logits
    (CLIP's carry about +25), of which a softmax knows nothing. Serves SigLIP too: independent sigmoids conditioned on
    exactly one class being right are a softmax.
    """
    mean = moments.mean - moments.mean.amax(dim=1, keepdim=True)
    return torch.softmax(mean / (1 + pi / 8 * moments.variance).sqrt(), dim=1)


def difference_variances(X: Float[Tensor, "C C"]) -> Float[Tensor, "C C"]:
    """Variance of each difference of two logits of covariance X: X_cc + X_c'c' - 2 X_cc', taken in float64.

    A softmax sees nothing else of a covariance. What all classes share, most of a covariance of cosine logits, is gone.
    """
    wide = X.double()
    own = wide.diagonal()
    return (own[:, None] + own - 2 * wide).clamp_min(0).to(X.dtype)
