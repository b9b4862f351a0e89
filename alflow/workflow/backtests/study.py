"""Back-tests as people run them: many trials, kept in the database point by point, gone on with after a stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from alflow.bounds import LARGEST_SEED, unfit, within
from alflow.domain.projects import Project
from alflow.domain.trials import Backtest, Trial, TrialMode, TrialPoint
from alflow.errors import InvalidInputError
from alflow.ids import BacktestId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.backtests import backtests
from alflow.workflow.backtests.trials import Plan, Source, run_trials
from alflow.workflow.projects.settings import listed
from alflow.workspace import Workspace

SetUp: TypeAlias = tuple[int, int, int | None, TrialMode, float]


@dataclass(frozen=True)
class Grid:
    """Every strategy on every seed; the other fields are those of `Trial`, and how many rounds each goes.

    Settings that were chosen on some seeds are judged on others: `first_seed` says where the seeds begin.
    """

    strategies: tuple[str, ...] = ("default", "random")
    seeds: int = field(default=5, metadata=within(1, 1_000))
    rounds: int = field(default=5, metadata=within(1, 1_000))
    batch: int = field(default=Trial.batch, metadata=within(1, 10_000))
    pool: int = field(default=Trial.pool, metadata=within(1, 1_000_000))
    domain: int | None = field(default=None, metadata=within(0, 1_000_000))
    mode: TrialMode = TrialMode.BATCH
    control_fraction: float = field(default=0.0, metadata=within(0, 1))
    first_seed: int = field(default=0, metadata=within(0, LARGEST_SEED - 1_000))

    @property
    def set_up(self) -> SetUp:
        """What trials share that are shown together."""
        return _set_up(self)

    @property
    def trials(self) -> list[Trial]:
        """By seed, so that all strategies get on together."""
        return [
            Trial(name, seed, self.batch, self.pool, self.domain, self.mode, self.control_fraction)
            for seed in range(self.first_seed, self.first_seed + self.seeds)
            for name in dict.fromkeys(self.strategies)
        ]


@dataclass(frozen=True)
class Study:
    """A back-test and the points of the trials that were asked for."""

    backtest: Backtest
    points: Mapping[Trial, Sequence[TrialPoint]]


def run_study(
    workspace: Workspace,
    source: Source,
    grid: Grid,
    *,
    processes: int = 1,
    fresh: bool = False,
    progress: Progress = silent,
) -> Study:
    """Make the trials of a grid; points that are known already are not made again.

    Args:
        workspace: whose database keeps the points.
        source: of images, labels and model.
        grid: what to try.
        processes: trials side by side.
        fresh: forget these trials first.
        progress: trials through, and all of them.

    Raises:
        InvalidInputError: a strategy is unknown or needs a posterior where there is none, a number cannot be used, or
            there is too little to try on.
    """
    about = source.about()
    check_grid(grid, with_posterior=about.with_posterior)
    with workspace.database.begin() as tx:
        backtest = backtests.get_or_create(
            tx,
            project_id=about.project_id,
            name=about.name,
            world=about.world,
            n_items=about.n_items,
            n_chosen=about.n_chosen,
        )
        if fresh:
            backtests.forget(tx, backtest.id, grid.trials)
        known = backtests.results(tx, backtest.id)
    done = {trial: known.get(trial, []) for trial in grid.trials}
    counts = {trial: len(points) for trial, points in done.items()}

    def keep(trial: Trial, point: TrialPoint) -> None:
        with workspace.database.begin() as tx:
            backtests.add_point(tx, backtest.id, trial, counts[trial], point)
        counts[trial] += 1

    run_trials(Plan(source, grid.trials, grid.rounds, done), keep, processes, progress)
    return load_study(workspace, backtest.id, grid)


def load_study(workspace: Workspace, backtest_id: BacktestId, grid: Grid) -> Study:
    """What is known of the trials of a grid, as far as its rounds go; trials without a point are left out.

    Raises:
        NotFoundError: there is no such back-test.
    """
    with workspace.database.read() as tx:
        backtest, known = backtests.by_id(tx, backtest_id), backtests.results(tx, backtest_id)
    points = {trial: known[trial][: grid.rounds + 1] for trial in grid.trials if known.get(trial)}
    return Study(backtest, points)


def list_backtests(workspace: Workspace, project_id: ProjectId | None) -> list[Backtest]:
    """The back-tests of a project, or those of feature packs (None), newest first."""
    with workspace.database.read() as tx:
        return backtests.list_(tx, project_id)


def known_grids(workspace: Workspace, backtest_id: BacktestId) -> list[Grid]:
    """The set-ups that were tried, each with all its strategies and as many seeds and rounds as there are."""
    with workspace.database.read() as tx:
        known = backtests.results(tx, backtest_id)
    set_ups = dict.fromkeys(map(_set_up, known))
    grids = []
    for set_up in set_ups:
        mine = {trial: points for trial, points in known.items() if _set_up(trial) == set_up}
        strategies = tuple(dict.fromkeys(trial.strategy for trial in mine))
        seeds = [trial.seed for trial in mine]
        rounds = max(1, *(len(points) - 1 for points in mine.values()), 1)
        grids.append(Grid(strategies, max(seeds) - min(seeds) + 1, rounds, *set_up, first_seed=min(seeds)))
    return grids


def _set_up(of: Trial | Grid) -> SetUp:
    return of.batch, of.pool, of.domain, of.mode, of.control_fraction


def check_grid(grid: Grid, *, with_posterior: bool = True) -> None:
    """Refuse what cannot be tried, before any work.

    Raises:
        InvalidInputError: a strategy is unknown or needs a posterior where there is none, or a number cannot be used.
    """
    from alflow.workflow.backtests.backtest import check_trial  # noqa: PLC0415 - so that pages start without torch

    if not grid.strategies:
        raise InvalidInputError("a back-test needs a strategy: see `alflow strategies`")
    if bad := unfit(grid):
        raise InvalidInputError(f"these options of a back-test cannot be used: {listed(grid, bad)}")
    for trial in grid.trials[: len(set(grid.strategies))]:
        check_trial(trial, grid.rounds, with_posterior=with_posterior)


def warning(backtest: Backtest) -> str | None:
    """What to bear in mind about the labels; None where nothing is wrong with them."""
    if not backtest.n_chosen:
        return None
    return (
        f"{backtest.n_chosen} of {backtest.n_items} labels exist because a strategy asked for them: these images are "
        "no fair sample of the pool, and a back-test on them favours strategies that resemble the one that chose."
    )


def options_of(grid: Grid, project: Project | None) -> list[str]:
    """The options of `alflow backtest` that ask for this grid: they have the names of its fields."""
    options = [part for name in grid.strategies for part in ("--strategy", name)]
    for name in (one.name for one in fields(grid) if one.name != "strategies"):
        if (value := getattr(grid, name)) is not None:
            options += [f"--{name.replace('_', '-')}", str(value)]
    return options + ([] if project is None else ["--project", project.name])
