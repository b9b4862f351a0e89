"""`alflow token`: secrets by which programs act for somebody. The person who runs these commands may do everything."""

from typing import Annotated

import typer

from alflow.accounts import OPERATOR, Scope
from alflow.commands.console import new_app, note, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.ids import TokenId


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Tokens by which programs use the HTTP API in somebody's name.")
    group.command("list")(list_tokens)
    group.command("add")(add)
    group.command("end")(end)
    app.add_typer(group, name="token")


def list_tokens(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show the tokens of a project, without their secrets."""
    from alflow.workflow.people.tokens import project_tokens

    workspace = open_workspace()
    found = project_tokens(workspace, choose_project(workspace, project).id)
    if as_json:
        show_json([{"token": token, "person": person.name} for token, person in found])
        return
    rows = [
        (token.id, person.name, token.name, token.scope, token.created_at, token.expires_at, token.used_at)
        for token, person in found
    ]
    show_table(["number", "person", "for", "may", "made", "ends", "last used"], rows)


def add(
    person: Annotated[str, typer.Argument(help="Name of the account that the program acts for.")],
    scope: Annotated[
        Scope, typer.Option(help="read; label: also answer; manage: also import images, for engineers.")
    ] = Scope.LABEL,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    days: Annotated[int, typer.Option(min=1, max=366, help="Days until it ends.")] = 90,
    project: ProjectName = None,
) -> None:
    """Print a new token, once. It may do no more than the person's role in the project allows."""
    from alflow.workflow.people.accounts import find_account
    from alflow.workflow.people.tokens import make_token

    workspace = open_workspace()
    account, chosen = find_account(workspace, person), choose_project(workspace, project)
    made, secret = make_token(workspace, chosen.id, account.annotator_id, name, scope, days)
    say(secret)
    note(f"token {made.id} may {scope} in {chosen.name} as {account.name} for {days} days; it is not shown again")


def end(number: Annotated[int, typer.Argument(help="Number of the token, from `alflow token list`.")]) -> None:
    """End a token at once."""
    from alflow.workflow.people.tokens import end_token

    end_token(open_workspace(), TokenId(number), by=OPERATOR)
    say(f"token {number} lets nobody in any more")
