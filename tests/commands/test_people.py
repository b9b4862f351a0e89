"""`alflow people`, as whoever runs the machine types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.accounts import Role
from alflow.cli import app
from alflow.settings import Settings
from alflow.workflow.people import invitations, sign_in
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

PASSWORD = "correct horse battery"


@pytest.fixture
def team(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two projects, in the home of the commands."""
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path))
    for name in ("birds", "fish"):
        create_project(workspace, name, "demo", "fp32")
    return workspace


def run(*words: str, typed: str = "", code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["people", *words], input=typed)
    assert result.exit_code == code, result.output
    return result


def roles() -> dict[str, dict[str, Role]]:
    return {each["account"]["name"]: each["roles"] for each in json.loads(run("list", "--json").stdout)}


@pytest.mark.slow
@pytest.mark.usefixtures("team")
def test_an_owner_who_types_the_password_twice() -> None:
    made = run("add", "Ada", "--role", "owner", "--all-projects", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.stdout.splitlines()[-1] == "Ada has an account and is owner of birds, fish"
    assert "the link that `alflow up` printed signs nobody in" in made.stderr
    assert PASSWORD not in made.output
    assert roles() == {"Ada": {"birds": "owner", "fish": "owner"}}


@pytest.mark.slow
def test_a_life_of_an_account(team: Workspace) -> None:
    run("add", "Ada", "--password-stdin", typed=f"{PASSWORD}\n")
    run("role", "ada", "reviewer", "-p", "birds", "-p", "fish")
    run("role", "ada", "engineer", "-p", "fish")
    run("remove", "Ada", "-p", "birds")
    assert roles() == {"Ada": {"fish": "engineer"}}
    token = sign_in.sign_in(team, "Ada", PASSWORD, "192.0.2.7")
    assert sign_in.visitor(team, token) is not None
    run("deactivate", "Ada")
    assert sign_in.visitor(team, token) is None
    run("activate", "Ada")
    run("email", "Ada", "ada@example.org")
    assert sign_in.visitor(team, sign_in.sign_in_identity(team, "ada@example.org", "A.")) is not None
    run("reset", "Ada", "--password-stdin", typed="another password\n")
    sign_in.sign_in(team, "Ada", "another password", "192.0.2.7")


@pytest.mark.slow
def test_links_work_once(team: Workspace) -> None:
    address = f"{Settings().address}/invitation?token="
    link = run("invite", "--role", "reviewer", "-p", "birds").stdout.strip()
    assert link.startswith(address)
    invitations.accept(team, link.removeprefix(address), "Bo", PASSWORD)
    assert roles() == {"Bo": {"birds": "reviewer"}}
    link = run("reset", "Bo").stdout.strip()
    invitations.accept(team, link.removeprefix(address), "", "another password")
    sign_in.sign_in(team, "Bo", "another password", "192.0.2.7")
    assert "bo@example.org is invited to fish" in run("invite", "-p", "fish", "--email", "bo@example.org").stdout


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("words", "typed", "problem"),
    [
        (("add", "Ada", "--password-stdin"), "short\n", "10 to 256 characters"),
        (("add", "Ada", "--password-stdin", "--role", "owner"), PASSWORD, "choose one with --project"),
        (("role", "Eve", "owner", "-p", "fish"), "", "there is no account 'Eve'"),
        (("invite", "-p", "cats"), "", "there is no project 'cats'"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], typed: str, problem: str) -> None:
    assert problem in run(*words, typed=typed, code=1).stderr


@pytest.mark.slow
def test_somebody_is_forgotten(team: Workspace) -> None:
    """Asked first; what is out of reach is named."""
    run("add", "Ada [/ops]", "--email", "ada@example.org", "--role", "owner", "-p", "birds")
    assert "birds would be without an owner" in run("erase", "Ada [/ops]", "--yes", code=1).stderr
    run("add", "Bo", "--email", "bo@example.org", "--role", "owner", "-p", "birds")
    assert "stopped" in run("erase", "Ada [/ops]", typed="n\n", code=1).output
    assert "Ada [/ops]" in roles()
    done = run("erase", "ada [/ops]", typed="y\n")
    assert "Ada [/ops] is forgotten" in done.stdout
    assert "not erased: files that were exported" in done.stderr
    assert list(roles()) == ["Bo"]
    assert "there is no person 'Ada [/ops]'" in run("erase", "Ada [/ops]", code=1).stderr
    assert team.database.rewrite(())
