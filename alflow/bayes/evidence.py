"""The prior precision lambda by the Laplace evidence of the last layer.

    log p(W | lambda) - 1/2 logdet(precision),   log p = 1/2 P D log lambda - 1/2 lambda |W|^2

up to constants. As a function of log lambda it is concave (log-sum-exp of the eigenvalues), so the one root of its
derivative is the maximum. On the eigenvalues an evaluation costs microseconds.
"""

from collections.abc import Callable
from math import exp, sqrt

from scipy.optimize import brentq

from alflow.bayes.curvature import Factors
from alflow.bayes.spectrum import Spectrum
from alflow.errors import InvalidInputError

_LOWEST, _HIGHEST = -60.0, 100.0  # log lambda; beyond 1e-26 or 1e43 nothing is left of a prior


def best_prior_precision(factors: Factors | Spectrum, weight_norm_squared: float, tau: float) -> float:
    """The lambda of highest evidence for weights of this squared Frobenius norm; pass a `Spectrum` to decompose once.

    Raises:
        InvalidInputError: the weights or the factors are zero, so that no lambda is best.
    """
    spectrum = factors if isinstance(factors, Spectrum) else Spectrum.of(factors)
    slope = evidence_slope(spectrum, weight_norm_squared, tau)
    if not slope(_LOWEST) > 0 > slope(_HIGHEST):
        raise InvalidInputError(
            "the evidence has no maximum: the weights or the factors are zero; give the layer's own weights and the "
            "factors estimated for it"
        )
    return exp(brentq(slope, _LOWEST, _HIGHEST, xtol=1e-12, rtol=1e-14))


def evidence_slope(spectrum: Spectrum, weight_norm_squared: float, tau: float) -> Callable[[float], float]:
    """Derivative of the evidence in log lambda, as a function of log lambda: strictly decreasing."""
    a, b = sqrt(tau) * spectrum.a.numpy(), sqrt(tau) * spectrum.b.numpy()
    P, D = len(a), len(b)

    def slope(log_precision: float) -> float:
        precision, root = exp(log_precision), exp(log_precision / 2)
        prior = 0.5 * (P * D - precision * weight_norm_squared)
        return prior - 0.25 * (D * float((root / (a + root)).sum()) + P * float((root / (b + root)).sum()))

    return slope
