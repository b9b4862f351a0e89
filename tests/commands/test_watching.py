"""`alflow watch`: begin, see, stop, and `alflow advance` without a schedule."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.images.watching import watched
from alflow.workspace import Workspace
from tests.colours import colour_project, paint
from tests.watching import an_hour_later


@pytest.fixture(autouse=True)
def _project(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    colour_project(workspace, tmp_path)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.mark.slow
def test_a_folder_is_watched_taken_listed_and_stopped(workspace: Workspace, tmp_path: Path) -> None:
    assert "nothing is watched yet" in run("watch", "list").stdout
    source = paint(tmp_path / "new", 2, seed=9)
    begun = run("watch", "colours", source, "--every", "30")
    assert begun.stdout == f"{source} is watched for pool, and holds 4 files now\n"
    assert run("watch", "add", "colours", source).exit_code == 1
    (one,) = watched(workspace, workspace_project(workspace))
    an_hour_later(workspace, one)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE watch SET next_at = added_at")
    assert f"took from {source}: 4 added" in run("advance").stdout
    row = run("watch", "list", "colours").stdout.splitlines()[1]
    assert row.split()[1:9] == [str(source), "pool", "4", "0", "0", "0", "0", "0"]
    (told,) = json.loads(run("watch", "list", "--json").stdout)["colours"]
    assert (told["every"], told["files"]["known"], told["trouble"]) == (30, 4, None)
    assert run("watch", "stop", "colours", source).stdout == f"nothing more is taken of {source}; its images stay\n"
    assert watched(workspace, one.project_id) == []


def test_what_cannot_be_watched_is_refused_in_one_line(tmp_path: Path) -> None:
    for words, told in (
        (["colours", str(tmp_path / "absent")], "error: there is no file or folder"),
        (["absent", str(tmp_path)], "error: "),
        (["stop", "colours", "x"], "error: project colours does not watch x: it watches nothing"),
    ):
        result = run("watch", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith(told)
        assert result.stderr.count("\n") == 1
    assert run("watch", "colours", tmp_path, "--every", "0").exit_code == 2


def workspace_project(workspace: Workspace) -> int:
    from alflow.workflow.projects.projects import find_project

    return find_project(workspace, "colours").id
