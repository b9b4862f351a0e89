"""From Kronecker factors to a Gaussian over a last linear layer: decompose once, then everything is elementwise.

Axes: N rows of activations, P activation width, D joint width.

In the eigenbases U_A [P P] and U_B [D D] of the factors (as sums / sqrt(n), eigenvalues a and b) the covariance of the
weights W [D P] is diagonal, with entries

    1 / ((sqrt(tau) b_j + sqrt(lambda)) (sqrt(tau) a_i + sqrt(lambda)))

This is a Kronecker product, so Cov(g(x), g(x')) = k(x, x') Binv with the scalar k(x, x') = phi^T Ainv phi'. It says
what the pretraining left open; labels leave it alone (`alflow.bayes.field` is what they teach).

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError

_ROWS_AT_ONCE = 8192
_TRIANGLES = 4  # parts of a triangular product: 5/8 of the operations of a full one; more parts are slower again


@dataclass(frozen=True)
class KroneckerPosterior:
    """Gaussian over the weights of a last layer, centred at those of the pretraining.

    Attributes:
        spectrum: the decomposed factors.
        prior_precision: lambda, the precision of the weights before any data.
        tau: pseudo-data count, the weight of the curvature.
    """

    spectrum: Spectrum
    prior_precision: float
    tau: float

    @classmethod
    def damped(cls, factors: Factors | Spectrum, prior_precision: float, tau: float) -> Self:
        """Precision (sqrt(tau) A + sqrt(lambda) I) (x) (sqrt(tau) B + sqrt(lambda) I).

        Raises:
            InvalidInputError: a factor, the prior precision or tau is none.
        """
        spectrum = factors if isinstance(factors, Spectrum) else Spectrum.of(factors)
        return cls(spectrum, _positive(prior_precision, "prior precision"), _positive(tau, "tau"))

    def row_variance(self, values: Float[Tensor, "N P"]) -> Float[Tensor, " N"]:
        """k(x, x), streamed: 5/8 of a matrix product N P P. Rows in half precision are taken in float32.

        Raises:
            InvalidInputError: the rows are of another width than A.
        """
        if values.shape[1] != len(self.spectrum.a):
            raise InvalidInputError(
                f"activations are {values.shape[1]} wide, but the posterior's factor A is {len(self.spectrum.a)} wide: "
                "import or estimate the posterior of this model"
            )
        values = values.float() if values.dtype in {torch.float16, torch.bfloat16} else values
        root, k = self.row_root.to(values.dtype), values.new_zeros(len(values))
        for rows, of_rows in zip(torch.split(values, _ROWS_AT_ONCE), torch.split(k, _ROWS_AT_ONCE), strict=True):
            for columns in torch.arange(len(root)).tensor_split(_TRIANGLES):
                if len(columns):  # what lies above the diagonal of the root is left out of the product
                    first, end = int(columns[0]), int(columns[-1]) + 1
                    of_rows.add_((rows[:, first:] @ root[first:, first:end]).square().sum(1))
        return k

    @property
    def mean_row_variance(self) -> float:
        """Mean of k(x, x) over the very pairs that the factors were made of: tr(Ainv sum phi phi^T) / n."""
        return float((self.spectrum.a * self.row_spectrum).sum()) / sqrt(self.spectrum.factors.n)

    def check_weight(self, weight: Float[Tensor, "D P"]) -> None:
        """The door: does this posterior belong to a layer of this shape?

        Raises:
            InvalidInputError: it does not.
        """
        D, P = len(self.spectrum.b), len(self.spectrum.a)
        if tuple(weight.shape) != (D, P):
            raise InvalidInputError(
                f"the posterior has factors of width P={P}, D={D}, but the layer's weight is {tuple(weight.shape)} "
                "(D, P): import or estimate the posterior of this model"
            )

    @cached_property
    def row_spectrum(self) -> Float[Tensor, " P"]:
        """Eigenvalues of Ainv."""
        return 1 / (sqrt(self.tau) * self.spectrum.a + sqrt(self.prior_precision))

    @cached_property
    def output_spectrum(self) -> Float[Tensor, " D"]:
        """Eigenvalues of Binv."""
        return 1 / (sqrt(self.tau) * self.spectrum.b + sqrt(self.prior_precision))

    @cached_property
    def row_root(self) -> Float[Tensor, "P P"]:
        """L with L L^T = Ainv and zeros above its diagonal: rows times L have the inner products k(x, x')."""
        root = self.spectrum.row_basis * self.row_spectrum.sqrt()
        lower: Tensor = torch.linalg.qr(root.T, mode="r").R.T
        return lower


def _positive(value: float, name: str) -> float:
    if not 0 < value < float("inf"):
        raise InvalidInputError(f"the {name} is {value}: give a positive number")
    return float(value)
