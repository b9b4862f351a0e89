"""`alflow messages`, as whoever runs the machine types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.store.projects import troubles
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.receivers import receiver

pytestmark = pytest.mark.slow


def run(*words: str, code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["messages", *words], input=given)
    assert result.exit_code == code, result.output
    return result


def test_a_life_of_a_channel(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path))
    birds = create_project(workspace, "birds", "demo", "fp32")
    assert "nothing can be sent to this address" in run("add", "ftp://x", code=1).output
    with receiver() as there:
        made = run("add", "-", "--event", "failure", given=f"{there.url}\n")
        assert made.stdout.startswith("whsec_")
        assert "is told: failure" in made.stderr
        assert "ALFLOW_MESSAGES_INSIDE=true" in run("try", "1", code=1).output
        monkeypatch.setenv("ALFLOW_MESSAGES_INSIDE", "true")
        assert "a trial message arrived at http://127.0.0.1" in run("try", "1").stdout
        with workspace.database.begin() as tx:
            troubles.record(tx, birds.id, "no disk", birds.created_at)
        assert run("send").stdout == "1 message arrived\n"
        assert [each.said["event"] for each in there.got] == ["trial", "failure"]
    listed = run("list")
    assert "a message arrived last at" in " ".join(listed.stdout.split())
    (only,) = json.loads(run("list", "--json").stdout)
    assert (only["id"], only["events"], only["trouble"]) == (1, ["failure"], None)
    assert "hook-of-ours" not in json.dumps(only) + listed.stdout
    assert "nothing is sent to http://127.0.0.1" in run("remove", "1").stdout
    assert json.loads(run("list", "--json").stdout) == []
