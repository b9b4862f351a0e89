"""Eigenvalues and eigenvectors of Kronecker factors, and what a factor must be to have them.

Axes: P activation width, D joint width.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.errors import InvalidInputError

_REMEDY = "import it again from its source, or run `alflow posterior estimate`."


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues and eigenvectors (columns) of the factors, taken as sums / sqrt(n); float64.

    Attributes:
        factors: that were decomposed.
        a, b: eigenvalues of A and of B.
        row_basis, output_basis: eigenvectors of A and of B.
    """

    factors: Factors
    a: Float[Tensor, " P"]
    b: Float[Tensor, " D"]
    row_basis: Float[Tensor, "P P"]
    output_basis: Float[Tensor, "D D"]

    @classmethod
    def of(cls, factors: Factors) -> Self:
        """Decompose both factors.

        Raises:
            InvalidInputError: a factor is not square, finite, symmetric and positive semi-definite, or no pairs are
                counted.
        """
        if not factors.n > 0:
            raise InvalidInputError(f"the factors count {factors.n} pairs: estimate them on at least two")
        (a, rows), (b, outputs) = _decomposed(factors.A, "A"), _decomposed(factors.B, "B")
        return cls(factors, a / sqrt(factors.n), b / sqrt(factors.n), rows, outputs)


def _decomposed(factor: Float[Tensor, "P P"], name: str) -> tuple[Float[Tensor, " P"], Float[Tensor, "P P"]]:
    if factor.ndim != 2 or factor.shape[0] != factor.shape[1]:
        raise InvalidInputError(f"factor {name} is {tuple(factor.shape)}, not square: {_REMEDY}")
    factor = factor.double()
    if not factor.isfinite().all():
        raise InvalidInputError(f"factor {name} has entries that are not finite: {_REMEDY}")
    if (factor - factor.T).abs().max() > 1e-4 * factor.abs().max():  # float32 sums are symmetric to about 1e-6
        raise InvalidInputError(f"factor {name} is not symmetric: {_REMEDY}")
    values, vectors = torch.linalg.eigh((factor + factor.T) / 2)
    if values[0] < -1e-5 * values[-1].clamp_min(0):
        raise InvalidInputError(
            f"factor {name} is indefinite (eigenvalues {float(values[0]):.3g} to {float(values[-1]):.3g}): {_REMEDY}"
        )
    return values.clamp_min(0), vectors
