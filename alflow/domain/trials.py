"""Back-tests: strategies tried on labelled images."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alflow.bounds import LARGEST_SEED, at_most, within
from alflow.domain.projects import LONGEST_STRATEGY
from alflow.ids import (
    BacktestId,
    ProjectId,
)


class TrialMode(StrEnum):
    """A back-test's answers come once a whole BATCH is chosen, as in a round, or after every pick (SEQUENTIAL)."""

    BATCH = "batch"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True)
class Trial:
    """One strategy on one seed of a back-test.

    Attributes:
        strategy: name in `alflow.acquisition.strategies.STRATEGIES`, or a weighted combination of names.
        seed: of the split and of every draw; trials of one seed share the split, so that they can be paired.
        batch: labels a round.
        pool: items of the pool at most.
        domain: target and test items are of this domain only; None for all.
        mode: when the labels of a batch are known.
        control_fraction: share of a batch that is drawn at random.
    """

    strategy: str = field(metadata=at_most(LONGEST_STRATEGY))
    seed: int = field(metadata=within(0, LARGEST_SEED))
    batch: int = field(default=20, metadata=within(1, 10_000))
    pool: int = field(default=3_000, metadata=within(1, 1_000_000))
    domain: int | None = field(default=None, metadata=within(0, 1_000_000))
    mode: TrialMode = TrialMode.BATCH
    control_fraction: float = field(default=0.0, metadata=within(0, 1))


@dataclass(frozen=True)
class TrialPoint:
    """The model of a trial after so many labels, on its test items.

    Attributes:
        labels: how many there are.
        accuracy, nlpd, ece: of the predictions.
        seconds: what choosing the last batch took.
        information: sum of the strategy's scores over the last batch, each as it was when picked.
        picked: the last batch, as rows of what was tried.
        total, aleatoric, epistemic: means over the test items of the entropy of the prediction and its two parts, in
            nats; None in points of an earlier alflow, the parts also where there is no posterior.
    """

    labels: int
    accuracy: float
    nlpd: float
    ece: float
    seconds: float
    information: float
    picked: tuple[int, ...]
    total: float | None = None
    aleatoric: float | None = None
    epistemic: float | None = None


@dataclass(frozen=True)
class Backtest:
    """Labelled images on which trials were made.

    Attributes:
        id: of the row.
        project_id: whose images; None for a feature pack.
        name: of the project or of the pack's file.
        world: hash of images, labels, model and version of alflow: what was tried on other ones is another back-test.
        n_items: images.
        n_chosen: how many of their labels exist because a strategy asked for them.
        created_at: when the first trial began.
    """

    id: BacktestId
    project_id: ProjectId | None
    name: str
    world: str
    n_items: int
    n_chosen: int
    created_at: datetime
