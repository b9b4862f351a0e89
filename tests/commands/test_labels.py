"""`alflow export dataset` and `alflow labels import`, as a person and a script see them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.voted import ANN, Voted, voted


@pytest.fixture
def world(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Voted:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    return voted(workspace, project, tmp_path / "originals")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.mark.slow
def test_out_and_in(world: Voted, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("export", "dataset", out, "--format", "label-studio")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"4 images written to {out}: 2 with a class, 5 votes",
        "2 images without a class and without a vote left out: --all writes them too",
    ]
    assert run("export", "dataset", out, "--format", "coco").exit_code == 1
    assert run("export", "dataset", out, "--format", "yolo").exit_code == 2
    done = run("labels", "import", out / "tasks.json")
    assert (done.exit_code, done.stdout) == (0, "0 added, 5 known already\n")
    create_project(world.workspace, "others", "demo", "fp32", name_classes(["cat"]))
    assert run("import", tmp_path / "originals", "-p", "others").exit_code == 0
    refused = run("labels", "import", out / "tasks.json", "--strict", "-p", "others")
    assert refused.exit_code == 1
    report = json.loads(run("labels", "import", out / "tasks.json", "-p", "others", "--json").stdout)
    assert (report["added"], report["people"]) == (4, {ANN: 3, "bob": 1})
    assert report["unknown_classes"][0]["label"] == "dog"


@pytest.mark.usefixtures("world")
def test_an_import_of_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")
    done = run("labels", "import", tmp_path / "empty.json")
    assert done.exit_code == 1
    assert "no label was imported" in done.stderr
