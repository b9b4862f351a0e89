"""Commands with `ALFLOW_LOG_FORMAT=json`: results on stdout as ever, and on stderr one object a line."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alflow.cli import app
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.tiny import write_picture


@pytest.fixture(autouse=True)
def _as_json(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings = workspace.settings.model_copy(update={"log_format": "json"})
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    create_project(workspace, "pets", "demo", "fp32")
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    yield
    root.handlers = before


def test_what_a_command_says_beside_its_result_is_json(tmp_path: Path) -> None:
    write_picture(tmp_path / "photos/a.png", 1)
    done = CliRunner().invoke(app, ["import", str(tmp_path / "photos")])
    assert done.stdout.splitlines()[0] == "1 added, 0 known already, 0 rejected"
    (ended,) = map(json.loads, done.stderr.splitlines())
    assert (ended["message"], ended["command"], ended["project"]) == ("the command ended", "import", 1)
    assert ended["seconds"] > 0
    failed = CliRunner().invoke(app, ["import", str(tmp_path / "absent")])
    assert failed.exit_code == 1
    error, ended = map(json.loads, failed.stderr.splitlines())
    assert (error["level"], error["message"]) == ("error", f"there is no file or folder {tmp_path / 'absent'}")
