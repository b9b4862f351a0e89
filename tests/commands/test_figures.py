"""`alflow model show` on a project after two rounds, and where there is nothing to show."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import learning_curve
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["model", "show", *words])


@pytest.fixture
def home(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return workspace


def test_it_shows_what_the_evaluations_say_and_what_lies_behind_them(home: Workspace, tmp_path: Path) -> None:
    project = colour_project(home, tmp_path)
    for _ in range(2):
        advance(home, project.id)
        answer(home, project)
    advance(home, project.id)
    stored = {(one.round_number, one.split): one for one in learning_curve(home, project.id)}
    for number in ((), ("--round", "1"), ("--round", "0")):
        result = run("--json", *number)
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["round"] == int(number[1] if number else 2)
        for split in ("test", "control"):
            evaluation = stored.get((told["round"], split))
            if evaluation is None:
                assert told[split] is None
                continue
            found = told[split]
            assert {name: tuple(each.values()) for name, each in found["metrics"]["shown"].items()} == dict(
                evaluation.metrics
            )
            assert found["images"] == evaluation.n_items == sum(each["items"] for each in found["reliability"]["shown"])
            assert [each["class"] for each in found["classes"]] == ["red", "blue"]
            assert sum(map(sum, found["confusion"]["counts"])) == found["images"]
            wrong = sum(each["items"] for each in found["mistakes"])
            assert found["risk"]["shown"][-1]["risk"] == pytest.approx(wrong / found["images"])
        assert told["cost"]["answers"] == 4 * told["round"]
    shown = run()
    assert shown.exit_code == 0
    assert "colours, after round 2" in shown.stdout
    assert "On the test split, 12 images" in shown.stdout
    assert "On the control slice, 2 images" in shown.stdout
    assert "cost: 8 answers in 0.00 hours, 8 images with a class now" in shown.stdout


def test_before_there_is_anything_to_show_it_says_what_to_do(home: Workspace, tmp_path: Path) -> None:
    assert "there is no project yet" in run().stderr
    project = colour_project(home, tmp_path)
    assert "no embedded image yet: run `alflow embed`" in run().stderr
    embed_missing(home, project)
    assert "there is no closed round 3: see `alflow round list`" in run("--round", "3").stderr
    shown = run()
    assert "colours, before any label" in shown.stdout
    assert "no image of the control slice has a known class" in shown.stderr
    assert run("--round", "-1").exit_code == 2
