"""The page on which people change their own password, and where there is no account yet, make the first one.

Plain forms, for password managers.
"""

from collections.abc import Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alflow.accounts import Visitor
from alflow.errors import AlflowError, InvalidInputError
from alflow.ui.door import address, pools
from alflow.ui.door import forms as door
from alflow.ui.door.forms import Field, Form
from alflow.workflow.people import accounts, passwords, sign_in

PATH: Final = "/password"
CHANGED: Final = f"{PATH}?changed"
PEOPLE: Final = "/people"
_BACK: Final = [("Back to the images", "/")]
_DONE: Final = Form("password", "Your password is changed. You are signed out everywhere else.", links=_BACK)


def form(request: Request) -> Response:
    """The form; without a password it says why there is none."""
    return door.page(_DONE if "changed" in request.query_params else _form(request.state.visitor))


async def change(request: Request) -> Response:
    """Set the new password, or make the first account; the browser continues in a new session."""
    visitor, workspace = request.state.visitor, door.doorkeeper(request).workspace
    try:
        sent = await door.sent(request)
        device = door.device(request)
        new, place = _typed_twice(sent), PEOPLE if visitor.everywhere else CHANGED
        if visitor.everywhere:
            token = await pools.PASSWORDS.run(accounts.make_first_account, workspace, visitor, new)
        else:
            asked = (visitor, sent["old"], new, address.client(request), device)
            token = await pools.PASSWORDS.run(sign_in.change_password, workspace, *asked)
    except AlflowError as error:
        return door.refusal(_form(visitor), error)
    return door.know(request, await run_in_threadpool(door.enter, request, token, place), device)


ROUTES = [Route(PATH, form, methods=["GET"]), Route(PATH, change, methods=["POST"])]


def _typed_twice(sent: Mapping[str, str]) -> str:
    """The new password.

    Raises:
        InvalidInputError: the two entries differ.
    """
    if sent["password"] != sent["again"]:
        raise InvalidInputError("the new passwords differ: type the same one twice")
    return sent["password"]


def _form(visitor: Visitor) -> Form:
    name = visitor.annotator.name
    new = [
        Field("New password", "password", "new-password", "password", hint=f"At least {passwords.SHORTEST} characters"),
        Field("New password again", "again", "new-password", "password"),
    ]
    called = Field("", "username", "username", "hidden", name)
    if visitor.everywhere:
        lead = (
            f"The first account: {name} becomes the owner of every project, and invites others on the People page. "
            "From then on everybody signs in with a password, and the link of the terminal opens nothing any more."
        )
        return Form("password", lead, PATH, [called, *new], "Make my account", _BACK)
    if not visitor.has_password:
        by = "You sign in by your organisation: there is no password to change."
        return Form("password", by, links=_BACK)
    lead = f"Another password for {name}. You will be signed out everywhere else."
    fields = [called, Field("Current password", "old", "current-password", "password"), *new]
    return Form("password", lead, PATH, fields, "Change password", _BACK)
