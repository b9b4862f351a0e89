"""A batch without near-copies: greedy picks that together cover what is uncertain about the targets.

Each target image x* counts as explained by the label most like it. With S labelled or picked, the uncertainty that
remains about all targets is

    U(S) = sum_x* w(x*) tr(F*) (1 - max_{x in S} l(x, x*)),   tr(F*) = 1 - sum_c p*_c^2

where tr(F*) is the probability that two answers drawn from the prediction differ, l is the likeness of
`alflow.acquisition.likeness` and w the share of `alflow.acquisition.aims`. No answer enters it, so a whole batch can be
planned before anyone answers. The score of a pick is how much it reduces U, if its answer can surprise:

    score(x) = tr(F_x) sum_x* w(x*) tr(F*) max(0, l(x, x*) - max_{s in S} l(s, x*))

So one rule serves both ends. Where the model knows little, tr(F) is much the same for every image and coverage decides:
U(no label) - U(S) is monotone and submodular (facility location), and the greedy batch achieves at least 1 - 1/e = 63%
of the reduction of the best batch (Nemhauser, Wolsey and Fisher, Mathematical Programming 14, 1978; for active
learning: Wei, Iyer and Bilmes, ICML 2015). Where it knows most images, only those count that it does not know, and
those like them. The Gaussian process with the same kernel adds up the information of all labels
(`alflow.acquisition.conditioned`); it costs more and picks no better on our back-tests (`alflow guide results`).

Axes: N pool items, T images aimed at, L labelled items, P width of the activations, B picks.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.aims import aims_of, centre_of, label_variance
from alflow.acquisition.beliefs import Acquisition, Question
from alflow.acquisition.coverage import cover, most_alike
from alflow.acquisition.likeness import directions, likeness


def draw_control(n_rows: int, budget: int, fraction: float, generator: torch.Generator) -> Int64[Tensor, " R"]:
    """The random slice of a batch: `fraction` of the budget, rounded up, but one place is left to the strategy.

    It is drawn before the strategy sees the pool and never replaced, so that its labels are an unbiased sample.
    """
    size = math.ceil(round(fraction * budget, 9))
    if fraction < 1:
        size = min(size, budget - 1)
    return torch.randperm(n_rows, generator=generator)[:size]


def covering_batch(query: Question, budget: int) -> Acquisition:
    """Greedy batch by the drop of U times tr(F_x), conditioned on labels and on every pick; the first of equals wins.

    The pool is read in blocks. Memory: 2 `held.HELD` T numbers, T at most `MAX_TARGETS` + `MAX_STAND_INS`.

    Args:
        query: what is aimed at is `alflow.acquisition.aims`.
        budget: B; a smaller pool is taken whole.
    """
    centre = centre_of(query.pool, query.labelled)
    aims, labelled = aims_of(query, centre), directions(query.labelled.activations, centre)
    covered = most_alike(labelled, lambda rows: likeness(rows, aims.directions), torch.zeros_like(aims.shares))

    def kernel(points: Float[Tensor, "n P"]) -> Float[Tensor, "n T"]:
        return likeness(directions(points, centre), aims.directions)

    return cover(query.pool.points, kernel, covered, aims.weights, budget, label_variance(query.pool))
