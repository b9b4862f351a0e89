"""Images and labels only: scikit-learn's regression, and the strategies that need no posterior."""

import json
from pathlib import Path

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from alflow.acquisition.acquire import acquire
from alflow.acquisition.strategies import STRATEGIES
from alflow.cli import app
from alflow.domain.trials import Trial
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.workflow.backtests.backtest import World, backtest, split
from alflow.workflow.backtests.learners import RegressionLearner, check_strategy
from alflow.workflow.backtests.packs import ImagePack, Pack, pack_of
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workspace import Workspace
from tests.packs import CLASSES, image_pack, small_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> ImagePack:
    return image_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def world(pack: ImagePack) -> World:
    return pack.world()


@pytest.mark.parametrize("rows", [[0, 2, 4, 6, 8, 10], [0, 2, 8], [0, 8], [3]], ids=["four", "two", "one", "a label"])
def test_the_regression_is_that_of_scikit_learn_on_standardised_activations(world: World, rows: list[int]) -> None:
    support = torch.tensor(rows)
    start, values = world.learner(), world.images.values.double()
    torch.testing.assert_close(start.judge(world.images).probabilities, torch.full((160, CLASSES), 0.25).double())
    fitted = start.fitted(world.images[support], world.labels[support], torch.Generator())
    judged = fitted.judge(world.images)
    expected = torch.zeros(160, CLASSES, dtype=torch.float64)
    seen = torch.unique(world.labels[support])
    if len(seen) == 1:
        expected[:, seen] = 1
    else:
        scaler = StandardScaler(with_mean=True).fit(values.numpy())
        scaler.scale_ = values.std(dim=0).numpy()
        regression = make_pipeline(scaler, LogisticRegression(max_iter=1000))[1].fit(
            scaler.transform(values[support].numpy()), world.labels[support].numpy()
        )
        expected[:, seen] = torch.from_numpy(regression.predict_proba(scaler.transform(values.numpy())))
    torch.testing.assert_close(judged.probabilities, expected)
    torch.testing.assert_close(judged.total, torch.special.entr(expected).sum(dim=1))
    assert judged.aleatoric is None
    assert judged.epistemic is None


def test_a_constant_activation_does_no_harm() -> None:
    images = Activations(torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]]))
    start = RegressionLearner.before_labels(images, 2)
    fitted = start.fitted(images, torch.tensor([0, 0, 1, 1]), torch.Generator())
    assert fitted.judge(images).probabilities.argmax(dim=1).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_works_on_images_and_labels_or_says_which_do(world: World, name: str) -> None:
    """With a query whose other parts are NaN: a strategy that reads them must say so in the table."""
    if STRATEGIES[name].needs_posterior:
        with pytest.raises(InvalidInputError, match=rf"'{name}' needs the posterior .* choose one of default, random,"):
            list(backtest(world, Trial(name, 0), rounds=1))
        return
    sides, learner = split(world, 0, 100), world.learner()
    for support in (sides.pool[:0], sides.pool[:8]):
        if len(support):
            learner = learner.fitted(world.images[support], world.labels[support], torch.Generator())
        query = learner.ask(world.images[sides.pool[8:]], world.images[sides.target], world.images[support])
        chosen, control = acquire(query, name, 6, 0.2, torch.Generator().manual_seed(0))
        assert len(set(chosen.rows.tolist() + control.tolist())) == 6
        assert not chosen.scores.isnan().any()


def test_combinations_need_what_their_parts_need() -> None:
    check_strategy("0.5*margin+0.5*typiclust", with_posterior=False)
    check_strategy("0.5*margin+0.5*bald", with_posterior=True)
    for name in ("0.5*margin+0.5*bald", "balanced-epig"):
        with pytest.raises(InvalidInputError, match="needs the posterior"):
            check_strategy(name, with_posterior=False)


def test_labels_help_and_a_stopped_trial_goes_on(world: World) -> None:
    trial = Trial("default", 1, batch=CLASSES)
    whole = list(backtest(world, trial, rounds=3))
    assert whole[0].accuracy < 0.5 < whole[-1].accuracy
    assert (whole[0].aleatoric, whole[-1].epistemic) == (None, None)
    again = list(backtest(world, trial, rounds=3, done=whole[:2]))
    assert [point.picked for point in whole[:2] + again] == [point.picked for point in whole]


def test_a_strategy_that_needs_more_is_refused_before_any_work(workspace: Workspace, pack: ImagePack) -> None:
    with pytest.raises(InvalidInputError, match="'epig' needs the posterior"):
        run_study(workspace, pack, Grid(("random", "epig")))
    study = run_study(workspace, pack, Grid(("random",), seeds=1, rounds=1, batch=2))
    assert [point.labels for (points,) in [study.points.values()] for point in points] == [0, 2]


def test_the_command_takes_the_pack_alone_and_asks_for_one_label_a_class(
    pack: ImagePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path / "home"))
    written = tmp_path / "points.json"
    command = ["backtest", "--pack", str(pack.pack), "--seeds", "1", "--rounds", "2", "--json", str(written)]
    assert CliRunner().invoke(app, command).exit_code == 0
    points = json.loads(written.read_text())
    assert [point["labels"] for point in points] == [0, CLASSES, 2 * CLASSES] * 2
    assert all(point["total"] > 0 and point["epistemic"] is None for point in points)


WRONG = [
    ({"class_activations": torch.zeros(4, 5)}, "has class_activations: give its model and pairs"),
    ({"labels": torch.zeros(160, dtype=torch.int64)}, "all of one class"),
    ({"labels": torch.arange(160) - 1}, "must number the classes"),
    ({"labels": torch.arange(160) * 10**12}, "must number the classes"),
    ({"labels": torch.zeros(3, dtype=torch.int64)}, r"labels is \(3,\)"),
    ({"activations": torch.full((160, 9), torch.nan)}, "not finite"),
    ({"activations": torch.zeros(160)}, "1 sides"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_is_no_pack_of_images_is_refused(changes: dict[str, torch.Tensor], message: str, tmp_path: Path) -> None:
    wrong = image_pack(tmp_path, **changes)
    for look in (wrong.about, wrong.world):
        with pytest.raises(InvalidInputError, match=message):
            look()


def test_the_files_say_what_a_pack_is(tmp_path: Path) -> None:
    whole = small_pack(tmp_path)
    assert isinstance(pack_of(whole.pack, whole.model, whole.pairs), Pack)
    assert isinstance(pack_of(whole.pack, None, None), ImagePack)
    for files, missing in (((whole.model, None), "the pairs"), ((None, whole.pairs), "the model")):
        with pytest.raises(InvalidInputError, match=f"give {missing} as well, or leave both out"):
            pack_of(whole.pack, *files)
    without_texts = image_pack(tmp_path / "images").pack
    with pytest.raises(InvalidInputError, match=r"no class_activations: leave out model and pairs"):
        pack_of(without_texts, whole.model, whole.pairs).world()
    with pytest.raises(InvalidInputError, match="cannot be read"):
        ImagePack(tmp_path / "nothing.safetensors").about()
