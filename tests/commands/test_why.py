import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.projects.projects import list_projects
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests import colours
from tests.workflow.rounds.test_reasons import answer

pytestmark = pytest.mark.slow


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def opened(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project that is ready for its first round, which the commands find."""
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    embed_missing(workspace, colours.colour_project(workspace, tmp_path))
    return workspace


def test_why_tells_before_and_after_the_answers(opened: Workspace) -> None:
    none = run("round", "why")
    assert (none.exit_code, none.stderr) == (
        1,
        "error: the project has no round yet: open the first (`alflow round open`)\n",
    )
    (project,) = list_projects(opened)
    round_ = open_round(opened, project.id)
    asked = run("round", "why")
    assert asked.exit_code == 0
    assert asked.stdout.startswith("Round 1: gains in nats about the target\n")
    assert asked.stdout.endswith("what labels were worth is known once a round with reasons is closed\n")
    answer(opened, project)
    close_round(opened, project.id, round_.id)
    told = json.loads(run("round", "why", "1", "--json").stdout)
    assert (told["round"], len(told["candidates"])) == (1, 4)
    for each in told["candidates"]:
        assert each["reasons"]["realised"] in each["reasons"]["gains"].values()
    assert told["worth"]["overall"][0] == 4
    assert "4 labels of the project told " in run("round", "why", "1").stdout
    wrong = run("round", "why", "9")
    assert (wrong.exit_code, wrong.stderr) == (1, "error: the project has no round 9\n")
