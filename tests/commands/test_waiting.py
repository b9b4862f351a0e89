"""What a script sees of images that could not be embedded, and of a project that waits."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workspace import Workspace
from tests import colours

pytestmark = pytest.mark.slow


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def home(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the images of a project lie that the commands find; nothing embedded yet."""
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    colours.colour_project(workspace, tmp_path)
    return tmp_path / "colours"


def test_embed_tells_what_it_could_not_read_and_fails(home: Path) -> None:
    gone = home / "pool" / "red" / "0-0.png"
    aside = gone.rename(home / "aside.png")
    result = run("embed")
    assert result.exit_code == 1
    assert result.stdout.startswith("35 embedded, 0 known already, 1 not embedded\n")
    assert "the file does not exist" in result.stdout
    assert result.stderr == f"error: 1 of 36 images could not be embedded: the file does not exist ({gone})\n"
    assert "1 image; the first, " in run("status").stdout
    told = run("embed", "--json")
    assert told.exit_code == 1
    report = json.loads(told.stdout)
    assert (report["embedded"], report["known"]) == (0, 35)
    assert [(one["uri"], one["reason"]) for one in report["failed"]] == [(str(gone), "the file does not exist")]
    aside.rename(gone)
    assert (run("embed").exit_code, run("embed", "--json").exit_code) == (0, 0)
    assert "could not" not in run("status").stdout


def test_a_disk_that_is_away_is_told_once_and_many_images_are_cut_short(home: Path) -> None:
    shutil.move(home, home.parent / "away")
    result = run("embed")
    assert result.exit_code == 1
    assert result.stdout.startswith("0 embedded, 0 known already, 36 not embedded\n")
    assert "and 16 more: `alflow embed --json` lists all" in result.stderr
    assert f"error: 36 of 36 images could not be embedded: the folder {home} is not there" in result.stderr
    assert len(json.loads(run("embed", "--json").stdout)["failed"]) == 36
    refused = run("advance")
    assert refused.exit_code == 1
    assert "it needs images: 12 could not be embedded" in refused.stderr
    (seen,) = json.loads(run("status", "--json").stdout)
    assert seen["waiting_for"].startswith("images: 12 could not be embedded")
    assert (len(seen["not_embedded"]), seen["trouble"]["times"], seen["looked_at"]) == (36, 1, None)
