"""`alflow project`: what each command says and does."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.domain.projects import ProjectState
from alflow.errors import NotFoundError
from alflow.workflow.operating.deleting import delete_project
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace
from tests.colours import colour_project

pytestmark = pytest.mark.slow


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, words, input=typed)


@pytest.fixture
def home(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """With the project `colours`, of 36 images."""
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    colour_project(workspace, tmp_path)
    return workspace


def test_stop_archive_and_resume(home: Workspace) -> None:
    assert "no project 'birds'" in run("project", "stop", "birds").stderr
    assert run("project", "stop", "colours").stdout.startswith("project colours is stopped: Nothing runs")
    assert (
        "waiting for:  nobody: the project is stopped (`alflow project resume` lets it go on)" in run("status").stdout
    )
    refused = run("advance")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "project 'colours' is stopped: let it go on first (`alflow project resume`)" in refused.stderr
    assert run("project", "archive", "colours").exit_code == 0
    told = "all projects are archived: `alflow project resume colours` brings one back"
    assert told in run("status").stdout
    assert told in run("advance").stderr
    (listed,) = json.loads(run("project", "list", "--json").stdout)
    assert (listed["name"], listed["state"]) == ("colours", "archived")
    assert "archived" in run("project", "list").stdout
    assert run("project", "resume", "colours").exit_code == 0
    assert find_project(home, "colours").state is ProjectState.ACTIVE


def test_delete_says_what_goes_and_asks_for_the_name(home: Workspace) -> None:
    project = find_project(home, "colours")
    kept = run("project", "delete", "colours", typed="colour\n")
    assert (kept.exit_code, "is deleted" in kept.stdout) == (1, False)
    assert "what goes for good: images of the pool: 12, images of the target: 12" in kept.stderr
    assert re.search(r"files that alflow keeps: 72 \(\d+ kB\)", kept.stderr)
    assert "'colour' is not the name of the project: nothing was deleted" in kept.stderr
    assert find_project(home, "colours") == project
    assert run("project", "delete", "colours", typed="colours\n").stdout.endswith("project colours is deleted\n")
    with pytest.raises(NotFoundError):
        find_project(home, "colours")
    assert home.artifacts.list("thumbnails") == []
    again = run("project", "delete", "colours", "--really", "colours")
    assert (again.exit_code, "there is no project 'colours'" in again.stderr) == (1, True)


def test_delete_goes_on_where_it_was_killed(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = find_project(home, "colours")
    monkeypatch.setattr(type(home.artifacts), "remove", _killed)
    with pytest.raises(KeyboardInterrupt):
        delete_project(home, project.id)
    monkeypatch.undo()
    for name, value in home.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    assert "something is left of 1, by number" in run("doctor", "--quick").stdout.replace("\n", " ")
    assert run("project", "delete", "colours").stdout == "project colours is deleted\n"
    assert "nothing is left of any" in run("doctor", "--quick").stdout


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
