"""Bodies of requests: bounded, and JSON that means one thing, before anything else reads them."""

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alflow.errors import InvalidInputError, TryLaterError
from alflow.ui.door.body import parsed, received
from alflow.ui.door.refusals import refusal, refused

LARGEST: Final = 4_000_000
"""Bytes of a body: a thousand addresses, or a few hundred tasks of Label Studio."""

_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Bodies:
    """ASGI middleware: reads the body, refuses what is too large, no JSON, or nested too deeply, and passes it on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await received(request, LARGEST, "the request")
        except InvalidInputError as error:
            await refusal(413, str(error))(scope, receive, send)
            return
        except TryLaterError as error:
            await refused(error)(scope, receive, send)
            return
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            await refusal(415, "the request does not say that it is JSON")(scope, receive, send)
            return
        try:
            parsed(body, "the request")
        except InvalidInputError as error:
            await refused(error)(scope, receive, send)
            return
        await self.app(scope, _replayed(body, receive), send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
