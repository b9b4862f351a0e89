"""One trial: the sides of the split, the points, going on after a stop."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alflow.acquisition.beliefs import ask, believe
from alflow.bayes.fit import refit
from alflow.domain.trials import Trial, TrialMode
from alflow.errors import InvalidInputError
from alflow.workflow.backtests.backtest import World, _generator, backtest, split
from tests.packs import real_pack, small_pack


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return small_pack(tmp_path_factory.mktemp("pack")).world()


def timeless(points):
    return [replace(point, seconds=0.0) for point in points]


def test_the_sides_are_disjoint_also_by_group(world: World) -> None:
    sides = split(world, 3, pool=1000)
    groups = [set(world.group[rows].tolist()) for rows in (sides.pool, sides.target, sides.test)]
    assert [len(each) for each in groups] == [40, 20, 20]
    assert not (groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2])
    assert len(split(world, 3, pool=10).pool) == 10
    assert split(world, 3, pool=1000).test.tolist() == sides.test.tolist()
    assert split(world, 4, pool=1000).test.tolist() != sides.test.tolist()


def test_a_domain_is_aimed_at_and_judged_by_while_the_pool_keeps_all(world: World) -> None:
    sides = split(world, 0, pool=1000, domain=1)
    assert (world.domain[sides.target] == 1).all()
    assert (world.domain[sides.test] == 1).all()
    assert set(world.domain[sides.pool].tolist()) == {0, 1}


@pytest.mark.slow
def test_points_are_those_of_acquire_fit_judge_written_out(world: World) -> None:
    trial = Trial("margin", 1, batch=4)
    points = list(backtest(world, trial, rounds=3))
    sides = split(world, 1, trial.pool)
    assert [point.labels for point in points] == [0, 4, 8, 12]
    support = torch.tensor([row for point in points for row in point.picked])
    assert len(set(support.tolist())) == 12
    assert torch.isin(support, sides.pool).all()
    query = ask(world.model, world.images[sides.pool], world.images[sides.target], world.images[support[:0]])
    first, second = query.pool.probabilities.topk(2, dim=1).values.T
    assert set(support[:4].tolist()) == set(sides.pool[(first - second).argsort()[:4]].tolist())
    zero_shot = believe(world.model, world.images[sides.test]).probabilities.argmax(dim=1)
    assert points[0].accuracy == pytest.approx((zero_shot == world.labels[sides.test]).double().mean().item())


def test_points_tell_the_mean_uncertainty_and_its_parts_over_the_test_images(world: World) -> None:
    points = list(backtest(world, Trial("random", 1, batch=4), rounds=1))
    test = world.images[split(world, 1, Trial.pool).test]
    support = torch.tensor(points[1].picked)
    fitted = refit(world.model, world.images[support], world.labels[support], _generator(Trial("random", 1), 1, -1))
    for point, model in zip(points, (world.model, fitted), strict=True):
        beliefs = believe(model, test)
        entropy = torch.special.entr(beliefs.probabilities.double()).sum(dim=1).mean()
        assert point.total == pytest.approx(float(entropy), rel=1e-5)
        assert point.total == pytest.approx(point.aleatoric + point.epistemic)
        assert point.epistemic == pytest.approx(float(beliefs.parts(model.class_covariance).epistemic.mean()))
        assert 0 < point.epistemic < point.total


@pytest.mark.slow
def test_labels_help(world: World) -> None:
    points = list(backtest(world, Trial("random", 0, batch=10), rounds=3))
    assert points[-1].accuracy > points[0].accuracy + 0.1
    assert points[-1].nlpd < points[0].nlpd


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "control"), [(TrialMode.BATCH, 0.5), (TrialMode.SEQUENTIAL, 0.0)])
def test_a_trial_that_was_stopped_goes_on_as_if_it_had_not_been(world: World, mode: TrialMode, control: float) -> None:
    trial = Trial("default", 2, batch=2, mode=mode, control_fraction=control)
    whole = list(backtest(world, trial, rounds=2))
    rest = list(backtest(world, trial, rounds=2, done=whole[:2]))
    assert timeless(whole[:2] + rest) == timeless(whole)
    assert list(backtest(world, trial, rounds=2, done=whole)) == []


def test_sequential_mode_learns_after_every_pick(world: World) -> None:
    """The second pick of a batch is the first of a batch of one, made after the first label was fitted."""
    points = list(backtest(world, Trial("entropy", 0, batch=2, mode=TrialMode.SEQUENTIAL), rounds=1))
    first, second = points[1].picked
    sides = split(world, 0, 3000)
    support = torch.tensor([first])
    fitted = refit(world.model, world.images[support], world.labels[support], torch.Generator())
    pool = sides.pool[sides.pool != first]
    probabilities = believe(fitted, world.images[pool]).probabilities
    assert second == pool[torch.special.entr(probabilities).sum(dim=1).argmax()]


def test_a_pool_that_is_used_up_ends_the_trial(world: World) -> None:
    points = list(backtest(world, Trial("random", 0, batch=6, pool=10), rounds=5))
    assert [point.labels for point in points] == [0, 6, 10]


@pytest.mark.parametrize(
    ("trial", "rounds", "message"),
    [
        (Trial("defualt", 0), 5, "there is no strategy 'defualt'"),
        (Trial("random", 0, batch=0), 5, "batch = 0"),
        (Trial("random", 0), 0, "rounds = 0"),
        (Trial("random", 0, domain=7), 1, "0 targets"),
    ],
)
def test_what_cannot_be_tried_is_refused(world: World, trial: Trial, rounds: int, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        list(backtest(world, trial, rounds))


def test_a_world_without_domains_has_none_to_aim_at(world: World) -> None:
    with pytest.raises(InvalidInputError, match="no domains"):
        split(replace(world, domain=None), 0, 100, domain=1)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"pack.safetensors: activations are 8 wide .* takes 10"):
        small_pack(tmp_path / "a", pack_activations=torch.zeros(160, 7)).world()
    with pytest.raises(InvalidInputError, match="labels is"):
        small_pack(tmp_path / "b", pack_labels=torch.zeros(3, dtype=torch.int64)).world()
    with pytest.raises(InvalidInputError, match="none of the 4 rows"):
        small_pack(tmp_path / "c", pack_labels=torch.full((160,), 4)).world()
    pack = small_pack(tmp_path / "d")
    with pytest.raises(InvalidInputError, match="has no tensor activations"):
        replace(pack, pack=pack.model).world()
    with pytest.raises(InvalidInputError, match="cannot be read"):
        replace(pack, pairs=tmp_path / "nothing").world()


@pytest.mark.slow
def test_the_zero_shot_accuracy_of_a_real_pack_is_the_published_one() -> None:
    world = real_pack("emoji").world()
    probabilities = believe(world.model, world.images).probabilities
    found = (probabilities.argmax(dim=1) == world.labels).double().mean()
    assert found == pytest.approx(0.265, abs=0.02)  # the published one is that of the means, without a posterior
