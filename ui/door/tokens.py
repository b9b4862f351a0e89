"""The page on which people make tokens for their programs, and end them; a plain form, without a script."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alflow.accounts import ApiToken, Scope, Visitor
from alflow.errors import AlflowError, InvalidInputError
from alflow.ids import ProjectId, TokenId
from alflow.text import plural
from alflow.ui.door import forms as door
from alflow.ui.door.body import whole_number
from alflow.ui.door.forms import Entry, Field, Form
from alflow.workflow.people import tokens
from alflow.workflow.projects.projects import list_projects
from alflow.workspace import Workspace

PATH: Final = "/tokens"
MAY: Final = {
    Scope.READ: "read what I may see",
    Scope.LABEL: "also answer in my name",
    Scope.MANAGE: "also import images (engineers)",
}
_LEAD: Final = "A token lets a program act for you in one project. It is shown once; end it when you need it no more."
_MADE: Final = "Copy the token now: it is not shown again. Send it as `Authorization: Bearer TOKEN`."
_NO_ACCOUNT: Final = (
    "Tokens belong to accounts, and you came by the link of the terminal: `alflow people add NAME` first."
)
_NO_ROLE: Final = "You have no role in any project yet: ask an owner for an invitation."
_LONGEST: Final = 9  # digits of a number


def form(request: Request) -> Response:
    """The tokens that there are, and a form for a new one."""
    return door.page(_form(door.doorkeeper(request).workspace, request.state.visitor))


async def change(request: Request) -> Response:
    """Make a token, or end one."""
    workspace, visitor = door.doorkeeper(request).workspace, request.state.visitor
    try:
        sent = await door.sent(request)
        secret = await run_in_threadpool(_change, workspace, visitor, sent)
    except AlflowError as error:
        return door.refusal(await run_in_threadpool(_form, workspace, visitor), error)
    made = await run_in_threadpool(_form, workspace, visitor)
    return door.page(replace(made, lead=_MADE, secret=secret) if secret else made)


ROUTES = [Route(PATH, form, methods=["GET"]), Route(PATH, change, methods=["POST"])]


def _change(workspace: Workspace, visitor: Visitor, sent: defaultdict[str, str]) -> str:
    """Do what the form says; the secret of a new token.

    Raises:
        InvalidInputError: it does not say what, or a field cannot be used.
    """
    if sent["end"]:
        tokens.end_token(workspace, TokenId(_number(sent["end"])), by=visitor)
        return ""
    if sent["scope"] not in set(Scope):
        raise InvalidInputError(f"a token may {', '.join(Scope)}: choose one")
    project = ProjectId(_number(sent["project"]))
    asked = (sent["name"], Scope(sent["scope"]), _number(sent["days"]))
    return tokens.make_token(workspace, project, visitor.annotator.id, *asked)[1]


def _form(workspace: Workspace, visitor: Visitor) -> Form:
    mine = [each for each in list_projects(workspace) if visitor.role_in(each.id)]
    if visitor.everywhere or not mine:
        lead = _NO_ACCOUNT if visitor.everywhere else _NO_ROLE
        return Form("API tokens", lead, links=[("Back to the images", "/")])
    names = {each.id: each.name for each in mine}
    fields = [
        Field("For what", "name", "off", hint="The program, in your words"),
        Field("In the project", "project", "off", choices=[(str(id_), name) for id_, name in names.items()]),
        Field("It may", "scope", "off", choices=[(scope.value, may) for scope, may in MAY.items()]),
        Field("For how many days", "days", "off", "number", str(tokens.DAYS)),
    ]
    held = tokens.own_tokens(workspace, visitor.annotator.id)
    entries = [
        Entry(each.name, _details(each, names), Field("", "end", "off", "hidden", str(each.id)), "End") for each in held
    ]
    return Form("API tokens", _LEAD, PATH, fields, "Make a token", [("Back to the images", "/")], entries=entries)


def _details(token: ApiToken, names: dict[ProjectId, str]) -> str:
    return f"{token.scope} in {names.get(token.project_id, '?')}; {said_of(token)}"


def said_of(token: ApiToken) -> str:
    """When a token was used last and until when it counts, in words."""
    used = f"used on {token.used_at:%Y-%m-%d}" if token.used_at else "never used"
    left = ceil((token.expires_at - datetime.now(UTC)) / timedelta(days=1))
    return f"{used}, {plural(left, 'day')} left"


def _number(typed: str) -> int:
    """What was typed as a number.

    Raises:
        InvalidInputError: it is none.
    """
    if (number := whole_number(typed, _LONGEST)) is None:
        raise InvalidInputError("a number is missing: fill in the form again")
    return number
