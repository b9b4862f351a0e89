"""BoSS: of many batches that strategies propose, the one whose labels help most. An oracle: it reads the true labels.

It tells a back-test how much room there is above the strategies that people can use.

Axes: N images, L labelled images, T targets, M test images, B picks.

References:
    Huseljic et al., BoSS: A Best-of-Strategies Selector as an Oracle for Deep Active Learning, arXiv 2603.13109.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow import metrics
from alflow.acquisition.acquire import acquire
from alflow.acquisition.batch import draw_control
from alflow.domain.trials import Trial
from alflow.embeddings import Activations
from alflow.workflow.backtests.learners import Learner

ENSEMBLE: Final = (
    "random", "margin", "badge", "bait", "typiclust", "drop-query", "max-herding", "uherding", "default", "refine",
)  # fmt: skip
BATCHES: Final = 2
"""Of each strategy and round. The paper tries 100 in all; here each costs a fit, and 20 do."""

SHARE: Final = 0.5
"""Of the pool, what a strategy sees at once, drawn at random, so that its two batches differ."""


@dataclass(frozen=True)
class Known:
    """All images, their true labels, and the rows of each side."""

    images: Activations
    labels: Int64[Tensor, " N"]
    pool: Int64[Tensor, " P"]
    target: Int64[Tensor, " T"]
    test: Int64[Tensor, " M"]


@dataclass(frozen=True)
class BestBatch:
    """Rows that were picked, and by how much test accuracy rose."""

    rows: Int64[Tensor, " B"]
    gain: float


def best_of_strategies(
    learner: Learner, known: Known, support: Int64[Tensor, " L"], trial: Trial, generator: torch.Generator
) -> BestBatch:
    """The candidate batch with the highest test accuracy after a fit to its true labels; of equals, the lowest NLPD.

    It is judged by the very images that the back-test is judged by: a ceiling, not an estimate. It looks one round
    ahead, so that a strategy that plans farther may pass it. The control slice is drawn first, as ever.

    Args:
        learner: as it is after the labels so far.
        known: images, labels and sides.
        support: rows that are labelled.
        trial: batch and control fraction.
        generator: every random draw; each fit begins from the same seed, so that batches are compared alike.
    """
    control, free = _control(known.pool, trial, generator)
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    before = _judged(learner, known)
    found = BestBatch(control, 0.0)
    best: tuple[float, float] | None = None
    for rows in _candidates(learner, known, torch.cat([support, control]), free, trial.batch - len(control), generator):
        batch = torch.cat([rows, control])
        labelled = torch.cat([support, batch])
        fitted = learner.fitted(known.images[labelled], known.labels[labelled], torch.Generator().manual_seed(seed))
        after = _judged(fitted, known)
        if best is None or after > best:
            best, found = after, BestBatch(batch, after[0] - before[0])
    return found


def _control(
    pool: Int64[Tensor, " P"], trial: Trial, generator: torch.Generator
) -> tuple[Int64[Tensor, " R"], Int64[Tensor, " F"]]:
    control = pool[draw_control(len(pool), min(trial.batch, len(pool)), trial.control_fraction, generator)]
    return control, pool[~torch.isin(pool, control)]


def _candidates(
    learner: Learner,
    known: Known,
    labelled: Int64[Tensor, " L"],
    free: Int64[Tensor, " F"],
    budget: int,
    generator: torch.Generator,
) -> list[Int64[Tensor, " B"]]:
    """Two batches of each strategy; none where nothing is left to choose."""
    if budget < 1 or not len(free):
        return []
    size = min(len(free), max(budget, round(SHARE * len(free))))
    batches = []
    for name in ENSEMBLE:
        for _ in range(BATCHES):
            part = free[torch.randperm(len(free), generator=generator)[:size]]
            query = learner.ask(known.images[part], known.images[known.target], known.images[labelled])
            batches.append(part[acquire(query, name, budget, 0.0, generator)[0].rows])
    return batches


def _judged(learner: Learner, known: Known) -> tuple[float, float]:
    """Accuracy and log-probability of the test labels: larger is better."""
    probabilities: Float[Tensor, "M C"] = learner.judge(known.images[known.test]).probabilities.double()
    labels = known.labels[known.test]
    return float(metrics.accuracy(probabilities, labels)), -float(metrics.nlpd(probabilities, labels))
