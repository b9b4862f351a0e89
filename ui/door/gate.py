"""The one gate: before every page, image, answer and websocket it checks who the visitor is and what their role allows.

People come with the cookie of their session, programs with a token in `Authorization`, which counts below `/api/` only:
no browser sends it by itself, so no other site's page can use it.

A page that is open stays so over a websocket. Each of its messages is checked too: when somebody signed out, was
deactivated or lost a role, the connection is closed, and the page starts anew with their current rights.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alflow.accounts import Visitor
from alflow.ui.door import access, allowances, onward, origin
from alflow.ui.door.refusals import refusal
from alflow.workflow.people import sign_in, tokens
from alflow.workspace import Workspace

STAMP: Final = "x-alflow-visitor"
"""Header by which Streamlit learns whose websocket it is: it gives nobody the script state of another visitor."""
_SIGNED_OUT: Final = 4401
_FOREIGN: Final = (
    "This request comes from a page of another site. If it does not, a proxy has changed its Host: set "
    "ALFLOW_PUBLIC_URL to the address that people open."
)


@dataclass(frozen=True)
class Doorkeeper:
    """Reads and names the session's cookie."""

    workspace: Workspace

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies of one host do not tell ports apart, so it does."""
        return f"alflow_{self.workspace.settings.port}"

    @property
    def device_cookie(self) -> str:
        """The name of the cookie by which a browser is known to the accounts that signed in there."""
        return f"{self.cookie}_device"

    def visitor(self, cookies: Mapping[str, str], *, used: bool = False) -> Visitor | None:
        """The visitor with these cookies; `used` if the request shows that a person is active."""
        return sign_in.visitor(self.workspace, cookies.get(self.cookie), used=used)

    def program(self, authorization: str) -> Visitor | None:
        """Whom the program acts for that sends this header."""
        return tokens.visitor_with(self.workspace, secret_in(authorization))


def secret_in(authorization: str) -> str:
    """The token of a header: `Bearer TOKEN`, or the password of `Basic`, which is all that some programs can send."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


class Gate:
    """ASGI middleware: passes authorised requests, redirects pages to the sign-in form, refuses everything else."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self.app = app
        self.doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, redirect or refuse; `scope["state"]` then carries the visitor."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        visitor = await self._visitor(connection, used=True)
        connection.state.visitor = visitor
        connection.state.doorkeeper = self.doorkeeper
        refusal = self._refusal(connection, visitor)
        if refusal is None and scope["type"] == "websocket" and visitor is not None:
            await self._watched(_stamped(scope, visitor), receive, send, visitor)
        elif refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _SIGNED_OUT, "reason": "sign in first"})
        else:
            await refusal(scope, receive, send)

    async def _visitor(self, connection: HTTPConnection, *, used: bool) -> Visitor | None:
        path, shown = connection.scope["path"], connection.headers.get("authorization")
        if path.startswith(access.OF_TOKENS) or (path.startswith(access.FOR_PROGRAMS) and shown):
            return await run_in_threadpool(self.doorkeeper.program, shown or "")
        return await run_in_threadpool(self.doorkeeper.visitor, connection.cookies, used=used)

    def _refusal(self, connection: HTTPConnection, visitor: Visitor | None) -> Response | None:
        """The response that refuses this request; None if it may pass."""
        path = connection.scope["path"]
        is_foreign = origin.is_foreign(connection, self.doorkeeper.workspace.settings.public_url)
        if path.startswith(access.FOR_PROGRAMS):
            return refusal(403, _FOREIGN) if is_foreign else _for_programs(path, visitor)
        if is_foreign:
            return PlainTextResponse(_FOREIGN, 403)
        if path in access.OPEN:
            return None
        return _stranger(connection) if visitor is None else _limits(connection, visitor)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """A websocket whose every message is of the visitor who opened it, with the roles of that moment."""
        connection, closed = HTTPConnection(scope), False

        async def checked() -> Message:
            nonlocal closed
            message = await receive()
            if message["type"] == "websocket.receive":
                while wait := allowances.MESSAGES.take(visitor.annotator.id):
                    await anyio.sleep(wait)  # reading no further is what a sender feels
                now = await self._visitor(connection, used=False)
                if now is None or now.stamp != visitor.stamp:
                    closed = True
                    await send({"type": "websocket.close", "code": _SIGNED_OUT, "reason": "your roles changed"})
                    return {"type": "websocket.disconnect", "code": _SIGNED_OUT}
            return message

        async def while_open(message: Message) -> None:
            if not closed:
                await send(message)

        await self.app(scope, checked, while_open)


def _for_programs(path: str, visitor: Visitor | None) -> Response | None:
    """The refusal of a program's request; None if it may pass."""
    if visitor is None:
        return refusal(401, "there is no token, or one that does not count (any more)")
    if access.is_nowhere(path):
        return refusal(404, f"there is nothing at {path[:200]}")
    needs = access.needed(path)
    if needs is not None and visitor.role_in(needs[1]) is None:
        return refusal(403, "this token is not for this project")
    if needs is not None and not visitor.may(*needs):
        return refusal(403, f"this needs the role {needs[0]}, and the token's person is {visitor.role_in(needs[1])}")
    if visitor.scope is not None and not access.allows(visitor.scope, path):
        return refusal(403, f"the scope of this token, {visitor.scope}, does not allow this")
    return None


def _stranger(connection: HTTPConnection) -> Response:
    """The response to somebody who has not signed in."""
    if "text/html" in connection.headers.get("accept", ""):
        return RedirectResponse(onward.to_sign_in(connection), status_code=303)
    return PlainTextResponse("Sign in first.", 401)


def _limits(connection: HTTPConnection, visitor: Visitor) -> Response | None:
    """The response to somebody who has signed in but may not do this; None if they may."""
    path, method = connection.scope["path"], connection.scope.get("method", "GET")
    if access.is_nowhere(path):
        return PlainTextResponse("There is nothing here.", 404)
    if access.is_read_only(path) and method not in {"GET", "HEAD"}:
        return PlainTextResponse("Nothing is taken here.", 403)
    needs = access.needed(path)
    if needs is not None and not visitor.may(*needs):
        return JSONResponse({"reason": "Your role in this project does not allow this."}, 403)
    return None


def _stamped(scope: Scope, visitor: Visitor) -> Scope:
    """The visitor's stamp, and as host the one that the browser sees.

    Streamlit compares `Host` with `Origin` once more, letter by letter; the gate has done so with more care.
    """
    seen = Headers(scope=scope).get("origin", "").partition("://")[2]
    ours = {STAMP: visitor.stamp, **({"host": seen} if seen else {})}
    headers = [(name, value) for name, value in scope["headers"] if name.lower().decode("latin-1") not in ours]
    return {**scope, "headers": [*headers, *((name.encode(), value.encode()) for name, value in ours.items())]}
