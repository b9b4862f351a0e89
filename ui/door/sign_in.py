"""Sign in and out: by name and password or an identity; before there are accounts by the terminal's link."""

from collections import defaultdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError, DeniedError
from alflow.ui.door import address, identity, onward, pools
from alflow.ui.door import forms as door
from alflow.ui.door.forms import Field, Form
from alflow.workflow.people import sign_in
from alflow.workspace import Workspace

PATH = onward.SIGN_IN
LEAVE = "/sign-out"
LEAD = "Label the images that matter most."
NAME_LENGTH = 60
STALE_LINK = "this link is no longer valid: open the one printed in the terminal"


def form(request: Request) -> Response:
    """The sign-in form; the link's token in the address is carried over, so that only a name is asked for."""
    if identity.is_brought(request):
        return _enter_identity(request)
    asked = defaultdict(str, request.query_params)
    workspace, token = door.doorkeeper(request).workspace, asked["token"]
    if sign_in.has_accounts(workspace) or not workspace.settings.is_local:
        return door.page(_account_form(workspace, asked))
    if token and not sign_in.knows_link(workspace, token):
        return door.page(_link_form(workspace, asked | {"token": ""}), STALE_LINK, 403)
    return door.page(_link_form(workspace, asked))


async def enter(request: Request) -> Response:
    """Check the form, set the cookie, and redirect to the wanted page."""
    workspace = door.doorkeeper(request).workspace
    try:
        sent = await door.sent(request)
    except AlflowError as error:
        return door.refusal(_link_form(workspace, defaultdict(str)), error)
    if "password" in sent:
        return await _enter_account(request, sent)
    name = " ".join(sent["name"].split())
    if len(name) > NAME_LENGTH:
        return door.page(_link_form(workspace, sent), f"a name needs 1 to {NAME_LENGTH} characters", 422)
    return await run_in_threadpool(_enter_link, request, sent)


def ask(request: Request) -> Response:
    """The form that signs out by POST; a link must not, since pages of other sites could trigger it."""
    visitor = request.state.visitor
    if visitor is None:
        return RedirectResponse(PATH, status_code=303)
    lead = f"You are signed in as {visitor.annotator.name}."
    return door.page(Form("sign out", lead, LEAVE, button="Sign out", links=[("Back to the images", "/")]))


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
    Route(LEAVE, ask, methods=["GET"]),
    Route(LEAVE, leave, methods=["POST"]),
]


def _enter_identity(request: Request) -> Response:
    workspace = door.doorkeeper(request).workspace
    place = identity.place(request)
    try:
        response = door.enter(request, identity.enter(workspace, request), place)
    except AlflowError as error:
        response = door.refusal(_account_form(workspace, defaultdict(str, {onward.FIELD: place})), error)
    return identity.forget(request, response)


async def _enter_account(request: Request, sent: defaultdict[str, str]) -> Response:
    workspace = door.doorkeeper(request).workspace
    device = door.device(request)
    typed = (" ".join(sent["name"].split()), sent["password"])
    try:
        session = await pools.PASSWORDS.run(sign_in.sign_in, workspace, *typed, address.client(request), device)
    except AlflowError as error:
        return door.refusal(_account_form(workspace, sent), error)
    return door.know(request, await run_in_threadpool(door.enter, request, session, _place(sent)), device)


def _enter_link(request: Request, sent: defaultdict[str, str]) -> Response:
    workspace = door.doorkeeper(request).workspace
    try:
        session = sign_in.sign_in_by_link(workspace, sent["token"].strip(), sent["name"])
    except DeniedError as error:
        return door.refusal(_link_form(workspace, sent | {"token": ""}), error)
    except AlflowError as error:
        return door.refusal(_link_form(workspace, sent), error)
    return door.enter(request, session, onward.safe(sent[onward.FIELD]))


def _account_form(workspace: Workspace, asked: defaultdict[str, str]) -> Form:
    fields = [
        Field("Name", "name", "username", value=asked["name"]),
        Field("Password", "password", "current-password", "password"),
        *door.carried("invitation", asked["invitation"]),
        *_carried(asked),
    ]
    return Form("sign in", LEAD, PATH, fields, "Sign in", _offers(workspace, asked))


def _link_form(workspace: Workspace, asked: defaultdict[str, str]) -> Form:
    typed = Field("Token from the terminal", "token", "off", "password")
    token = door.carried("token", asked["token"]) or [typed]
    fields = [*token, Field("Your name", "name", "nickname", value=asked["name"]), *_carried(asked)]
    return Form("sign in", LEAD, PATH, fields, "Sign in", _offers(workspace, asked))


def _place(asked: defaultdict[str, str]) -> str:
    """The next page: the invitation, if there is one, and through it the wanted page."""
    place = onward.safe(asked[onward.FIELD])
    if not asked["invitation"]:
        return place
    return onward.with_place("/invitation", place, token=asked["invitation"])


def _carried(asked: defaultdict[str, str]) -> list[Field]:
    place = onward.safe(asked[onward.FIELD])
    return door.carried(onward.FIELD, "" if place == onward.HOME else place)


def _offers(workspace: Workspace, asked: defaultdict[str, str]) -> list[tuple[str, str]]:
    if not workspace.settings.oidc_client_id:
        return []
    return [(identity.OFFER, onward.with_place(identity.PATH, _place(asked)))]
