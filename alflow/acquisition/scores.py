"""How uncertain is a prediction: one score a row, larger = ask sooner.

Axes: N rows, K posterior draws, C classes. Entropies are in nats.
"""

from jaxtyping import Float
from torch import Tensor

from alflow.bayes.uncertainty import entropy

__all__ = ["bald", "entropy", "least_confidence", "margin"]


def least_confidence(probabilities: Float[Tensor, "N C"]) -> Float[Tensor, " N"]:
    """1 - max_c p_c, in [0, 1 - 1/C]."""
    return 1 - probabilities.max(dim=1).values


def margin(probabilities: Float[Tensor, "N C"]) -> Float[Tensor, " N"]:
    """1 - (p_first - p_second), in [0, 1]: how nearly the two best classes tie."""
    first, second = probabilities.topk(2, dim=1).values.unbind(dim=1)
    return 1 - (first - second)


def bald(draws: Float[Tensor, "N K C"]) -> Float[Tensor, " N"]:
    """Mutual information of label and weights, H(mean_k p_k) - mean_k H(p_k), from one set of draws.

    Args:
        draws: class probabilities of each row under each posterior draw.

    References:
        Houlsby et al., Bayesian Active Learning for Classification and Preference Learning (arXiv 1112.5745).
    """
    of_each = entropy(draws.flatten(0, 1)).view(draws.shape[:2])  # [N K]
    return entropy(draws.mean(dim=1)) - of_each.mean(dim=1)
