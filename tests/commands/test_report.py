"""`alflow report`, as a person and a script see it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.voted import ANN, voted


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to stand in, and a project with answers."""
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    voted(
        workspace, create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"])), tmp_path / "images"
    )
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, words)])


@pytest.mark.slow
def test_it_is_written_once(here: Path) -> None:
    done = run("pets")
    assert (done.exit_code, done.stdout) == (0, "report of project pets written to pets-report.html\n")
    html = (here / "pets-report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert html.count("<img ") == 1
    assert ANN not in html
    again = run("pets")
    assert again.exit_code == 1
    assert "pets-report.html is there already: choose a new name, or say --force to replace it" in again.stderr
    assert run("pets", "--force", "--names", "--no-pictures").exit_code == 0
    html = (here / "pets-report.html").read_text(encoding="utf-8")
    assert "Zoë &amp; &#34;co&#34;" in html
    assert "<img " not in html


def test_where_it_goes_and_what_it_cannot_be(here: Path) -> None:
    assert run("--output", here / "new" / "report.html").exit_code == 0
    assert (here / "new" / "report.html").is_file()
    none = run("pets", "--round", "1")
    assert none.exit_code == 1
    assert "project 'pets' has no round 1: its first one is not open yet (`alflow status`)" in none.stderr
    assert run("pets", "--round", "0").exit_code == 2
    assert "there is no project 'birds'" in run("birds").stderr
    assert "it is a folder" in run("-o", here).stderr
    assert sorted(each.name for each in here.iterdir()) == ["new"]
