"""The prior precision lambda by the Laplace evidence of the last layer.

    log p(W | lambda) - 1/2 logdet(precision),   log p = 1/2 P D log lambda - 1/2 lambda |W|^2

up to constants. As a function of log lambda it is concave in both forms (log-sum-exp of the eigenvalues), so the one
root of its derivative is the maximum. On the eigenvalues an evaluation costs microseconds.
"""

from collections.abc import Callable
from math import exp, sqrt
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import Form
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError

Objective = Literal["correct", "published"]
_Function = Callable[[float], float]

_LOWEST, _HIGHEST = -60.0, 100.0  # log lambda; beyond 1e-26 or 1e43 nothing is left of a prior


def best_prior_precision(
    factors: Factors | Spectrum,
    weight_norm_squared: float,
    tau: float,
    form: Form = "damped",
    objective: Objective = "correct",
) -> float:
    """The lambda of highest evidence for weights of this squared Frobenius norm; pass a `Spectrum` to decompose once.

    `objective="published"` reproduces the lambda of the method's published code, which exchanges the multiplicities of
    the two factors and leaves out the 1/2 of the log-determinant (damped form only).

    Raises:
        InvalidInputError: the weights or the factors are zero, so that no lambda is best.
    """
    spectrum = factors if isinstance(factors, Spectrum) else Spectrum.of(factors)
    slope = evidence_slope(spectrum, weight_norm_squared, tau, form, objective)
    if not slope(_LOWEST) > 0 > slope(_HIGHEST):
        raise InvalidInputError(
            "the evidence has no maximum: the weights or the factors are zero; give the layer's own weights and the "
            "factors estimated for it"
        )
    return exp(brentq(slope, _LOWEST, _HIGHEST, xtol=1e-12, rtol=1e-14))


def log_evidence(
    spectrum: Spectrum, weight_norm_squared: float, tau: float, form: Form = "damped", objective: Objective = "correct"
) -> _Function:
    """The evidence (up to a constant) as a function of log lambda."""
    a, b = sqrt(tau) * spectrum.a.numpy(), sqrt(tau) * spectrum.b.numpy()
    products = np.outer(b, a)
    on_a, on_b = _multiplicities(len(a), len(b), objective)

    def evidence(log_precision: float) -> float:
        precision = exp(log_precision)
        log_prior = 0.5 * (products.size * log_precision - precision * weight_norm_squared)
        if form == "exact":
            return log_prior - 0.5 * float(np.log(products + precision).sum())
        root = sqrt(precision)
        return log_prior - on_a * float(np.log(a + root).sum()) - on_b * float(np.log(b + root).sum())

    return evidence


def evidence_slope(
    spectrum: Spectrum, weight_norm_squared: float, tau: float, form: Form = "damped", objective: Objective = "correct"
) -> _Function:
    """Derivative of `log_evidence` in log lambda: strictly decreasing."""
    a, b = sqrt(tau) * spectrum.a.numpy(), sqrt(tau) * spectrum.b.numpy()
    products = np.outer(b, a) if form == "exact" else np.empty(0)
    size = len(a) * len(b)
    on_a, on_b = _multiplicities(len(a), len(b), objective)

    def slope(log_precision: float) -> float:
        precision = exp(log_precision)
        prior = 0.5 * (size - precision * weight_norm_squared)
        if form == "exact":
            return prior - 0.5 * float((precision / (products + precision)).sum())
        root = sqrt(precision)
        return prior - 0.5 * (on_a * float((root / (a + root)).sum()) + on_b * float((root / (b + root)).sum()))

    return slope


def _multiplicities(P: int, D: int, objective: Objective) -> tuple[float, float]:
    """How often each eigenvalue of A and of B enters the log-determinant (times 1/2 where it is correct)."""
    return (P, D) if objective == "published" else (0.5 * D, 0.5 * P)
