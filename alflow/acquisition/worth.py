"""What the label of an image would be worth: how far it moves the predictions for the images we aim at, in nats.

    gain(x, y) = mean over x* of KL( p(y* | x*, y) || p(y* | x*) ),   expected(x) = sum_y p(y | x) gain(x, y)

If all is exact, the expected gain is the information that the label shares with the label of a target: EPIG. The gain
of the label that somebody gave is what it was worth, and in the mean over labels drawn from the prediction it is the
expected gain: so the two can be compared, and a model that is right about itself finds them equal in the long run.

The logits are Gaussian with the covariance k(x, x*) Q, and a label bears on those of x* by way of those of x alone.
With s = softmax(z(x)) and v = k(x, x)

    E[z(x*) | y] - E[z(x*)] = k(x, x*) / v (E[z(x) | y] - E[z(x)]) = k(x, x*) Q g_y,   g_y = E[s_y (e_y - s)] / p_y

first as Gaussians are conditioned, then by Stein's lemma, E[(z - E z) h(z)] = v Q E[grad h(z)] with h = s_y. E is the
mean over draws of the logits of x whose mean is the prediction (`alflow.bayes.uncertainty`). A prediction averages over
logits, too: where the mean of the logits moves by d it moves by E[F*] d, F = diag(s) - s s^T, to first order. Of that
we keep the size,

    p(. | x*, y) = softmax(log p* + kappa(x*) k(x, x*) Q g_y),   kappa(x*) = E[tr(F* Q)] / tr(F(p*) Q)

so that the same label moves an image less whose logits are less known. Where v is small, g_y = e_y - p, kappa = 1, and
the expected gain is 1/2 k^2 tr(F Q F* Q), second-order EPIG (`alflow.acquisition.epig`). Before any label v is about 8
and that form counts 8 to 160 times the nats of exact conditioning, this one .8 to 1.6 times; at v = 1, .9 to 1.15
times (2, 5 and 20 classes, 16 pairs of images each; tests/acquisition/test_worth.py holds it).

Axes: B images to ask about, T images aimed at, Y answers that are rated, K draws, C classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.aims import evenly
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.epig import class_term, pair_information
from alflow.bayes.uncertainty import stream_draws

ANSWERS: Final = 64
"""Of an image, as many answers are rated: all classes, or where there are more, 64 of equal probability."""

INFORMED: Final = 6
"""Images that a label tells most about, as many are named."""

_TRIED: Final = 24  # of largest second-order EPIG, for which the gain is worked out; fewer where there are many classes
_TRIED_ENTRIES: Final = 2**11  # of [M C]
_RESPONSE_DRAWS: Final = 32
_MAX_TARGETS: Final = 500
_ENTRIES: Final = 2**20  # of [Y T C]: it bounds the targets where there are many classes
_LEAST_TARGETS: Final = 32
_LEAST: Final = 1e-30


@dataclass(frozen=True)
class Aimed:
    """Images that labels are for: their predictions, their kernel features, and how much they give way (kappa)."""

    log_p: Float[Tensor, "T C"]
    features: Float[Tensor, "T U"]
    response: Float[Tensor, " T"]

    @classmethod
    def of(cls, images: Beliefs, Q: Float[Tensor, "C C"]) -> Self:
        """By draws of the logits of each image."""
        p = images.probabilities
        draws = stream_draws(p, images.variance, Q, _RESPONSE_DRAWS)
        drawn = torch.cat([p.new_zeros(0), *(_spread(block, Q).mean(dim=1) for block in draws)])
        return cls(p.clamp_min(_LEAST).log(), images.features, drawn / _spread(p, Q).clamp_min(_LEAST))

    def __getitem__(self, rows: Int64[Tensor, " M"]) -> Self:
        return type(self)(self.log_p[rows], self.features[rows], self.response[rows])

    def gains(self, feature: Float[Tensor, " U"], shifts: Float[Tensor, "Y C"]) -> Float[Tensor, "Y T"]:
        """KL(p(. | x*, y) || p*) of each answer and each image, of one image that is asked about.

        Args:
            feature: of that image.
            shifts: Q g_y of each answer, from `shifts`.
        """
        moved = (self.response * (self.features @ feature))[:, None] * shifts[:, None]  # [Y T C]
        log_q = self.log_p + moved
        log_norm = log_q.logsumexp(dim=2)
        q = (log_q - log_norm[:, :, None]).exp()
        return ((q * moved).sum(dim=2) - log_norm).clamp_min(0)


@dataclass(frozen=True)
class Worth:
    """What the answers about one image would be worth.

    Attributes:
        labels: answers that were rated.
        shares: what each counts in the expected gain; they add up to 1.
        gains: in nats, of each.
        informed: rows of the images aimed at that the label tells most about.
        nats: how much it is expected to tell about each.
    """

    labels: Int64[Tensor, " Y"]
    shares: Float[Tensor, " Y"]
    gains: Float[Tensor, " Y"]
    informed: Int64[Tensor, " M"]
    nats: Float[Tensor, " M"]

    @property
    def expected(self) -> float:
        """Expected gain in nats."""
        return float(self.shares @ self.gains)


def worths(
    picked: Beliefs, aim: Beliefs, Q: Float[Tensor, "C C"], own: Int64[Tensor, " B"] | None = None
) -> tuple[list[Worth], Int64[Tensor, " T"]]:
    """What labels of the picked images would be worth about the images aimed at; and the rows of these that count.

    Args:
        picked: the images to ask about.
        aim: the images that matter; the gain is the mean over some that stand for all (`thinned`).
        Q: covariance of the classes.
        own: rows of the picked images in `aim`, -1 where one is not among them; none is named as informed by itself.
    """
    rows, near = thinned(aim), _nearest(picked, aim, Q, own)
    needed, where = torch.unique(torch.cat([rows, near.flatten()]), return_inverse=True)
    aimed = Aimed.of(aim[needed], Q)
    for_mean, for_near = aimed[where[: len(rows)]], where[len(rows) :].view_as(near)
    answers = [rated(p) for p in picked.probabilities]
    moved = shifts(picked, Q, [labels for labels, _ in answers])
    found = []
    for row, ((labels, shares), shift) in enumerate(zip(answers, moved, strict=True)):
        gains = for_mean.gains(picked.features[row], shift).mean(dim=1)
        told = shares @ aimed[for_near[row]].gains(picked.features[row], shift)
        best = told.topk(min(INFORMED, len(told)))
        found.append(Worth(labels, shares, gains, near[row, best.indices], best.values))
    return found, rows


def gains_of(
    picked: Beliefs, aim: Beliefs, Q: Float[Tensor, "C C"], labels: Int64[Tensor, " B"]
) -> Float[Tensor, " B"]:
    """gain(x, y) of one answer for each picked image, as the mean over all of `aim`."""
    aimed = Aimed.of(aim, Q)
    moved = shifts(picked, Q, list(labels[:, None]))
    found = [aimed.gains(feature, shift).mean() for feature, shift in zip(picked.features, moved, strict=True)]
    return torch.stack(found) if found else picked.mean.new_empty(0)


def shifts(picked: Beliefs, Q: Float[Tensor, "C C"], labels: list[Int64[Tensor, " _"]]) -> Iterator[Tensor]:
    """Q g_y [Y C] of these answers for each image in turn."""
    draws = (one for block in stream_draws(picked.probabilities, picked.variance, Q) for one in block)
    for s, asked in zip(draws, labels, strict=True):
        joint = s[:, asked].T @ s / len(s)  # E[s_y s], [Y C]
        told = -joint / s[:, asked].mean(dim=0).clamp_min(_LEAST)[:, None]
        told[torch.arange(len(asked)), asked] += 1
        yield told @ Q


def rated(p: Float[Tensor, " C"]) -> tuple[Int64[Tensor, " Y"], Float[Tensor, " Y"]]:
    """Answers to rate, and what each counts: each class by its probability.

    Of many classes, the midpoints of `ANSWERS` slices of the prediction, the most probable class first: a rule of
    equal weights, in which no class counts for more than one slice more or less than its probability.
    """
    if len(p) <= ANSWERS:
        return torch.arange(len(p)), p
    ordered, order = p.double().sort(descending=True, stable=True)
    middles = (torch.arange(ANSWERS, dtype=torch.float64) + 0.5) / ANSWERS
    at = torch.searchsorted(ordered.cumsum(0) / ordered.sum(), middles).clamp_max(len(p) - 1)
    places, counts = torch.unique(at, return_counts=True)
    return order[places], (counts / ANSWERS).to(p.dtype)


def thinned(aim: Beliefs) -> Int64[Tensor, " T"]:
    """Rows of the images aimed at that stand for all: at most 500, fewer where there are many classes.

    Evenly spaced in the order of predicted class, as in `aims.representatives`.
    """
    n_classes = aim.probabilities.shape[1]
    most = min(_MAX_TARGETS, max(_LEAST_TARGETS, _ENTRIES // (min(n_classes, ANSWERS) * n_classes)))
    return evenly(aim.probabilities.argmax(dim=1), most)


def _nearest(
    picked: Beliefs, aim: Beliefs, Q: Float[Tensor, "C C"], own: Int64[Tensor, " B"] | None
) -> Int64[Tensor, "B M"]:
    """Of the images aimed at, those of largest second-order EPIG with each picked image, but for itself."""
    n_wanted = min(_TRIED, max(INFORMED, _TRIED_ENTRIES // len(Q)), len(aim) - (own is not None))
    k = picked.features @ aim.features.T
    shared = pair_information(k, class_term(picked.probabilities, aim.probabilities, Q))
    if own is not None:
        shared[own[:, None] == torch.arange(len(aim))] = -1
    return shared.topk(n_wanted, dim=1).indices


def _spread(p: Float[Tensor, "*N C"], Q: Float[Tensor, "C C"]) -> Float[Tensor, "*N"]:
    """tr(F Q) = sum_c p_c Q_cc - p^T Q p."""
    return p @ Q.diagonal() - ((p @ Q) * p).sum(dim=-1)
