"""What one vote tells about the class of an item, and what one more would."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

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


def class_posterior(prior: NDArray[np.float64], votes: Sequence[Sequence[int]], accuracy: float) -> NDArray[np.float64]:
    """Probabilities of the classes [N C] after votes about each item, each right with probability `accuracy`.

    p(c | votes) is proportional to prior_c times, for each vote, the accuracy where it names c and
    (1 - accuracy) / (C - 1) where it does not.

    Args:
        prior: probabilities of the classes [N C].
        votes: about each item, as columns of the prior.
        accuracy: of every vote.
    """
    accuracy = min(accuracy, _SUREST)  # two votes that are never wrong could contradict each other
    belief, wrong = prior.copy(), (1 - accuracy) / (prior.shape[1] - 1)
    for which in range(max(map(len, votes), default=0)):
        rows = [row for row, given in enumerate(votes) if len(given) > which]
        said = belief[rows] * wrong
        named = np.arange(len(rows)), [votes[row][which] for row in rows]
        said[named] *= accuracy / wrong
        belief[rows] = said / said.sum(axis=1, keepdims=True)
    return belief


def vote_information(prior: NDArray[np.float64], accuracy: float) -> NDArray[np.float64]:
    """What one vote is expected to tell about each item's class, in nats: the mutual information of vote and class.

    I(vote; class) = H(prior W) - H(W_c), where W_ck is the accuracy for k = c and (1 - accuracy) / (C - 1) elsewhere;
    at most the entropy of the prior, which a vote that is never wrong tells whole.

    Args:
        prior: probabilities of the classes [N C].
        accuracy: of a vote.
    """
    n_classes = prior.shape[1]
    wrong = (1 - accuracy) / (n_classes - 1)
    noise = _entropy(np.array([accuracy, *[wrong] * (n_classes - 1)]))
    return np.maximum(0.0, _entropy(prior * accuracy + (1 - prior) * wrong) - noise)


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-xlogy(probabilities, probabilities).sum(axis=-1))
