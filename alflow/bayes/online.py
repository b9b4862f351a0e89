"""The kernel after further rows, without decomposing anew.

Axes: N and M rows, T new rows, P activation width.

A datum phi of weight w adds w phi phi^T to the sum A, and w to the count n. The first is of rank one, so that k(x, x')
follows by Sherman and Morrison, or for T rows at once by Woodbury's identity. The second rescales the eigenvalues
of A / sqrt(n) and leaves the eigenvectors alone. Both together equal a refit on all rows. No label is needed.
"""

from dataclasses import replace
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.errors import InvalidInputError


def sherman_morrison(
    inverse: Float[Tensor, "P P"], row: Float[Tensor, " P"], weight: float = 1.0
) -> Float[Tensor, "P P"]:
    """(M + weight row row^T)^-1 from M^-1: the online update of the kernel by one datum."""
    column = inverse @ row
    return inverse - torch.outer(column, column) * (weight / (1 + weight * row.dot(column)))


def row_covariance_after(
    posterior: KroneckerPosterior,
    a: Float[Tensor, "N P"],
    b: Float[Tensor, "M P"],
    new: Float[Tensor, "T P"],
    weights: Float[Tensor, " T"],
) -> Float[Tensor, "N M"]:
    """k'(x, x') of a damped posterior after new rows: that of a refit on all, for N M T operations more than k.

    k' = k(a, b) - k(a, new) (W^-1 / c + k(new, new))^-1 k(new, b), with k at the new count n' = n + sum of weights, and
    c = sqrt(tau / n') what one datum adds to the precision.

    Raises:
        InvalidInputError: the posterior is exact, which has no scalar kernel to update, or a weight is not positive.
    """
    if posterior.form != "damped":
        raise InvalidInputError("Only the damped posterior has a scalar kernel that rows can update: use `update`.")
    if not bool((weights > 0).all()):
        raise InvalidInputError("The weight of a new row is not positive: leave such rows out.")
    n = posterior.spectrum.factors.n + float(weights.sum())
    counted = replace(posterior, spectrum=posterior.spectrum.recounted(n))
    u, v, t = (counted.features(rows) for rows in (a, b, new))
    inner = t @ t.T + torch.diag(1 / (sqrt(posterior.tau / n) * weights))
    across: Tensor = torch.linalg.solve(inner, t @ v.T)
    return u @ v.T - (u @ t.T) @ across
