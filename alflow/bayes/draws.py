"""Quasi-random normal numbers.

Axes: K draws, T dimensions.

References:
    Owen, Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity, 1998.
"""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor


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
