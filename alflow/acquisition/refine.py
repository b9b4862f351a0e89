"""Refine: many strategies take turns to sieve the pool, then coverage chooses from what they kept.

References:
    Huseljic et al., Cleaning the Pool: Progressive Filtering of Unlabeled Pools in Deep Active Learning, arXiv
    2511.22344.

Axes: N pool rows, B picks.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition, Query
from alflow.acquisition.combine import Choose

LEVELS = 5
"""Times that the pool is sieved."""

SHARE = 0.4
"""Of the pool that is left, what a strategy sees at once, drawn at random."""

BATCHES = 3
"""Of each strategy and level."""


def refine(
    query: Query, budget: int, generator: torch.Generator, ensemble: Sequence[Choose], select: Choose
) -> Acquisition:
    """Five times: every strategy picks batches of B from random parts of the pool, and their union is the new pool.

    Then `select` chooses from what is left. Levels, share and the last step are the paper's; it draws about 100 batches
    a level from nine strategies, and here it is `BATCHES` of each, since 500 batches would take minutes: the pool
    shrinks faster. The score of a row before any pick is the share of the levels that it got through; the score of a
    pick is that of `select`.

    Args:
        query: as of any strategy.
        budget: B; a smaller pool is taken whole.
        generator: every random draw.
        ensemble: the strategies that sieve.
        select: the strategy that has the last word.
    """
    left = torch.arange(len(query.pool))
    passed = query.pool.activations.new_zeros(len(query.pool))
    for _ in range(LEVELS):
        left = _sieved(query, left, budget, generator, ensemble)
        passed[left] += 1 / LEVELS
    found = select(replace(query, pool=query.pool[left]), budget, generator)
    return Acquisition(left[found.rows], found.scores, passed)


def _sieved(
    query: Query, left: Int64[Tensor, " n"], budget: int, generator: torch.Generator, ensemble: Sequence[Choose]
) -> Int64[Tensor, " m"]:
    """The union of the batches, in order of the rows."""
    if len(left) <= budget:
        return left
    size = max(budget, int(SHARE * len(left)))
    kept = []
    for choose in ensemble:
        for _ in range(BATCHES):
            part = left[torch.randperm(len(left), generator=generator)[:size].sort().values]
            kept.append(part[choose(replace(query, pool=query.pool[part]), budget, generator).rows])
    rows: Tensor = torch.unique(torch.cat(kept))
    return rows
