"""What one vote tells about the class of an item, and what one more would."""

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from alflow.errors import InvalidInputError

_SUREST = 1 - 1e-9


def accuracy_from_agreement(agreement: float, n_classes: int) -> float:
    """How often one vote is right, when two independent ones agree so often.

    Two votes of accuracy q whose mistakes fall on the other C - 1 classes alike agree with probability
    q^2 + (1 - q)^2 / (C - 1); this is the root at or above chance, q = (1 + sqrt((C - 1)(C a - 1))) / C.

    Raises:
        InvalidInputError: fewer than two classes.
    """
    if n_classes < 2:
        raise InvalidInputError("one class leaves nothing to agree on: an accuracy needs two classes")
    return (1 + sqrt(max(0.0, (n_classes - 1) * (n_classes * agreement - 1)))) / n_classes


def class_posterior(prior: Sequence[float], votes: Iterable[int], accuracy: float) -> NDArray[np.float64]:
    """Probabilities of the classes [C] after votes (as places in the prior), each right with probability `accuracy`.

    p(c | votes) is proportional to prior_c times, for each vote, the accuracy where it names c and
    (1 - accuracy) / (C - 1) where it does not.
    """
    accuracy = min(accuracy, _SUREST)  # two votes that are never wrong could contradict each other
    belief = np.asarray(prior, dtype=float)
    for vote in votes:
        likelihood = np.full(len(belief), (1 - accuracy) / (len(belief) - 1))
        likelihood[vote] = accuracy
        belief = belief * likelihood / (belief @ likelihood)
    return belief


def vote_information(prior: NDArray[np.float64] | Sequence[float], accuracy: float) -> float:
    """What one vote is expected to tell about an item's class, in nats: the mutual information of vote and class.

    I(vote; class) = H(prior W) - H(W_c), where W_ck is the accuracy for k = c and (1 - accuracy) / (C - 1) elsewhere;
    at most the entropy of the prior, which a vote that is never wrong tells whole.
    """
    belief = np.asarray(prior, dtype=float)
    wrong = (1 - accuracy) / (len(belief) - 1)
    said = belief * accuracy + (1 - belief) * wrong
    noise = _entropy(np.array([accuracy, *[wrong] * (len(belief) - 1)]))
    return max(0.0, _entropy(said) - noise)


def _entropy(probabilities: NDArray[np.float64]) -> float:
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())
