"""Which labels are likely wrong, by probabilities of models that have not seen them (`alflow.bayes.held_out`).

`doubted` judges labels: by log p_y - max_k log p_k over the other classes k, with the probabilities of fits in which
doubtful labels count less. Why this score is in `tests/bench/doubts.py`. The definitions of confident learning are here
to be compared with.

Axes: N labelled images, C classes.

References:
    Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, arXiv 1911.00068.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.held_out import held_out_probabilities
from alflow.bayes.model import Model
from alflow.embeddings import Activations

_SLACK: Final = 1e-6  # of a threshold, for equal probabilities that are rounded differently
_LEAST: Final = 1e-300
_STEPS: Final = 20
_RAREST, _MOST = 0.001, 0.5  # share of wrong labels: some are always possible, and most are right


@dataclass(frozen=True)
class Doubted:
    """Of each label.

    Attributes:
        held: the most probable of the other classes.
        p_given, p_held: probability of the label and of that class, by fits that have not seen the label.
        odds: log p_given - log p_held, in nats; the lower, the more doubtful.
        misplaced: whether the image counts for another class in the `confident_joint`.
    """

    held: Int64[Tensor, " N"]
    p_given: Float[Tensor, " N"]
    p_held: Float[Tensor, " N"]
    odds: Float[Tensor, " N"]
    misplaced: Bool[Tensor, " N"]


def doubted(zero_shot: Model, support: Activations, labels: Int64[Tensor, " N"], generator: torch.Generator) -> Doubted:
    """Judge every label by fits that have not seen it, in which each other label counts by how likely it is right.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    state = generator.get_state()
    p = held_out_probabilities(zero_shot, support, labels, generator)
    counts = right_share(p, labels, noise(p, labels))
    p = held_out_probabilities(zero_shot, support, labels, generator.set_state(state), counts)
    others = p.scatter(1, labels[:, None], -torch.inf)
    return Doubted(
        others.argmax(dim=1),
        self_confidence(p, labels),
        others.amax(dim=1),
        log_odds(p, labels),
        misplaced(p, labels),
    )


def self_confidence(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    """p_y: the probability of the given label; a low one is doubtful."""
    return probabilities.gather(1, labels[:, None])[:, 0]


def normalized_margin(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    """(1 + p_y - max_k p_k) / 2 over the other classes k, between 0 and 1."""
    return (1 + self_confidence(probabilities, labels) - _best_other(probabilities, labels)) / 2


def log_odds(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    """In nats: log p_y - max_k log p_k over the other classes k; negative where the model holds another class."""
    given, other = self_confidence(probabilities, labels), _best_other(probabilities, labels)
    return given.double().clamp_min(_LEAST).log() - other.double().clamp_min(_LEAST).log()


def misplaced(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Bool[Tensor, " N"]:
    """Which images count for another class than their label in the `confident_joint`.

    Their number estimates that of the wrong labels (Northcutt et al.): well where the model is good, and too high where
    it is poor.
    """
    likely, counted = _likely(probabilities, labels)
    return counted & (likely != labels)


def confident_joint(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Int64[Tensor, "C C"]:
    """Counts [given, likely true] (equation 1 of Northcutt et al.); no diagonal entry is below 1.

    An image counts for the most probable class among those whose probability reaches the threshold of the class, the
    mean of p_k over the images labelled k. One that reaches none is left out.
    """
    n_classes = probabilities.shape[1]
    likely, counted = _likely(probabilities, labels)
    pairs = labels[counted] * n_classes + likely[counted]
    joint = torch.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
    joint.diagonal().clamp_(min=1)
    return joint


def calibrated_joint(joint: Int64[Tensor, "C C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, "C C"]:
    """Shares [given, likely true] that sum to 1, with the given labels' own frequencies (equation 3)."""
    given = torch.bincount(labels, minlength=len(joint)).double()
    rows = joint.double() / joint.sum(dim=1, keepdim=True).clamp_min(1) * given[:, None]
    return rows / rows.sum()


def right_share(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], noise: float) -> Float[Tensor, " N"]:
    """Probability that a label is right, where the share e = `noise` of all is replaced by any other class alike.

    (1 - e) p_y / ((1 - e) p_y + e (1 - p_y) / (C - 1)), by Bayes' rule.
    """
    p = self_confidence(probabilities, labels)
    wrong = noise * (1 - p) / max(1, probabilities.shape[1] - 1)
    return (1 - noise) * p / ((1 - noise) * p + wrong).clamp_min(_LEAST)


def noise(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> float:
    """The share e of wrong labels that agrees with `right_share`: e is the mean of what that says is wrong."""
    share = 0.1
    for _ in range(_STEPS):
        share = min(max(float(1 - right_share(probabilities, labels, share).mean()), _RAREST), _MOST)
    return share


def _likely(
    probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]
) -> tuple[Int64[Tensor, " N"], Bool[Tensor, " N"]]:
    """The class that each image counts for in the confident joint, and whether it counts for any."""
    n_classes = probabilities.shape[1]
    own = self_confidence(probabilities, labels)
    sums = own.new_zeros(n_classes).index_add(0, labels, own)
    counts = torch.bincount(labels, minlength=n_classes)
    means = (sums / counts).clamp_min(2 * _SLACK)
    reached = probabilities >= torch.where(counts > 0, means, torch.inf) - _SLACK
    several = reached.sum(dim=1) > 1
    likely = torch.where(several, probabilities.argmax(dim=1), reached.int().argmax(dim=1))
    return likely, reached.any(dim=1)


def _best_other(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    others = probabilities.scatter(1, labels[:, None], -torch.inf)
    return others.amax(dim=1)
