"""`alflow token`, as whoever runs the machine types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.accounts import OPERATOR, Role
from alflow.cli import app
from alflow.workflow.people import accounts as people
from alflow.workflow.people.tokens import visitor_with
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace


@pytest.fixture
def team(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project where Bo labels, in the home of the commands."""
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path))
    birds = create_project(workspace, "birds", "demo", "fp32")
    bo = people.add_account(workspace, "Bo", email="bo@example.org")
    people.set_role(workspace, birds.id, bo.annotator_id, Role.ANNOTATOR, by=OPERATOR)
    return workspace


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["token", *words])
    assert result.exit_code == code, result.output
    return result


def test_a_life_of_a_token(team: Workspace) -> None:
    made = run("add", "bo", "--name", "robot", "--days", "3")
    secret = made.stdout.strip()
    assert visitor_with(team, secret) is not None
    assert secret not in made.stderr
    listed = run("list")
    assert "robot" in listed.stdout
    assert secret not in listed.stdout
    (only,) = json.loads(run("list", "--json").stdout)
    assert (only["person"], only["token"]["scope"]) == ("Bo", "label")
    run("end", str(only["token"]["id"]))
    assert visitor_with(team, secret) is None
    assert "there is no token 1 any more" in run("end", "1", code=1).output


@pytest.mark.usefixtures("team")
def test_what_is_refused_says_why() -> None:
    assert "needs the role engineer" in run("add", "Bo", "--scope", "manage", code=1).output
    assert "there is no account 'Cy'" in run("add", "Cy", code=1).output
