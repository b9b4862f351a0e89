"""Back-tests that are kept: nothing is made twice, processes do not show, a project's labels are a world too."""

import os
import pickle
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.pool import Pool
from typer import Typer
from typer.main import get_command

from alflow.commands import backtest as backtest_command
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.trials import Trial, TrialMode, TrialPoint
from alflow.errors import InvalidInputError, UnavailableError
from alflow.store import tables
from alflow.workflow.backtests import backtest as core
from alflow.workflow.backtests.backtest import World
from alflow.workflow.backtests.labelled import LabelledItems
from alflow.workflow.backtests.packs import Pack
from alflow.workflow.backtests.study import (
    Grid,
    Study,
    check_grid,
    known_grids,
    list_backtests,
    load_study,
    options_of,
    run_study,
    warning,
)
from alflow.workflow.backtests.trials import About
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.colours import answer
from tests.packs import small_pack

GRID = Grid(("random", "margin"), seeds=2, rounds=1, batch=3)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return small_pack(tmp_path_factory.mktemp("pack"), images=60)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Every point that is computed, by its trial."""
    seen: list[Trial] = []
    original = core.backtest

    def counted(world: core.World, trial: Trial, *rest: object) -> Iterator[TrialPoint]:
        for point in original(world, trial, *rest):  # type: ignore[arg-type]
            seen.append(trial)
            yield point

    monkeypatch.setattr(core, "backtest", counted)
    return seen


def timeless(study: Study) -> dict[Trial, list[TrialPoint]]:
    return {trial: [replace(point, seconds=0.0) for point in points] for trial, points in study.points.items()}


@pytest.mark.slow
def test_what_is_known_is_not_made_again(workspace: Workspace, pack: Pack, made: list[Trial]) -> None:
    first = run_study(workspace, pack, GRID)
    assert [len(points) for points in first.points.values()] == [2] * 4
    assert len(made) == 8
    assert run_study(workspace, pack, GRID).points == first.points
    assert len(made) == 8
    longer = run_study(workspace, pack, replace(GRID, rounds=2))
    assert len(made) == 12
    assert timeless(load_study(workspace, first.backtest.id, GRID)) == timeless(first)
    assert [len(points) for points in longer.points.values()] == [3] * 4
    run_study(workspace, pack, GRID, fresh=True)
    assert len(made) == 20


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_where_it_was(
    workspace: Workspace, pack: Pack, made: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    original = core.backtest

    def dying(world: core.World, trial: Trial, *rest: object) -> Iterator[TrialPoint]:
        for point in original(world, trial, *rest):  # type: ignore[arg-type]
            yield point
            if len(made) == 3:
                raise Killed

    monkeypatch.setattr(core, "backtest", dying)
    with pytest.raises(Killed):
        run_study(workspace, pack, GRID)
    monkeypatch.setattr(core, "backtest", original)
    whole = run_study(workspace, pack, GRID)
    assert len(made) == 8
    assert len({(trial, point.labels) for trial, points in whole.points.items() for point in points}) == 8


@pytest.mark.slow
def test_processes_do_not_show(workspace: Workspace, pack: Pack) -> None:
    here = run_study(workspace, pack, GRID)
    there = run_study(workspace, pack, GRID, processes=2, fresh=True)
    assert timeless(here) == timeless(there)


@pytest.mark.slow
def test_an_error_in_a_process_is_told(workspace: Workspace, pack: Pack) -> None:
    with pytest.raises(InvalidInputError, match="0 targets"):
        run_study(workspace, pack, replace(GRID, domain=9), processes=2)


@dataclass(frozen=True)
class Killed:
    """A source whose processes end as those do that use up the memory."""

    pack: Pack

    def about(self) -> About:
        return self.pack.about()

    def world(self) -> World:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@pytest.mark.slow
def test_a_killed_process_is_told(workspace: Workspace, pack: Pack) -> None:
    with pytest.raises(UnavailableError, match=r"ended from outside.*run it again"):
        run_study(workspace, Killed(pack), GRID, processes=2)


def test_other_files_are_another_back_test(workspace: Workspace, pack: Pack, tmp_path: Path) -> None:
    first = run_study(workspace, pack, replace(GRID, strategies=("random",), seeds=1))
    other = run_study(workspace, small_pack(tmp_path, images=80), replace(GRID, strategies=("random",), seeds=1))
    assert first.backtest.id != other.backtest.id
    assert [one.n_items for one in list_backtests(workspace, None)] == [80, 60]
    assert warning(first.backtest) is None


@pytest.mark.slow
def test_seeds_begin_where_they_are_told_to(workspace: Workspace, pack: Pack) -> None:
    grid = replace(GRID, strategies=("random",), seeds=2, first_seed=3)
    study = run_study(workspace, pack, grid)
    assert [trial.seed for trial in study.points] == [3, 4]
    assert known_grids(workspace, study.backtest.id) == [grid]
    third = Trial("random", seed=3, batch=3)
    from_zero = run_study(workspace, pack, replace(grid, seeds=4, first_seed=0))
    assert from_zero.points[third] == study.points[third]


def test_set_ups_are_told_apart(workspace: Workspace, pack: Pack) -> None:
    run_study(workspace, pack, replace(GRID, strategies=("random",), seeds=1))
    study = run_study(workspace, pack, replace(GRID, strategies=("random",), seeds=1, batch=2, domain=1))
    found = known_grids(workspace, study.backtest.id)
    assert [(grid.batch, grid.domain, grid.rounds, grid.seeds) for grid in found] == [(3, None, 1, 1), (2, 1, 1, 1)]
    assert known_grids(workspace, study.backtest.id)[0].mode is TrialMode.BATCH


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (replace(GRID, strategies=()), "needs a strategy"),
        (replace(GRID, strategies=("random", "best")), "there is no strategy 'best'"),
        (replace(GRID, seeds=0), "seeds = 0 "),
        (replace(GRID, seeds=10**9), "seeds: a whole number, 1 to 1,000"),
        (replace(GRID, first_seed=-1), "first_seed = -1 "),
        (replace(GRID, first_seed=10**25), "first_seed"),
        (replace(GRID, rounds=0, pool=-1), "rounds = 0, pool = -1 "),
        (replace(GRID, control_fraction=float("nan")), "control_fraction = nan"),
        (replace(GRID, strategies=("1" * 400 + "*random",)), "cannot be read"),
        (replace(GRID, strategies=("+".join(["random"] * 100),)), "up to 500 characters"),
        (replace(GRID, batch=0), "batch = 0"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_any_work(grid: Grid, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        check_grid(grid)


@pytest.mark.slow
def test_a_project_is_tried_on_its_labelled_images(workspace: Workspace, project: Project) -> None:
    source = LabelledItems(workspace, project.id)
    before = source.about()
    assert (before.n_items, before.n_chosen) == (36, 0)  # twelve of each split came with their class
    open_round(workspace, project.id)
    answer(workspace, project)
    assert source.about() == before  # what came with an image is believed
    with workspace.database.begin() as tx:
        tx.execute(update(tables.item).where(tables.item.c.split == Split.POOL).values(truth=None))
    after = source.about()
    assert (after.n_items, after.n_chosen) == (24 + 4, 3)  # four were answered, one of them drawn at random
    assert after.world != before.world
    world = source.world()
    assert len(world.images) == len(world.labels) == 28
    assert set(world.labels.tolist()) == {0, 1}
    study = run_study(workspace, source, Grid(("random",), seeds=1, rounds=1, batch=2))
    assert study.backtest.project_id == project.id
    assert "3 of 28 labels exist because a strategy asked for them" in str(warning(study.backtest))


def test_a_project_without_labels_says_what_to_do(workspace: Workspace, pets: Project) -> None:
    with pytest.raises(InvalidInputError, match="no labelled image to try strategies on: label some"):
        LabelledItems(workspace, pets.id).about()


@pytest.mark.parametrize(
    "grid",
    [
        GRID,
        Grid(
            ("margin", "random"), 2, 3, 4, 500, domain=1, mode=TrialMode.SEQUENTIAL, control_fraction=0.25, first_seed=7
        ),
    ],
)
def test_the_command_that_a_page_starts_asks_for_the_grid(grid: Grid) -> None:
    app = Typer()
    backtest_command.register(app)
    asked = get_command(app).make_context("backtest", options_of(grid, None)).params
    assert {name: asked[name] for name in asdict(grid)} == asdict(grid) | {"strategies": list(grid.strategies)}


@pytest.mark.slow
def test_a_labelled_project_is_read_in_the_workspace_that_asks(workspace: Workspace, project: Project) -> None:
    source = LabelledItems(workspace, project.id)
    source.about()
    new: list[object] = []

    def connected(connection: object, _: object) -> None:
        new.append(connection)

    event.listen(Pool, "connect", connected)
    try:
        before = source.about()
        assert not new  # another workspace would have connections of its own
        assert pickle.loads(pickle.dumps(source)).about() == before  # as a process of a back-test gets it
        assert new
    finally:
        event.remove(Pool, "connect", connected)
