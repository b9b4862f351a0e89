"""Eigenvalues and eigenvectors of Kronecker factors, and what a factor must be to have them.

Axes: P activation width, D joint width.
"""

from dataclasses import dataclass
from functools import cached_property
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

    Another count of pairs scales the eigenvalues and leaves the eigenvectors alone.
    """

    factors: Factors
    _rows: "_Decomposition"
    _outputs: "_Decomposition"

    @classmethod
    def of(cls, factors: Factors) -> Self:
        """Decompose both factors.

        Raises:
            InvalidInputError: a factor is not square, finite, symmetric and positive semi-definite.
        """
        spectrum = cls.when_asked(factors)
        _ = spectrum.a, spectrum.b
        return spectrum

    @classmethod
    def when_asked(cls, factors: Factors) -> Self:
        """Decompose a factor when something of it is asked for; whether it is indefinite is not known before.

        Raises:
            InvalidInputError: a factor is not square, finite and symmetric, or no pairs are counted.
        """
        if not factors.n > 0:
            raise InvalidInputError(f"the factors count {factors.n} pairs: estimate them on at least two")
        return cls(factors, _Decomposition.when_asked(factors.A, "A"), _Decomposition.when_asked(factors.B, "B"))

    @cached_property
    def a(self) -> Float[Tensor, " P"]:
        """Eigenvalues of A."""
        return self._rows.parts[0] / sqrt(self.factors.n)

    @cached_property
    def b(self) -> Float[Tensor, " D"]:
        """Eigenvalues of B."""
        return self._outputs.parts[0] / sqrt(self.factors.n)

    @property
    def row_basis(self) -> Float[Tensor, "P P"]:
        """Eigenvectors of A."""
        return self._rows.parts[1]

    @property
    def output_basis(self) -> Float[Tensor, "D D"]:
        """Eigenvectors of B."""
        return self._outputs.parts[1]


@dataclass(frozen=True)
class _Decomposition:
    """Of the sum behind a factor, which all counts of pairs share; made once, when first asked for."""

    matrix: Float[Tensor, "P P"]
    name: str

    @classmethod
    def when_asked(cls, factor: Float[Tensor, "P P"], name: str) -> Self:
        """Check what costs little.

        Raises:
            InvalidInputError: the factor is not square, finite and symmetric.
        """
        if factor.ndim != 2 or factor.shape[0] != factor.shape[1]:
            raise InvalidInputError(f"factor {name} is {tuple(factor.shape)}, not square: {_REMEDY}")
        factor = factor.double()
        if not factor.isfinite().all():
            raise InvalidInputError(f"factor {name} has entries that are not finite: {_REMEDY}")
        largest = factor.abs().max()
        if (factor - factor.T).abs().max() > 1e-4 * largest:  # float32 sums are symmetric to about 1e-6
            raise InvalidInputError(f"factor {name} is not symmetric: {_REMEDY}")
        return cls((factor + factor.T) / 2, name)

    @cached_property
    def parts(self) -> tuple[Float[Tensor, " P"], Float[Tensor, "P P"]]:
        """Eigenvalues and eigenvectors.

        Raises:
            InvalidInputError: the factor is indefinite.
        """
        values, vectors = torch.linalg.eigh(self.matrix)
        if values[0] < -1e-5 * values[-1].clamp_min(0):
            raise InvalidInputError(
                f"factor {self.name} is indefinite (eigenvalues {float(values[0]):.3g} to {float(values[-1]):.3g}): "
                f"{_REMEDY}"
            )
        return values.clamp_min(0), vectors
