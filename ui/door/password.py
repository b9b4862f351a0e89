"""The page on which people change their own password; a plain form, for password managers."""

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
from alflow.workflow.people import passwords, sign_in

PATH: Final = "/password"
CHANGED: Final = f"{PATH}?changed"
_BACK: Final = [("Back to the images", "/")]
_DONE: Final = Form("password", "Your password is changed. You are signed out everywhere else.", links=_BACK)


def form(request: Request) -> Response:
    """The form; without a password it says why there is none."""
    return door.page(_DONE if "changed" in request.query_params else _form(request.state.visitor))


async def change(request: Request) -> Response:
    """Set the new password; the browser continues in a new session."""
    visitor, workspace = request.state.visitor, door.doorkeeper(request).workspace
    try:
        sent = await door.sent(request)
        device = door.device(request)
        asked = (visitor, sent["old"], _typed_twice(sent), address.client(request), device)
        token = await pools.PASSWORDS.run(sign_in.change_password, workspace, *asked)
    except AlflowError as error:
        return door.refusal(_form(visitor), error)
    return door.know(request, await run_in_threadpool(door.enter, request, token, CHANGED), device)


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
    if not visitor.has_password:
        by = "the link of the terminal" if visitor.everywhere else "your organisation"
        return Form("password", f"You sign in by {by}: there is no password to change.", links=_BACK)
    lead = f"Another password for {visitor.annotator.name}. You will be signed out everywhere else."
    at_least = f"At least {passwords.SHORTEST} characters"
    fields = [
        Field("", "username", "username", "hidden", visitor.annotator.name),
        Field("Current password", "old", "current-password", "password"),
        Field("New password", "password", "new-password", "password", hint=at_least),
        Field("New password again", "again", "new-password", "password"),
    ]
    return Form("password", lead, PATH, fields, "Change password", _BACK)
