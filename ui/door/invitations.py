"""The page of an invitation's link: create an account, set a new password, or join with an existing account."""

from collections import defaultdict
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alflow.accounts import Visitor
from alflow.errors import AlflowError, DeniedError
from alflow.ui.door import forms as door
from alflow.ui.door import onward, pools
from alflow.ui.door.forms import Field, Form
from alflow.workflow.people import invitations, passwords
from alflow.workflow.people.invitations import Offer

PATH = "/invitation"
_NOTHING = Form("invitation", "An invitation to label.", links=[("Sign in", onward.SIGN_IN)])


def link(address: str, token: str) -> str:
    """The link to send to the invited person."""
    return f"{address}{PATH}?{urlencode({'token': token})}"


def look(request: Request) -> Response:
    """Show what the link offers."""
    token = request.query_params.get("token", "")
    try:
        offer = invitations.look_at(door.doorkeeper(request).workspace, token)
    except AlflowError as error:
        return door.refusal(_NOTHING, error)
    return door.page(_form(offer, defaultdict(str, request.query_params), request.state.visitor))


async def accept(request: Request) -> Response:
    """Accept the offer, and redirect to the pages."""
    workspace, visitor = door.doorkeeper(request).workspace, request.state.visitor
    try:
        sent = await door.sent(request)
        token, place = sent["token"], onward.safe(sent[onward.FIELD])
        offer = await run_in_threadpool(invitations.look_at, workspace, token)
    except AlflowError as error:
        return door.refusal(_NOTHING, error)
    try:
        if _joins(offer, visitor):
            await run_in_threadpool(invitations.join, workspace, visitor, token)
            return RedirectResponse(place, status_code=303)
        session = await pools.PASSWORDS.run(invitations.accept, workspace, token, sent["name"], sent["password"])
        return await run_in_threadpool(door.enter, request, session, place)
    except DeniedError as error:
        return door.refusal(_NOTHING, error)
    except AlflowError as error:
        return door.refusal(_form(offer, sent, visitor), error)


ROUTES = [Route(PATH, look, methods=["GET"]), Route(PATH, accept, methods=["POST"])]


def _joins(offer: Offer, visitor: Visitor | None) -> bool:
    return offer.project is not None and visitor is not None and not visitor.everywhere


def _form(offer: Offer, asked: defaultdict[str, str], visitor: Visitor | None) -> Form:
    token, place = asked["token"], onward.safe(asked[onward.FIELD])
    carried = [*door.carried("token", token), *door.carried(onward.FIELD, place)]
    password = Field(
        "New password", "password", "new-password", "password", hint=f"At least {passwords.SHORTEST} characters"
    )
    if offer.project is None:
        called = Field("", "username", "username", "hidden", offer.name or "")
        lead = f"A new password for {offer.name}. You will be signed out everywhere else."
        return Form("new password", lead, PATH, [*carried, called, password], "Set password")
    lead = f"You are invited to {offer.project.name} as {offer.role}."
    if visitor is not None and _joins(offer, visitor):
        return Form("invitation", lead, PATH, carried, f"Join as {visitor.annotator.name}")
    fields = [*carried, Field("Your name", "name", "username", value=asked["name"]), password]
    sign_in = onward.with_place(onward.SIGN_IN, place, invitation=token)
    return Form("invitation", lead, PATH, fields, "Make my account", [("I have an account", sign_in)])
