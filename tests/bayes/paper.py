"""The predictive of the paper under both posteriors of the pretraining, written out: the product has no use for it.

It is kept for parity with the published numbers, and as the row of `make calibration` that the product is held against.

Axes: N images, C classes, P activation width, D joint width, K draws. In the eigenbases U_A and U_B of the factors the
covariance of the weights [D P] is diagonal in either form, with entries

    damped (Baumann et al.):  1 / ((sqrt(tau) b_j + sqrt(lambda)) (sqrt(tau) a_i + sqrt(lambda)))
    exact:                    1 / (tau a_i b_j + lambda)

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014.
    MacKay, The evidence framework applied to classification networks, 1992 (the probit approximation).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, pi, sqrt
from typing import Literal, Self

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.embeddings import Activations

Form = Literal["damped", "exact", "published"]
"""Of an evidence: `published` is the damped one as the published code has it (see `log_evidence`)."""


@dataclass(frozen=True)
class Weights:
    """Gaussian over the weights of a last layer: variances [D P] in the eigenbases of the factors."""

    spectrum: Spectrum
    variances: Tensor

    @classmethod
    def damped(cls, of: KroneckerPosterior) -> Self:
        return cls(of.spectrum, of.output_spectrum[:, None] * of.row_spectrum)

    @classmethod
    def exact(cls, spectrum: Spectrum, prior_precision: float, tau: float) -> Self:
        return cls(spectrum, 1 / (tau * spectrum.b[:, None] * spectrum.a + prior_precision))

    @property
    def logdet(self) -> float:
        """Of the precision [DP DP]."""
        return -float(self.variances.log().sum())

    def times(self, weight: Tensor, power: float) -> Tensor:
        """The covariance to this power, times vec(weight)."""
        rows, outputs = self.spectrum.row_basis, self.spectrum.output_basis
        return outputs @ ((outputs.T @ weight @ rows) * self.variances**power) @ rows.T

    def draws(self, mean: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:
        """[K D P], centred at the mean [D P]."""
        noise = torch.randn(n_draws, *mean.shape, dtype=mean.dtype, generator=generator)
        rows, outputs = self.spectrum.row_basis, self.spectrum.output_basis
        return mean + outputs @ (noise * self.variances.sqrt()) @ rows.T


@dataclass(frozen=True)
class Embeddings:
    """Gaussian embeddings of some rows: mean [N D], and variance [N D] along the columns of a basis [D D]."""

    mean: Tensor
    variance: Tensor
    basis: Tensor

    @classmethod
    def of(cls, rows: Activations, weight: Tensor, weights: Weights) -> Self:
        along = (rows.values.to(weight.dtype) @ weights.spectrum.row_basis.to(weight.dtype)).square()
        variance = along @ weights.variances.T.to(weight.dtype)
        return cls(rows.embed(weight), variance, weights.spectrum.output_basis.to(weight.dtype))

    @property
    def square_norm(self) -> Tensor:
        """E|g|^2 [N]."""
        return self.mean.square().sum(1) + self.variance.sum(1)

    @property
    def diagonal(self) -> Self:
        """With the diagonals of the covariances only, as published."""
        return type(self)(self.mean, self.variance @ self.basis.square().T, torch.eye(len(self.basis)).to(self.basis))


@dataclass(frozen=True)
class LogitMoments:
    """Mean and variance of each logit [N C]."""

    mean: Tensor
    variance: Tensor


def logit_moments(image: Embeddings, text: Embeddings, scale: float, bias: float = 0.0) -> LogitMoments:
    """ProbCosine: of scale cos(g, h) + bias, each norm replaced by the root of its expected square.

    variance = s^2 (g^T Cov_h g + h^T Cov_g h + tr(Cov_g Cov_h)) / (E|g|^2 E|h|^2)
    """
    norms = torch.outer(image.square_norm, text.square_norm)
    overlap = (image.basis.T @ text.basis).square()
    of_text = (image.mean @ text.basis).square() + image.variance @ overlap
    variance = of_text @ text.variance.T + image.variance @ (text.mean @ image.basis).square().T
    mean = scale * image.mean @ text.mean.T / norms.sqrt() + bias
    return LogitMoments(mean, scale**2 * variance / norms)


def probit(moments: LogitMoments) -> Tensor:
    """Probabilities of the classes [N C], softmax(z / sqrt(1 + pi/8 variance)), that see no constant added to all z.

    The paper's own form does (`written_out.published_probit`): the division makes it depend on CLIP's +25.
    """
    mean = moments.mean - moments.mean.amax(dim=1, keepdim=True)
    return torch.softmax(mean / (1 + pi / 8 * moments.variance).sqrt(), dim=1)


def log_evidence(spectrum: Spectrum, norm: float, tau: float, form: Form = "damped") -> Callable[[float], float]:
    """The evidence (up to a constant) as a function of log lambda, for weights of this squared norm.

    The published code exchanges the multiplicities of the two factors and leaves out the 1/2 of the log-determinant.
    """
    a, b = sqrt(tau) * spectrum.a.numpy(), sqrt(tau) * spectrum.b.numpy()
    on_a, on_b = (len(a), len(b)) if form == "published" else (0.5 * len(b), 0.5 * len(a))

    def evidence(log_precision: float) -> float:
        precision = exp(log_precision)
        log_prior = 0.5 * (len(a) * len(b) * log_precision - precision * norm)
        if form == "exact":
            return log_prior - 0.5 * float(np.log(np.outer(b, a) + precision).sum())
        root = sqrt(precision)
        return log_prior - on_a * float(np.log(a + root).sum()) - on_b * float(np.log(b + root).sum())

    return evidence


def best_prior_precision(spectrum: Spectrum, norm: float, tau: float, form: Form) -> float:
    """The lambda of the highest evidence; the evidence is concave in log lambda."""
    evidence = log_evidence(spectrum, norm, tau, form)
    return exp(minimize_scalar(lambda at: -evidence(at), bounds=(-40, 40), method="bounded").x)
