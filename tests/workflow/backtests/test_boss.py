"""The oracle: the best of the batches that strategies propose, in back-tests only."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alflow import metrics
from alflow.acquisition.batch import draw_control
from alflow.acquisition.strategies import find
from alflow.domain.projects import ProjectSettings
from alflow.domain.trials import Trial, TrialMode
from alflow.errors import InvalidInputError
from alflow.workflow.backtests import boss
from alflow.workflow.backtests.backtest import World, backtest, split
from alflow.workflow.backtests.boss import Known, best_of_strategies
from alflow.workflow.backtests.learners import check_strategy
from alflow.workflow.backtests.packs import ImagePack, Pack
from alflow.workflow.projects.settings import check_settings
from tests.packs import image_pack, small_pack


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return image_pack(tmp_path_factory.mktemp("pack")).world()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boss, "ENSEMBLE", ("random", "margin", "max-herding"))


@pytest.mark.parametrize(
    "make", [image_pack, pytest.param(small_pack, marks=pytest.mark.slow)], ids=["images", "model"]
)
def test_no_candidate_is_better_on_the_test_images(make: Callable[[Path], ImagePack | Pack], tmp_path: Path) -> None:
    world = make(tmp_path).world()
    sides, trial = split(world, 0, 100), Trial("boss", 0, batch=4)
    known = Known(world.images, world.labels, sides.pool, sides.target, sides.test)
    learner, none = world.learner(), sides.pool[:0]
    best = best_of_strategies(learner, known, none, trial, torch.Generator().manual_seed(3))

    generator = torch.Generator().manual_seed(3)
    assert len(draw_control(len(sides.pool), 4, 0.0, generator)) == 0
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    candidates = boss._candidates(learner, known, none, sides.pool, 4, generator)
    assert len(candidates) == 3 * boss.BATCHES

    def judged(rows: torch.Tensor) -> tuple[float, float]:
        fitted = learner.fitted(world.images[rows], world.labels[rows], torch.Generator().manual_seed(seed))
        probabilities = fitted.judge(world.images[sides.test]).probabilities.double()
        labels = world.labels[sides.test]
        return float(metrics.accuracy(probabilities, labels)), -float(metrics.nlpd(probabilities, labels))

    worth = [judged(rows) for rows in candidates]
    assert best.rows.tolist() == candidates[worth.index(max(worth))].tolist()
    zero = learner.judge(world.images[sides.test]).probabilities.double()
    assert best.gain == pytest.approx(max(worth)[0] - float(metrics.accuracy(zero, world.labels[sides.test])))


@pytest.mark.parametrize("control", [0.0, 0.5, 1.0])
def test_a_trial_asks_as_many_as_any_and_only_of_the_pool(world: World, control: float) -> None:
    trial = Trial("boss", 1, batch=4, control_fraction=control)
    points = list(backtest(world, trial, rounds=2))
    assert [point.labels for point in points] == [0, 4, 8]
    picked = [row for point in points for row in point.picked]
    assert len(set(picked)) == 8
    assert torch.isin(torch.tensor(picked), split(world, 1, trial.pool).pool).all()
    again = list(backtest(world, trial, rounds=2, done=points[:2]))
    assert [point.picked for point in again] == [points[2].picked]


def test_it_is_a_ceiling(world: World) -> None:
    last = {
        name: sum(list(backtest(world, Trial(name, seed, batch=4), rounds=1))[-1].accuracy for seed in range(3))
        for name in ("boss", "random", "margin")
    }
    assert last["boss"] >= max(last.values())


def test_a_small_pool_is_taken_whole(world: World) -> None:
    points = list(backtest(world, Trial("boss", 0, batch=5, pool=7), rounds=3))
    assert [point.labels for point in points] == [0, 5, 7]


def test_one_by_one(world: World) -> None:
    points = list(backtest(world, Trial("boss", 0, batch=2, mode=TrialMode.SEQUENTIAL), rounds=1))
    assert points[-1].labels == 2


def test_a_project_may_not_choose_it() -> None:
    for name in ("boss", "0.5*boss+0.5*margin"):
        with pytest.raises(
            InvalidInputError, match="'boss' reads the true labels, so that only a back-test can use it"
        ):
            check_settings(replace(ProjectSettings(), strategy=name))
        with pytest.raises(InvalidInputError, match="choose one of default, random"):
            find(name)
    check_strategy("boss", with_posterior=False)
