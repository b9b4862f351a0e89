"""How good predictive probabilities are.

Axes: N items, C classes, R bootstrap resamples. Every metric takes probabilities [N C], labels [N] and weights that say
how often each item counts, [N] or [R N] (default: once), and returns a value, or one for each row of weights: a
bootstrap (`alflow.bootstrap`) is then one call with resampled counts. A metric that is not defined for its items (the
AUROC of errors where there are none) is NaN.

References:
    Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599 (ECE).
    Nguyen and O'Connor, Posterior calibration and exploratory analysis, arXiv 1508.05154 (adaptive ECE).
    Geifman and El-Yaniv, Selective Classification for Deep Neural Networks, arXiv 1705.08500 (risk and coverage).
    Wilson, Probable inference, the law of succession, and statistical inference, 1927.
"""

from collections.abc import Callable, Mapping
from statistics import NormalDist

import torch
from jaxtyping import Float, Int64
from torch import Tensor

N_BINS = 15

Metric = Callable[..., Tensor]


def accuracy(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Share of items whose most probable class is right."""
    return _mean(_correct(probabilities, labels), weights)


def macro_accuracy(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Mean over the classes that occur of the share of their items that is right."""
    correct = _correct(probabilities, labels)
    weights = _once(correct, weights)
    member = torch.nn.functional.one_hot(labels, probabilities.shape[1]).to(weights.dtype)
    items = weights @ member  # [R C]
    recall = (weights * correct) @ member / items
    return recall.nanmean(-1)


def nlpd(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Negative log predictive density, in nats an item; probabilities below 1e-12 count as 1e-12."""
    right = probabilities.gather(1, labels[:, None])[:, 0]
    return _mean(-right.clamp_min(1e-12).log(), weights)


def brier(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Squared distance of the probabilities to the right answer, summed over classes: 0 to 2."""
    truth = torch.nn.functional.one_hot(labels, probabilities.shape[1])
    return _mean((probabilities - truth).square().sum(1), weights)


def ece(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Expected calibration error: L1, 15 bins of equal width, closed on the right."""
    confidence, correct = probabilities.amax(1), _correct(probabilities, labels)
    weights = _once(correct, weights)
    member = torch.nn.functional.one_hot(confidence_bins(confidence), N_BINS).to(weights.dtype)
    gap = (weights * (correct - confidence)) @ member  # [R bins]
    return gap.abs().sum(-1) / weights.sum(-1)


def adaptive_ece(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Expected calibration error: L1, 15 bins that hold equally many items, by ascending confidence."""
    confidence, order = probabilities.amax(1).sort(stable=True)
    correct = _correct(probabilities, labels)[order]
    weights = _once(correct, weights)[..., order]
    total = weights.sum(-1, keepdim=True)
    middle = weights.cumsum(-1) - weights / 2
    bins = (middle / total * N_BINS).long().clamp(0, N_BINS - 1)
    gap = weights.new_zeros(*weights.shape[:-1], N_BINS)
    gap = gap.scatter_add(-1, bins, weights * (correct - confidence))
    return gap.abs().sum(-1) / total[..., 0]


def error_auroc(
    probabilities: Float[Tensor, "N C"],
    labels: Int64[Tensor, " N"],
    weights: Float[Tensor, "*R N"] | None = None,
    uncertainty: Float[Tensor, " N"] | None = None,
) -> Float[Tensor, "*R"]:
    """How well uncertainty (default: the predictive entropy) tells wrong answers from right ones: 1/2 is chance.

    The chance that a wrong item is more uncertain than a right one, ties counting half; NaN without both kinds.
    """
    if uncertainty is None:
        uncertainty = -torch.xlogy(probabilities, probabilities).sum(1)
    correct = _correct(probabilities, labels)
    weights = _once(correct, weights)
    level, n_levels = _levels(uncertainty)
    right = _per_level(weights * correct, level, n_levels)
    wrong = _per_level(weights * (1 - correct), level, n_levels)
    below = right.cumsum(-1) - right / 2
    return (wrong * below).sum(-1) / (wrong.sum(-1) * right.sum(-1))


def aurc(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], weights: Float[Tensor, "*R N"] | None = None
) -> Float[Tensor, "*R"]:
    """Area under the risk-coverage curve: the error rate among the most confident items, averaged over how many.

    Equally confident items come in random order: each counts with the mean error of its like.
    """
    correct = _correct(probabilities, labels)
    weights = _once(correct, weights)
    level, n_levels = _levels(-probabilities.amax(1))
    wrong = _per_level(weights * (1 - correct), level, n_levels)
    items = _per_level(weights, level, n_levels)
    tiny = torch.finfo(weights.dtype).tiny  # a resample may leave out the first levels
    error = (wrong / items.clamp_min(tiny))[..., level]
    order = level.argsort(stable=True)
    weights, error = weights[..., order], error[..., order]
    risk = (weights * error).cumsum(-1) / weights.cumsum(-1).clamp_min(tiny)
    return (weights * risk).sum(-1) / weights.sum(-1)


def confidence_bins(confidence: Float[Tensor, " N"]) -> Int64[Tensor, " N"]:
    """The bins of `ece`: of 15 of equal width, closed on the right, the one each confidence is in."""
    return (confidence * N_BINS).ceil().long().sub(1).clamp(0, N_BINS - 1)


def wilson(right: Float[Tensor, "*K"], total: Float[Tensor, "*K"]) -> tuple[Float[Tensor, "*K"], Float[Tensor, "*K"]]:
    """The ends of the 95% score interval (Wilson, 1927) of each share right / total; NaN where there is none."""
    z = NormalDist().inv_cdf(0.975)
    share = right / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * (share * (1 - share) / total + z**2 / (4 * total**2)).sqrt()
    return torch.minimum((middle - half).clamp(0, 1), share), torch.maximum((middle + half).clamp(0, 1), share)


METRICS: Mapping[str, Metric] = {
    "accuracy": accuracy,
    "macro_accuracy": macro_accuracy,
    "nlpd": nlpd,
    "ece": ece,
    "adaptive_ece": adaptive_ece,
    "brier": brier,
    "error_auroc": error_auroc,
    "aurc": aurc,
}


def _correct(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    return (probabilities.argmax(1) == labels).to(probabilities.dtype)


def _once(like: Float[Tensor, " N"], weights: Float[Tensor, "*R N"] | None) -> Float[Tensor, "*R N"]:
    return torch.ones_like(like) if weights is None else weights.to(like.dtype)


def _mean(values: Float[Tensor, " N"], weights: Float[Tensor, "*R N"] | None) -> Float[Tensor, "*R"]:
    weights = _once(values, weights)
    return weights @ values / weights.sum(-1)


def _levels(values: Float[Tensor, " N"]) -> tuple[Int64[Tensor, " N"], int]:
    """The rank of each value among the distinct ones, and how many there are."""
    distinct, level = torch.unique(values, return_inverse=True)
    return level, len(distinct)


def _per_level(weights: Float[Tensor, "*R N"], level: Int64[Tensor, " N"], n_levels: int) -> Float[Tensor, "*R L"]:
    totals = weights.new_zeros(*weights.shape[:-1], n_levels)
    return totals.index_add(-1, level, weights)
