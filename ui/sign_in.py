"""Who may come in: a secret link, a signed cookie, and a gate before every page, image, answer and websocket.

Until there are accounts, whoever holds the link printed in the terminal may sign in under a name of their choice. The
cookie is signed with a key derived from that link's token, so a new token signs everybody out.
"""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from alflow.domain import Annotator
from alflow.workflow import label
from ui import services

PATH = "/sign-in"
LEAVE = "/sign-out"
DAYS = 7
NAME_LENGTH = 60
SECONDS_A_DAY = 86_400
OPEN_TO_ALL = frozenset({PATH, LEAVE, "/_stcore/health"})
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # the address holds the token; the form's own POST needs its origin
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'",
    "X-Frame-Options": "DENY",
}
PAGE = Template(Path(__file__).with_name("sign_in.html").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Doorkeeper:
    """Checks link tokens, signs and reads cookies.

    Attributes:
        token: the secret of the sign-in link.
        port: part of the cookie's name, since cookies of one host do not tell ports apart.
    """

    token: str
    port: int

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"alflow_{self.port}"

    def knows(self, token: str) -> bool:
        """Whether this is the token of the link; an unset token opens nothing."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())

    def sign(self, annotator: Annotator, now: float | None = None) -> str:
        """A cookie value that says who it is, for `DAYS` days."""
        until = int((time.time() if now is None else now) + DAYS * SECONDS_A_DAY)
        body = f"{annotator.id}.{base64.urlsafe_b64encode(annotator.name.encode()).decode()}.{until}"
        return f"{body}.{self._signature(body)}"

    def read(self, value: str | None, now: float | None = None) -> Annotator | None:
        """The annotator, or None when the value is missing, forged or too old."""
        body, _, signature = (value or "").rpartition(".")
        if not self.token or not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return None
        number, name, until = body.split(".")  # we signed it: the form is ours
        if int(until) < (time.time() if now is None else now):
            return None
        return Annotator(int(number), base64.urlsafe_b64decode(name).decode())

    def annotator(self, connection: HTTPConnection) -> Annotator | None:
        """Who sends this request or opens this websocket."""
        return self.read(connection.cookies.get(self.cookie))

    def _signature(self, body: str) -> str:
        key = hmac.digest(self.token.encode(), b"alflow sign-in cookie", hashlib.sha256)
        return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


class Gate:
    """ASGI middleware: lets signed-in people pass, sends pages to the sign-in form, refuses everything else."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self.app = app
        self.doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, redirect or refuse; `scope["state"]` then carries the annotator."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        annotator = self.doorkeeper.annotator(connection)
        connection.state.annotator = annotator
        connection.state.doorkeeper = self.doorkeeper
        foreign = _is_foreign(connection)
        if not foreign and (annotator is not None or scope["path"] in OPEN_TO_ALL):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": "sign in first"})
        else:
            await _refusal(connection, foreign=foreign)(scope, receive, send)


async def form(request: Request) -> Response:
    """The sign-in form; a token in the address is carried over, so that only a name is asked for."""
    token, name = request.query_params.get("token", ""), request.query_params.get("name", "")
    if token and not _doorkeeper(request).knows(token):
        return _page("", name, "This link is not valid any more: open the one printed in the terminal.", 403)
    return _page(token, name, "", 200)


async def enter(request: Request) -> Response:
    """Check token and name, set the cookie, go to the pages."""
    fields = await request.form()
    token, name = str(fields.get("token", "")).strip(), " ".join(str(fields.get("name", "")).split())
    if not _doorkeeper(request).knows(token):
        return _page("", name, "That is not the token printed in the terminal.", 403)
    if not name or len(name) > NAME_LENGTH:
        return _page(token, name, f"Please give a name of 1 to {NAME_LENGTH} characters.", 422)
    response = RedirectResponse("/", status_code=303)
    annotator = await run_in_threadpool(label.sign_in, services.current().workspace, name)
    response.set_cookie(
        _doorkeeper(request).cookie,
        _doorkeeper(request).sign(annotator),
        max_age=DAYS * SECONDS_A_DAY,
        httponly=True,
        samesite="lax",
    )
    return response


async def leave(request: Request) -> Response:
    """Forget who is signed in."""
    response = RedirectResponse(PATH, status_code=303)
    response.delete_cookie(_doorkeeper(request).cookie, httponly=True, samesite="lax")
    return response


ROUTES = [
    Route(PATH, form, methods=["GET"]),
    Route(PATH, enter, methods=["POST"]),
    Route(LEAVE, leave, methods=["GET"]),
]


def _is_foreign(connection: HTTPConnection) -> bool:
    """Whether another site's page makes this browser speak to us (cookies of localhost know no ports)."""
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != connection.headers.get("host")


def _refusal(connection: HTTPConnection, *, foreign: bool) -> Response:
    if foreign:
        return PlainTextResponse("This request comes from a page of another site.", 403)
    if "text/html" in connection.headers.get("accept", ""):
        return RedirectResponse(PATH, status_code=303)
    return PlainTextResponse("Sign in first.", 401)


def _doorkeeper(request: Request) -> Doorkeeper:
    doorkeeper = request.state.doorkeeper
    assert isinstance(doorkeeper, Doorkeeper)
    return doorkeeper


def _page(token: str, name: str, problem: str, status: int) -> HTMLResponse:
    body = PAGE.substitute(
        token=escape(token),
        name=escape(name),
        problem=escape(problem),
        token_type="hidden" if token else "password",
        hidden="hidden" if token else "",
    )
    return HTMLResponse(body, status, HEADERS)
