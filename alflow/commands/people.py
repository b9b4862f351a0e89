"""`alflow people`: accounts, roles, invitations. The person who runs these commands may do everything."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.accounts import OPERATOR, Role
from alflow.commands.console import new_app, note, say, show_json, show_table
from alflow.commands.erasing import erase
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workspace import Workspace

_Name = Annotated[str, typer.Argument(help="Name of the person, as they sign in.")]
_Projects = Annotated[
    list[str] | None,
    typer.Option("--project", "-p", help="In this project; repeatable. Not needed while there is only one."),
]
_Everywhere = Annotated[bool, typer.Option("--all-projects", help="In every project there is.")]
_Email = Annotated[str | None, typer.Option(help="Address of the identity that signs in to the account.")]
_FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    people = new_app("Who may sign in, and what they may do.")
    people.command("list")(list_people)
    people.command("add")(add)
    people.command("invite")(invite)
    people.command("role")(role)
    people.command("remove")(remove)
    people.command("deactivate")(deactivate)
    people.command("activate")(activate)
    people.command("reset")(reset)
    people.command("email")(email)
    people.command("erase")(erase)
    app.add_typer(people, name="people")


def list_people(as_json: AsJson = False) -> None:
    """Show the accounts and their roles."""
    from alflow.workflow.people.accounts import list_accounts

    found = list_accounts(open_workspace())
    if as_json:
        show_json([{"account": account, "roles": roles} for account, roles in found])
        return
    rows = [
        (
            account.name,
            "yes" if account.active else "no",
            "yes" if account.has_password else "no",
            account.email,
            ", ".join(f"{held} of {name}" for name, held in sorted(roles.items())) or None,
        )
        for account, roles in found
    ]
    show_table(["name", "active", "password", "e-mail", "roles"], rows)


def add(
    name: _Name,
    role: Annotated[Role | None, typer.Option(help="Role to give at once.")] = None,
    projects: _Projects = None,
    everywhere: _Everywhere = False,
    email: _Email = None,
    password_stdin: _FromStdin = False,
) -> None:
    """Create an account; a person who labelled under this name before continues as the same annotator."""
    from alflow.workflow.people.accounts import add_account, set_role
    from alflow.workflow.people.sign_in import has_accounts

    workspace = open_workspace()
    chosen = [] if role is None else _chosen(workspace, projects, everywhere=everywhere)
    first = not has_accounts(workspace)
    password = None if email and not password_stdin else _password(from_stdin=password_stdin)
    account = add_account(workspace, name, password, email)
    for project in chosen:
        assert role is not None
        set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
    say(f"{account.name} has an account{_with(role, chosen)}")
    if first:
        note("from now on people sign in with their accounts; the link that `alflow up` printed signs nobody in")
    if role is None:
        note(f"give it a role: alflow people role {account.name!r} annotator --project NAME")


def invite(
    role: Annotated[Role, typer.Option(help="Role that the invitation gives.")] = Role.ANNOTATOR,
    project: ProjectName = None,
    email: Annotated[
        str | None, typer.Option(help="Invite the identity with this verified address, instead of printing a link.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.01, max=365.0, help="Days until it expires.")] = 7.0,
) -> None:
    """Print a link with which one person creates an account, or joins with an existing one. It works once."""
    from alflow.workflow.people import invitations
    from alflow.workflow.people.sign_in import has_accounts

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    _, token = invitations.invite(workspace, chosen.id, role, email=email, days=days, by=OPERATOR)
    if email:
        say(f"{email} is invited to {chosen.name} as {role}: sign in at {workspace.settings.address}/sign-in")
        if not workspace.settings.oidc_client_id:
            note("no identity provider is set yet: see ALFLOW_OIDC_CLIENT_ID in `alflow guide operator`")
    else:
        say(_link(workspace, token))
    if not has_accounts(workspace):
        note("nobody owns a project yet; make yourself an owner: alflow people add NAME --role owner")


def role(
    name: _Name,
    role: Annotated[Role, typer.Argument(help="annotator, reviewer, engineer or owner.")],
    projects: _Projects = None,
    everywhere: _Everywhere = False,
) -> None:
    """Give somebody a role in a project, in place of the one they have there."""
    from alflow.workflow.people.accounts import find_account, set_role

    workspace = open_workspace()
    account, chosen = find_account(workspace, name), _chosen(workspace, projects, everywhere=everywhere)
    for project in chosen:
        set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
    say(f"{account.name} is {role} of {_names(chosen)}")


def remove(name: _Name, projects: _Projects = None, everywhere: _Everywhere = False) -> None:
    """Take somebody's role in a project; their answers stay."""
    from alflow.workflow.people.accounts import find_account, remove_member

    workspace = open_workspace()
    account, chosen = find_account(workspace, name), _chosen(workspace, projects, everywhere=everywhere)
    for project in chosen:
        remove_member(workspace, project.id, account.annotator_id, by=OPERATOR)
    say(f"{account.name} has no role in {_names(chosen)} any more")


def deactivate(name: _Name) -> None:
    """Stop somebody from signing in, and end their sessions; roles and answers stay."""
    from alflow.workflow.people.accounts import find_account, set_active

    workspace = open_workspace()
    account = find_account(workspace, name)
    set_active(workspace, account.annotator_id, active=False)
    say(f"{account.name} cannot sign in any more")


def activate(name: _Name) -> None:
    """Let a deactivated account sign in again."""
    from alflow.workflow.people.accounts import find_account, set_active

    workspace = open_workspace()
    account = find_account(workspace, name)
    set_active(workspace, account.annotator_id, active=True)
    say(f"{account.name} can sign in again")


def reset(name: _Name, password_stdin: _FromStdin = False) -> None:
    """Print a link with which somebody sets a new password within a day, or set one from the standard input."""
    from alflow.workflow.people.accounts import find_account, set_password
    from alflow.workflow.people.invitations import invite_to_reset

    workspace = open_workspace()
    account = find_account(workspace, name)
    if password_stdin:
        set_password(workspace, account.annotator_id, _password(from_stdin=True))
        say(f"{account.name} has a new password, and is signed out everywhere")
        return
    say(_link(workspace, invite_to_reset(workspace, account.annotator_id)))


def email(name: _Name, address: Annotated[str, typer.Argument(help="E-mail address of the identity.")]) -> None:
    """Let the identity with this verified address sign in to an account that is there."""
    from alflow.workflow.people.accounts import find_account, set_email

    workspace = open_workspace()
    account = find_account(workspace, name)
    set_email(workspace, account.annotator_id, address)
    say(f"{address} signs in as {account.name}")


def _chosen(workspace: "Workspace", names: list[str] | None, *, everywhere: bool) -> "list[Project]":
    from alflow.workflow.projects.projects import list_projects

    if everywhere:
        return list_projects(workspace)
    return [choose_project(workspace, name) for name in names] if names else [choose_project(workspace, None)]


def _password(*, from_stdin: bool) -> str:
    """Typed twice without being shown, or the first line of the standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _link(workspace: "Workspace", token: str) -> str:
    return f"{workspace.settings.address}/invitation?token={token}"


def _with(role: Role | None, projects: "list[Project]") -> str:
    return "" if role is None else f" and is {role} of {_names(projects)}"


def _names(projects: "list[Project]") -> str:
    return ", ".join(project.name for project in projects) or "no project: there is none"
