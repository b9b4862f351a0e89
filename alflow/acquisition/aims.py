"""What a batch is aimed at: images whose uncertainty is to fall, and what each of them counts.

Axes: N pool items, L labelled items, T images aimed at, P width of the activations.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Pool, Question
from alflow.acquisition.likeness import UNRELATED, directions, likeness

MAX_TARGETS = 1_000
MAX_STAND_INS = 3_000
"""Images of the pool that are aimed at, at most."""

TARGETS_OWN_SHARE = 0.2
"""Of the weight of the targets, what stays on themselves; the rest goes to the pool images that are like them."""

_SHARPNESS = 8  # a target's weight goes to pool images by this power of the likeness: to near ones only


class Aims(NamedTuple):
    """Images whose uncertainty is to fall, what each counts (the shares add up to 1), and how undecided it is."""

    directions: Float[Tensor, "T P"]
    shares: Float[Tensor, " T"]
    variances: Float[Tensor, " T"]

    @property
    def weights(self) -> Float[Tensor, " T"]:
        """What a strategy counts each by."""
        return self.shares * self.variances


def aims_of(query: Question, centre: Float[Tensor, " P"]) -> Aims:
    """The targets, and pool images in proportion to how many targets they are like.

    A few hundred targets are a rough picture of where targets lie; the pool, where it is like them, refines it. Every
    target hands most of its share to the pool images nearest to it, and none to what is no more like it than an
    unrelated image is, so that a pool of another kind gets none. What is labelled is handed its part as well: targets
    near to it need no other image to stand for them.

    Args:
        query: targets beyond `MAX_TARGETS`, and pool images beyond `MAX_STAND_INS`, are thinned by predicted class;
            without targets the pool stands in for them.
        centre: of the directions (`centre_of`).
    """
    pool = representatives(query.pool, MAX_STAND_INS, query.labelled)
    target = representatives(query.target, MAX_TARGETS)
    of_pool, of_target = (directions(part.activations, centre) for part in (pool, target))
    if len(target) == 0:
        return Aims(of_pool, of_pool.new_full((len(pool),), 1 / len(pool)), label_variance(pool))
    alike = likeness(of_pool, of_target)  # [N T]
    pull = alike.where(alike > UNRELATED, 0) ** _SHARPNESS
    received = pull.sum(dim=0)
    given = (1 - TARGETS_OWN_SHARE) * (received > 0).to(pull)  # nothing by a target that no image of the pool is like
    got = pull @ (given / received.clamp_min(torch.finfo(pull.dtype).tiny))
    shares = torch.cat([1 - given, got]) / len(target)
    variances = torch.cat([label_variance(target), label_variance(pool)])
    return Aims(torch.cat([of_target, of_pool]), shares, variances)


def centre_of(pool: Pool, labelled: Beliefs) -> Float[Tensor, " P"]:
    """Mean activation of all that was ever in the pool."""
    total = labelled.activations.double().sum(dim=0)
    for _, points in pool.points():
        total += points.sum(dim=0, dtype=torch.float64)
    return (total / (len(pool) + len(labelled))).to(labelled.activations.dtype)


def label_variance(beliefs: Pool) -> Float[Tensor, " N"]:
    """tr(F) = 1 - sum_c p_c^2: the probability that two answers drawn from the prediction differ."""
    return 1 - beliefs.probabilities.square().sum(dim=1)


def representatives(pool: Pool, limit: int, labelled: Beliefs | None = None) -> Beliefs:
    """At most `limit` rows, evenly spaced in the order of predicted class: each class keeps its share of the rows.

    Args:
        pool: the rows.
        limit: how many.
        labelled: further rows, which stand behind those of the pool.
    """
    more = pool[torch.arange(0)] if labelled is None else labelled
    taken = evenly(torch.cat([part.probabilities.argmax(dim=1) for part in (pool, more)]), limit)
    own = taken < len(pool)
    rows = Beliefs.concatenate([pool[taken[own]], more[taken[~own] - len(pool)]])
    return rows[torch.cat([own.nonzero()[:, 0], (~own).nonzero()[:, 0]]).argsort()]


def evenly(predicted: Int64[Tensor, " N"], limit: int) -> Int64[Tensor, " M"]:
    """At most `limit` rows, evenly spaced in the order of these predicted classes; all, in their order, if so few."""
    if len(predicted) <= limit:
        return torch.arange(len(predicted))
    return predicted.argsort(stable=True)[torch.arange(limit) * len(predicted) // limit]
