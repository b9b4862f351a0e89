"""Choosing what to ask: closed-form EPIG and the default's batch against EPIG written out with joint draws.

Random beliefs of the right shapes (P = 768, D = 512, as of CLIP ViT-B/32): the time does not depend on the values. The
written-out form is the definition in `alflow.acquisition.epig.pairs_from_draws`, with K = 128 draws that are given to
it; it does a small share of the rows (and of the picks), and its time is divided by that share.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow.acquisition.batch import covering_batch
from alflow.acquisition.beliefs import Beliefs, Query
from alflow.acquisition.draws import FieldDraws
from alflow.acquisition.epig import epig, epig_from_draws, pairs_from_draws
from alflow.acquisition.epig_draws import largest, u_statistic, upper_bound
from tests.bench.harness import Row, at_least, at_most, case, compare, extra_megabytes, seconds, share_of_peak, sized

P, D, C, K = 768, 512, 65, 128
WRITTEN_OUT_ROWS = 4
GENERATOR = torch.Generator().manual_seed(0)


@case
def closed_form() -> Iterator[Row]:
    """One pass, at a size that both forms can run, its growth, and at the size of the issue."""
    asked = query(2_000, 1_000)
    pool, target = draws(WRITTEN_OUT_ROWS), draws(1_000)
    yield compare(
        "closed-form EPIG, 2,000 x 1,000, C=65",
        lambda: epig(asked),
        lambda: pairs_from_draws(pool, target),
        floor=30,
        flops=pass_flops(2_000, 1_000),
        share=WRITTEN_OUT_ROWS / 2_000,
    )
    sizes = (1_000, 2_000, 4_000, 8_000)
    taken = [_seconds(epig, query(n, 1_000)) for n in sizes]
    yield at_most("closed-form EPIG: exponent of its growth with the pool", exponent(sizes, taken), 1.2)
    yield from large_pass(40_000, 20_000)


def large_pass(n: int, t: int) -> Iterator[Row]:
    """Time and memory of one run."""
    asked, taken = query(n, t), []
    megabytes = extra_megabytes(lambda: taken.append(seconds(lambda: epig(asked))))
    name = f"closed-form EPIG, {n:,} x {t:,}, C=65"
    yield Row(name, 1.0, None, share_of_peak(pass_flops(n, t), taken[0]), taken[0])
    yield at_most(f"{name}: extra megabytes", megabytes, 12_000)


@case
def batch() -> Iterator[Row]:
    """Fifty picks, each conditioned on those before it; the written-out form rates the pool anew for every pick."""
    asked = query(4_000, 1_000)
    pool, target = draws(WRITTEN_OUT_ROWS), draws(1_000)
    yield compare(
        "default's batch of 50 from 4,000, 1,000 targets, C=65",
        lambda: covering_batch(asked, 50),
        lambda: pairs_from_draws(pool, target),
        floor=30,
        share=WRITTEN_OUT_ROWS / 4_000 / 50,
    )
    sizes = (4_000, 8_000, 16_000)  # below, what is aimed at still grows with the pool (`aims.MAX_STAND_INS`)
    taken = [_seconds(partial(covering_batch, budget=20), query(n, 1_000)) for n in sizes]
    yield at_most("default's batch of 20: exponent of its growth with the pool", exponent(sizes, taken), 1.2)
    large = query(40_000, 1_000)
    once = seconds(lambda: covering_batch(large, 50))
    yield Row("default's batch of 50 from 40,000, 1,000 targets, C=65", 1.0, None, None, once)
    yield at_most("the same: seconds, of 300", once, 300)


@case
def monte_carlo() -> Iterator[Row]:
    """The U-statistic, and how many rows the upper bound leaves to evaluate."""
    pool, target = draws(500), draws(500)
    yield compare(
        "U-statistic EPIG, 500 x 500, C=65, K=128, draws given",
        lambda: u_statistic([pool], [target]),
        lambda: pairs_from_draws(pool[:WRITTEN_OUT_ROWS], target),
        floor=30,
        share=WRITTEN_OUT_ROWS / 500,
    )
    asked = query(2_000, 50)
    field = FieldDraws.of(asked, 32, GENERATOR)
    aimed, evaluated = field.probabilities(asked.target), []

    def evaluate(rows: Tensor) -> Tensor:
        evaluated.append(len(rows))
        return epig_from_draws(field.probabilities(asked.pool[rows]), aimed)

    largest(upper_bound(field.blocks(asked.pool), [aimed]), evaluate, 20)
    yield at_least("K-draw EPIG, top 20 of 2,000: pool over rows evaluated", 2_000 / sum(evaluated), 1)


def _seconds(work: Callable[[Query], object], asked: Query) -> float:
    """The better of two runs."""
    return min(seconds(partial(work, asked)) for _ in range(2))


def query(n: int, t: int) -> Query:
    """Random beliefs about n pool items and t targets."""
    root = normal(C, D) / D**0.5
    return Query(
        pool=beliefs(n),
        target=beliefs(t),
        labelled=beliefs(0),
        Q=40 * root @ root.T,
    )


def beliefs(n: int) -> Beliefs:
    """Confident in varying degrees; kernel features whose spectrum falls, as that of real activations does."""
    n = sized(n)
    mean = 3 * normal(n, C) * torch.rand(n, 1, generator=GENERATOR)
    features = normal(n, P) * torch.linspace(0, -4, P).exp() / 100
    return Beliefs(
        probabilities=mean.softmax(dim=1),
        mean=mean,
        activations=features,
        features=features,
        embeddings=normalize(normal(n, D), dim=1),
        novelty=torch.ones(n),
    )


def draws(n: int) -> Tensor:
    """Probabilities [n K C] that vary with the draw."""
    return (2 * normal(sized(n), K, C)).softmax(dim=2)


def normal(*shape: int) -> Tensor:
    """Standard normal numbers in float32."""
    return torch.randn(shape, generator=GENERATOR)


def pass_flops(n: int, t: int) -> float:
    """Of one pass: a kernel, and a class term of three products."""
    return 2.0 * n * t * (P + 3 * C)


def exponent(sizes: tuple[int, ...], taken: list[float]) -> float:
    """Of the power of the size that the time grows with, from first to last."""
    return math.log(taken[-1] / taken[0]) / math.log(sizes[-1] / sizes[0])
