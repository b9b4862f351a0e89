"""The headers of every response: of errors, redirects and Streamlit's own files too.

The policy lets pages load from this server only: no picture, script or frame of another site, whatever stands in
guidelines or names, and no page of another site around ours. Streamlit needs styles inside the page, one script
inside its frame, which is named by its hash, and modules from memory (`blob:`) for components.
"""

import base64
import hashlib
import logging
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alflow.errors import UnavailableError

_log = logging.getLogger(__name__)
_AGAIN_SECONDS: Final = 5

ALWAYS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # not "no-referrer": a form's POST would come without an origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
HTTPS_ONLY: Final = "max-age=31536000"
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HOST: Final = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class SafeHeaders:
    """ASGI middleware, the outermost: adds the headers, and answers what nobody else did."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on.

        Raises:
            UnavailableError: something does not answer any more, in the middle of an answer.
            Exception: what went wrong inside, once the browser has its answer.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = False

        async def with_headers(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                self._add(MutableHeaders(scope=message), scope)
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except UnavailableError as error:
            _log.warning("%s", error)
            if began:
                raise
            again = {"Retry-After": str(_AGAIN_SECONDS)}
            told = PlainTextResponse("Something that this needs does not answer: try again in a moment.", 503, again)
            await told(scope, receive, with_headers)
        except Exception:
            if not began:
                await PlainTextResponse("Something went wrong here; the log says what.", 500)(
                    scope, receive, with_headers
                )
            raise

    def _add(self, headers: MutableHeaders, scope: Scope) -> None:
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", policy(_websocket(scope, secure=self.https)))
        headers["Cache-Control"] = _private(headers.get("cache-control", "no-store"))
        if self.https or scope["scheme"] == "https":
            headers.setdefault("Strict-Transport-Security", HTTPS_ONLY)


@cache
def policy(websocket: str = "") -> str:
    """What pages may load and do; `websocket` for browsers to whom 'self' means no websocket."""
    return "; ".join((
        "default-src 'self'",
        f"script-src 'self' blob: {' '.join(_frame_scripts())}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        f"connect-src 'self' {websocket}".rstrip(),
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ))


def _frame_scripts() -> list[str]:
    """The scripts inside Streamlit's own frame, by their hashes."""
    frame = Path(streamlit.__file__).with_name("static") / "index.html"
    found = _INLINE.findall(frame.read_text(encoding="utf-8"))
    return [f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in found]


def _websocket(scope: Scope, *, secure: bool) -> str:
    host = Headers(scope=scope).get("host", "")
    scheme = "wss" if secure or scope["scheme"] == "https" else "ws"
    return f"{scheme}://{host}" if _HOST.fullmatch(host) else ""


def _private(kept: str) -> str:
    """Let only the browser cache a response, and no shared proxy."""
    rules = [each.strip() for each in kept.split(",") if each.strip().lower() != "public"]
    return ", ".join(rules if {"private", "no-store"} & {each.lower() for each in rules} else ["private", *rules])
