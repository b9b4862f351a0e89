"""The folder of the host that the pages are in: `/alflow` where people open `https://example.org/alflow`.

Inside the server nothing knows of it. A proxy may pass the prefix on or strip it; here it goes, so that both come out
the same. What the server says to browsers gets it back: redirects, and the path of cookies, which the other programs
of the host then never see. Pages themselves are one folder deep and link relative to it (`below`). The prefix is that
of `ALFLOW_PUBLIC_URL` and of nothing else: a header such as `X-Forwarded-Prefix` is never read, since anybody can
write one.
"""

import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WHOLE_HOST: Final = re.compile(r"(?i)(;\s*path=)/(?=;|$)")


def below(path: str) -> str:
    """The address of one of our paths for a link in a page, wherever the pages are."""
    return f".{path}"


class Prefix:
    """ASGI middleware: takes the prefix off requests, and puts it before redirects and on cookies."""

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without the prefix; who asks for the prefix alone is led into the folder."""
        if not self.prefix or scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == self.prefix:
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{self.prefix}/{query and '?'}{query}", 308)(scope, receive, send)
        else:
            await self.app(self._inside(scope), receive, self._outward(send))

    def _inside(self, scope: Scope) -> Scope:
        path: str = scope["path"]
        if not path.startswith(f"{self.prefix}/"):
            return scope
        raw = scope.get("raw_path")
        return {**scope, "path": path[len(self.prefix) :], "raw_path": raw and raw[len(self.prefix) :]}

    def _outward(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._place(MutableHeaders(scope=message))
            await send(message)

        return sent

    def _place(self, headers: MutableHeaders) -> None:
        to = headers.get("location", "")
        if to.startswith("/") and not to.startswith("//"):
            headers["location"] = self.prefix + to
        if cookies := headers.getlist("set-cookie"):
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", _WHOLE_HOST.sub(rf"\g<1>{self.prefix}", cookie))
