"""Squared 2-Wasserstein distance between Gaussian embeddings with proportional covariances.

Axes: N and M rows, D joint width, E = D + 1. By the posterior of the pretraining Cov g(x) = k(x, x) Binv:
covariances commute, and

    W2^2 = |mu - mu'|^2 + (sqrt(k) - sqrt(k'))^2 tr(Binv),

a squared Euclidean distance in D + 1 dimensions: `lift` gives the coordinates, and any exact nearest-neighbour search
does the rest.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def lift(mean: Float[Tensor, "N D"], scale: Float[Tensor, " N"], trace: float) -> Float[Tensor, "N D+1"]:
    """Coordinates whose Euclidean distance is the 2-Wasserstein distance; scale = k(x, x), trace = tr(Binv)."""
    return torch.cat([mean, (scale * trace).sqrt()[:, None]], dim=1)
