"""Sign in and out: by name and password or an identity; before there are accounts by the terminal's link."""

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError, DeniedError, InvalidInputError
from alflow.workflow import sign_in
from alflow.workspace import Workspace
from ui import address, door, gate, identity, pools
from ui.door import Field, Form

PATH = gate.SIGN_IN
LEAVE = "/sign-out"
LEAD = "Label the images that matter most."
NAME_LENGTH = 60
STALE_LINK = "This link is not valid any more: open the one printed in the terminal."


def form(request: Request) -> Response:
    """The sign-in form; the link's token in the address is carried over, so that only a name is asked for."""
    token, name = request.query_params.get("token", ""), request.query_params.get("name", "")
    workspace = door.doorkeeper(request).workspace
    if identity.is_brought(request):
        return _enter_identity(request)
    if sign_in.has_accounts(workspace) or not workspace.settings.is_local:
        return door.page(_account_form(workspace, name, request.query_params.get("invitation", "")))
    if token and not sign_in.knows_link(workspace, token):
        return door.page(_link_form(workspace, "", name), STALE_LINK, 403)
    return door.page(_link_form(workspace, token, name))


async def enter(request: Request) -> Response:
    """Check what was typed, set the cookie, go to the pages."""
    workspace = door.doorkeeper(request).workspace
    try:
        sent = await door.sent(request)
    except InvalidInputError as error:
        return door.again(_link_form(workspace, "", ""), error)
    name, token = " ".join(sent["name"].split()), sent["token"].strip()
    if "password" in sent:
        return await _enter_account(request, name, sent["password"], sent["invitation"])
    if len(name) > NAME_LENGTH:
        return door.page(
            _link_form(workspace, token, name), f"Please give a name of 1 to {NAME_LENGTH} characters.", 422
        )
    try:
        session = await run_in_threadpool(sign_in.sign_in_by_link, workspace, token, name)
    except DeniedError as error:
        return door.again(_link_form(workspace, "", name), error)
    except AlflowError as error:
        return door.again(_link_form(workspace, token, name), error)
    return door.enter(request, session)


async def leave(request: Request) -> Response:
    """End the session."""
    keeper = door.doorkeeper(request)
    if token := request.cookies.get(keeper.cookie):
        await run_in_threadpool(sign_in.sign_out, keeper.workspace, token)
    response = RedirectResponse(PATH, status_code=303)
    response.delete_cookie(keeper.cookie, httponly=True, samesite="lax")
    return response


ROUTES = [
    *identity.ROUTES,
    Route(PATH, form, methods=["GET"]),
    Route(PATH, enter, methods=["POST"]),
    Route(LEAVE, leave, methods=["GET"]),
]


def _enter_identity(request: Request) -> Response:
    workspace = door.doorkeeper(request).workspace
    try:
        response = door.enter(request, identity.enter(workspace, request))
    except AlflowError as error:
        response = door.again(_account_form(workspace), error)
    return identity.forget(request, response)


async def _enter_account(request: Request, name: str, password: str, invitation: str) -> Response:
    workspace = door.doorkeeper(request).workspace
    try:
        session = await pools.PASSWORDS.run(sign_in.sign_in, workspace, name, password, address.client(request))
    except AlflowError as error:
        return door.again(_account_form(workspace, name, invitation), error)
    where = f"/invitation?{urlencode({'token': invitation})}" if invitation else "/"
    return door.enter(request, session, where)


def _account_form(workspace: Workspace, name: str = "", invitation: str = "") -> Form:
    fields = [
        Field("Name", "name", "username", value=name),
        Field("Password", "password", "current-password", "password"),
    ]
    if invitation:
        fields.append(Field("", "invitation", "off", "hidden", invitation))
    return Form("sign in", LEAD, PATH, fields, "Sign in", _offers(workspace))


def _link_form(workspace: Workspace, token: str, name: str) -> Form:
    asked = Field("Token from the terminal", "token", "off", "password")
    carried = Field("", "token", "off", "hidden", token)
    fields = [carried if token else asked, Field("Your name", "name", "nickname", value=name)]
    return Form("sign in", LEAD, PATH, fields, "Sign in", _offers(workspace))


def _offers(workspace: Workspace) -> list[tuple[str, str]]:
    return [identity.OFFER] if workspace.settings.oidc_client_id else []
