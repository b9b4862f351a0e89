"""Temperature scaling: what the calibration of the product's prediction is compared with.

One number T divides all logits; it is fitted to labels by maximum likelihood, so it needs some that are not those it is
judged by. It changes no prediction, only how sure of it the model is.

Axes: N items, C classes.

References:
    Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599.
"""

from math import exp, log

import torch
from jaxtyping import Float, Int64
from scipy.optimize import brentq
from torch import Tensor

from alflow.bayes.fit import folds
from alflow.errors import InvalidInputError

COLDEST, HOTTEST = 1e-3, 1e3
"""Bounds of the temperature, for labels that no finite one fits best."""

CAUTIOUS = 0.25
"""The least temperature of a few labels, which may all be predicted right: the likeliest would be 0."""


def fit_temperature(logits: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> float:
    """The temperature T > 0 whose softmax(logits / T) gives these labels the highest likelihood.

    The negative log-likelihood is convex in 1 / T, so its slope, the mean over items of E_p[z] - z_y, has one root.
    Where every label has the largest logit of its row, colder is always better: T is then `COLDEST`; where the labels'
    logits are not above the rows' average, it is `HOTTEST`.

    Raises:
        InvalidInputError: there are no labels, one is not a class, or a logit is not finite.
    """
    _check(logits, labels)
    logits = logits.double()
    labelled = float(logits.gather(1, labels[:, None]).mean())

    def slope(log_temperature: float) -> float:
        """Of the negative log-likelihood in 1 / T: falls as the temperature rises."""
        probabilities = (logits / exp(log_temperature)).softmax(1)
        return float((probabilities * logits).sum(1).mean()) - labelled

    coldest, hottest = torch.tensor([COLDEST, HOTTEST], dtype=torch.float64).log().tolist()
    if slope(coldest) <= 0:
        return COLDEST
    if slope(hottest) >= 0:
        return HOTTEST
    return exp(brentq(slope, coldest, hottest, xtol=1e-10))


def temperature_scaled(logits: Float[Tensor, "N C"], temperature: float) -> Float[Tensor, "N C"]:
    """Probabilities softmax(logits / T)."""
    return (logits / temperature).softmax(1)


def cross_fitted(
    logits: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], generator: torch.Generator
) -> tuple[Float[Tensor, "N C"], float]:
    """Probabilities of each item by the temperature of the other items' labels, in five folds; and their mean.

    So every label serves, and none judges the temperature that was fitted to it. None is below `CAUTIOUS`.
    The mean is that of the logarithms.

    Raises:
        InvalidInputError: there are fewer than two labels, one is not a class, or a logit is not finite.
    """
    _check(logits, labels)
    if len(labels) < 2:
        raise InvalidInputError("a temperature is judged by labels that it was not fitted to: give two at least")
    dealt, found = folds(labels, generator), list[float]()
    scaled = torch.empty_like(logits)
    for fold in torch.unique(dealt):
        held = dealt == fold
        found.append(max(fit_temperature(logits[~held], labels[~held]), CAUTIOUS))
        scaled[held] = temperature_scaled(logits[held], found[-1])
    return scaled, exp(sum(map(log, found)) / len(found))


def _check(logits: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> None:
    if len(labels) == 0 or len(labels) != len(logits):
        raise InvalidInputError(
            f"{len(labels)} labels for {len(logits)} rows of logits: a temperature is fitted to one label a row, "
            "and to at least one"
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]:
        raise InvalidInputError(f"a label is none of the {logits.shape[1]} classes: give their row numbers")
    if not bool(logits.isfinite().all()):
        raise InvalidInputError("a logit is not finite: check the activations for NaN")
