"""From Kronecker factors to a Gaussian over a last linear layer: decompose once, then everything is elementwise.

Axes: N and M rows of activations, P activation width, D joint width, K draws.

In the eigenbases U_A [P P] and U_B [D D] of the factors (as sums / sqrt(n), eigenvalues a and b) the covariance of the
weights W [D P] is diagonal, with entries

    damped (Baumann et al.):  1 / ((sqrt(tau) b_j + sqrt(lambda)) (sqrt(tau) a_i + sqrt(lambda)))
    exact:                    1 / (tau a_i b_j + lambda)

The damped form is a Kronecker product, so Cov(g(x), g(x')) = k(x, x') Binv with the scalar k(x, x') = phi^T Ainv phi'.
The exact form is not. Where a scalar kernel is asked of it, it gives the Kronecker product that has the same marginal
variances along both eigenbases (hence the same total); `output_variance` gives the exact ones of single rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import Literal, Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError

Form = Literal["damped", "exact"]

_ROWS_AT_ONCE = 8192
_TRIANGLES = 4  # parts of a triangular product: 5/8 of the operations of a full one; more parts are slower again


@dataclass(frozen=True)
class KroneckerPosterior:
    """Gaussian over the weights of a last layer, centred where the caller's weights are.

    Attributes:
        spectrum: the decomposed factors.
        prior_precision: lambda, the precision of the weights before any data.
        tau: pseudo-data count, the weight of the curvature.
        form: `damped` (the paper's) or `exact`.
        spread: factor on the covariance (on Binv, not on k); 1 for the posterior as it is.
    """

    spectrum: Spectrum
    prior_precision: float
    tau: float
    form: Form
    spread: float = 1.0

    @classmethod
    def damped(cls, factors: Factors | Spectrum, prior_precision: float, tau: float) -> Self:
        """Precision (sqrt(tau) A + sqrt(lambda) I) (x) (sqrt(tau) B + sqrt(lambda) I)."""
        return cls(_spectrum(factors), _positive(prior_precision, "prior precision"), _positive(tau, "tau"), "damped")

    @classmethod
    def exact(cls, factors: Factors | Spectrum, prior_precision: float, tau: float) -> Self:
        """Precision tau A (x) B + lambda I."""
        return cls(_spectrum(factors), _positive(prior_precision, "prior precision"), _positive(tau, "tau"), "exact")

    def tempered(self, spread: float) -> Self:
        """The same Gaussian with its covariance times `spread`; k(x, x') stays, Binv is scaled."""
        return replace(self, spread=self.spread * _positive(spread, "spread"))

    def discounted(self, power: float) -> Self:
        """The posterior for which a pretraining pair counts `power` times as much as here: from 0, the prior, to 1.

        Raises:
            InvalidInputError: the power is not between 0 and 1.

        References:
            Ibrahim and Chen, Power Prior Distributions for Regression Models, Statistical Science 15, 2000.
        """
        if not 0 <= power <= 1:
            raise InvalidInputError(f"the power is {power}: give a number from 0 to 1")
        return self if power == 1 else replace(self, tau=self.tau * power)  # itself keeps its root from fit to fit

    # Kernel: what the activations see.

    def features(self, values: Float[Tensor, "N P"]) -> Float[Tensor, "N P"]:
        """Whitened rows u with u(x) . u(x') = k(x, x')."""
        return torch.cat(list(self._whitened(_at_least_single(values), None)), dim=1)

    def row_variance(
        self, values: Float[Tensor, "N P"], product_dtype: torch.dtype | None = None
    ) -> Float[Tensor, " N"]:
        """k(x, x), streamed: 5/8 of a matrix product N P P, in `product_dtype` (default: that of the rows)."""
        self._check_width(values)
        values = _at_least_single(values)
        k = values.new_zeros(len(values))
        for rows, of_rows in zip(torch.split(values, _ROWS_AT_ONCE), torch.split(k, _ROWS_AT_ONCE), strict=True):
            for columns in self._whitened(rows, product_dtype):
                of_rows.add_(columns.to(k.dtype).square().sum(1))
        return k

    def row_covariance(self, a: Float[Tensor, "N P"], b: Float[Tensor, "M P"]) -> Float[Tensor, "N M"]:
        """k(x, x') of every row of a with every row of b."""
        self._check_width(a)
        self._check_width(b)
        return self.features(a) @ self.features(b).T

    @property
    def mean_row_variance(self) -> float:
        """Mean of k(x, x) over the very pairs that the factors were made of: tr(Ainv sum phi phi^T) / n."""
        if self.form == "damped" and self.tau > 0:  # Ainv (sqrt(tau) A + sqrt(lambda) I) = I: without eigenvalues
            rest = self._width - sqrt(self.prior_precision) * float(self.row_root.square().sum())
            total = rest / sqrt(self.tau)
        else:
            total = float((self.spectrum.a * self.row_spectrum).sum())
        return total / sqrt(self.spectrum.factors.n)

    # Output: what the embedding sees.

    @cached_property
    def output_covariance(self) -> Float[Tensor, "D D"]:
        """Binv, so that Cov(g(x), g(x')) = k(x, x') Binv (exact form: in the sense of the module's docstring)."""
        basis = self.spectrum.output_basis
        return (basis * self.output_spectrum) @ basis.T

    def output_variance(self, values: Float[Tensor, "N P"]) -> Float[Tensor, "N D"]:
        """Variance of g(x) along each output eigenvector, true to either form: diag(U_B^T Cov g(x) U_B)."""
        self._check_width(values)
        values = _at_least_single(values)
        coordinates = (values @ self.spectrum.row_basis.to(values.dtype)).square()  # [N P]
        return coordinates @ self.variances.T.to(values.dtype)

    # Weights: the Gaussian itself, as an operator on matrices [D P].

    @cached_property
    def variances(self) -> Float[Tensor, "D P"]:
        """Variance of the weights in the eigenbases."""
        a, b = self.spectrum.a, self.spectrum.b
        if self.form == "exact":
            return self.spread / (self.tau * b[:, None] * a + self.prior_precision)
        return self.output_spectrum[:, None] * self.row_spectrum

    @property
    def logdet(self) -> float:
        """Log-determinant of the precision [DP DP]."""
        return -float(self.variances.log().sum())

    def times_covariance(self, weight: Float[Tensor, "D P"]) -> Float[Tensor, "D P"]:
        """Covariance times vec(weight)."""
        return self._scaled(weight, self.variances)

    def times_precision(self, weight: Float[Tensor, "D P"]) -> Float[Tensor, "D P"]:
        """Precision times vec(weight)."""
        return self._scaled(weight, 1 / self.variances)

    def times_root(self, weight: Float[Tensor, "*K D P"]) -> Float[Tensor, "*K D P"]:
        """The symmetric root of the covariance times vec(weight)."""
        return self._scaled(weight, self.variances.sqrt())

    def draws(self, mean: Float[Tensor, "D P"], n_draws: int, generator: torch.Generator) -> Float[Tensor, "K D P"]:
        """Weights from the posterior centred at `mean`: W + U_B (E o sqrt(variances)) U_A^T, E white noise."""
        noise = torch.randn(n_draws, *mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
        rows, outputs = self.spectrum.row_basis.to(mean.dtype), self.spectrum.output_basis.to(mean.dtype)
        return mean + outputs @ (noise * self.variances.sqrt().to(mean.dtype)) @ rows.T

    def update(self, new: Factors, weight: float = 1.0) -> Self:
        """The posterior after further pairs (`curvature.pair_factors`), each counted `weight` times; decomposes anew.

        Needs no label: the curvature does not depend on it.
        """
        return replace(self, spectrum=Spectrum.of(self.spectrum.factors.merge(new, weight)))

    def check_weight(self, weight: Float[Tensor, "D P"]) -> None:
        """The door: does this posterior belong to a layer of this shape?

        Raises:
            InvalidInputError: it does not.
        """
        D, P = len(self.spectrum.factors.B), self._width
        if tuple(weight.shape) != (D, P):
            raise InvalidInputError(
                f"the posterior has factors of width P={P}, D={D}, but the layer's weight is {tuple(weight.shape)} "
                "(D, P): import or estimate the posterior of this model"
            )

    # Elementwise pieces in the eigenbases.

    @cached_property
    def row_spectrum(self) -> Float[Tensor, " P"]:
        """Eigenvalues of Ainv."""
        if self.form == "exact":
            return self.variances.sum(0) / (self.spread * self.variances.sum()).sqrt()
        return 1 / (sqrt(self.tau) * self.spectrum.a + sqrt(self.prior_precision))

    @cached_property
    def output_spectrum(self) -> Float[Tensor, " D"]:
        """Eigenvalues of Binv."""
        if self.form == "exact":
            return self.variances.sum(1) * (self.spread / self.variances.sum()).sqrt()
        return self.spread / (sqrt(self.tau) * self.spectrum.b + sqrt(self.prior_precision))

    @cached_property
    def row_root(self) -> Float[Tensor, "P P"]:
        """L with L L^T = Ainv and zeros above its diagonal: `features` are rows times L."""
        lower: Tensor
        if self.form == "damped":  # without eigenvectors: a tenth of their cost, after every fit
            A = self.spectrum.factors.published_form()[0].double()
            precision = sqrt(self.tau) * (A + A.T) / 2 + sqrt(self.prior_precision) * _identity(A)
            flipped, failed = torch.linalg.cholesky_ex(precision.flip(0, 1))
            if not failed:
                upper = flipped.flip(0, 1)  # times its transpose: the precision
                lower = torch.linalg.solve_triangular(upper.T, _identity(A), upper=False)
                return lower
        root = self.spectrum.row_basis * self.row_spectrum.sqrt()  # says so if A is more indefinite than by rounding
        lower = torch.linalg.qr(root.T, mode="r").R.T
        return lower

    def _whitened(self, values: Float[Tensor, "N P"], product_dtype: torch.dtype | None) -> Iterator[Tensor]:
        """Columns [N p] of values L, some at a time; what lies above the diagonal of L is left out of the product."""
        values = values.to(product_dtype or values.dtype)
        root = self.row_root.to(values.dtype)
        for columns in torch.arange(len(root)).tensor_split(_TRIANGLES):
            if len(columns):
                first, end = int(columns[0]), int(columns[-1]) + 1
                yield values[:, first:] @ root[first:, first:end]

    def _scaled(self, weight: Float[Tensor, "*K D P"], factor: Float[Tensor, "D P"]) -> Float[Tensor, "*K D P"]:
        rows = self.spectrum.row_basis.to(weight.dtype)
        outputs = self.spectrum.output_basis.to(weight.dtype)
        return outputs @ ((outputs.T @ weight @ rows) * factor.to(weight.dtype)) @ rows.T

    @property
    def _width(self) -> int:
        return len(self.spectrum.factors.A)

    def _check_width(self, values: Float[Tensor, "N P"]) -> None:
        if values.shape[1] != self._width:
            raise InvalidInputError(
                f"activations are {values.shape[1]} wide, but the posterior's factor A is {self._width} wide: "
                "import or estimate the posterior of this model"
            )


def _identity(like: Float[Tensor, "P P"]) -> Float[Tensor, "P P"]:
    return torch.eye(len(like), dtype=like.dtype)


def _spectrum(factors: Factors | Spectrum) -> Spectrum:
    return factors if isinstance(factors, Spectrum) else Spectrum.of(factors)


def _positive(value: float, name: str) -> float:
    if not 0 < value < float("inf"):
        raise InvalidInputError(f"the {name} is {value}: give a positive number")
    return float(value)


def _at_least_single(values: Float[Tensor, "N P"]) -> Float[Tensor, "N P"]:
    """Half precision is for storage: products of it are taken in float32."""
    return values.float() if values.dtype in {torch.float16, torch.bfloat16} else values
