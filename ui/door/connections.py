"""Limits on open connections: in all, from one address, and for how long somebody may take to say what they want.

The server itself has none of these. Connections are counted where they come in, before a request is read: too many are
answered with 503 (in all) or 429 (of one address). Who has not sent a whole head of a request after some seconds is
cut off (408), so that a few machines that send a byte now and then do not take all the places. A proxy that is trusted
speaks for many: what it passes on is counted once more, under the addresses that it names (`Crowd`).
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

import uvicorn.config
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from alflow.settings import Settings
from alflow.ui.door import address

HEAD_SECONDS: Final = 20.0
"""For the head of a request, from the opening of a connection, or from the first byte of a later request."""

_AGAIN_SECONDS: Final = 5
_LINGER_SECONDS: Final = 2.0  # so that who still sends reads the answer before the connection is gone
_TOO_MANY: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many connections are open: try again in a moment.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many connections are open from your address: close some tabs, or wait.",
}
_LATE: Final = "The request did not arrive in time."


@dataclass
class Limits:
    """How many connections may be open, and which are."""

    in_all: int
    per_address: int
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    opened: dict[asyncio.Transport, str] = field(default_factory=dict)

    def enter(self, transport: asyncio.Transport) -> HTTPStatus | None:
        """Count a connection until it closes; why it may not stay, if so."""
        self.opened = {one: who for one, who in self.opened.items() if not one.is_closing()}
        said = str((transport.get_extra_info("peername") or ("",))[0])
        who = address.counted(said)
        if len(self.opened) >= self.in_all:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if sum(one == who for one in self.opened.values()) >= self.per_address and not self._is_proxy(said):
            return HTTPStatus.TOO_MANY_REQUESTS
        self.opened[transport] = who
        return None

    def _is_proxy(self, said: str) -> bool:
        try:
            found = ip_address(said.partition("%")[0].removeprefix("::ffff:"))
        except ValueError:
            return False
        return any(found in network for network in self.proxies)


_limits: Final = Limits(in_all=800, per_address=200)


def limit(settings: Settings) -> None:
    """Let the server that this process starts keep to the limits; call it before the server starts."""
    _limits.in_all, _limits.per_address = settings.connections, settings.connections_per_address
    _limits.proxies = [ip_network(each, strict=False) for each in settings.proxies]
    # Streamlit starts the server, and lets nobody choose its protocol but the one that uvicorn calls `auto`.
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{Guarded.__name__}"


class Guarded(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """The server's side of one connection, with the limits."""

    _refused = False
    _upgraded = False
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Count it, or refuse it."""
        super().connection_made(transport)
        if (status := _limits.enter(transport)) is not None:
            self._refuse(status, _TOO_MANY[status])
        else:
            self._wait_for_a_head()

    def data_received(self, data: bytes) -> None:
        """Read on, while the head of a request may still come."""
        if self._refused:
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._late is None and not self.transport.is_closing() and not self._upgraded:
            self._wait_for_a_head()

    def handle_websocket_upgrade(self, *event: Any) -> None:
        """A websocket has said what it wants; it goes on being counted."""
        self._stop_waiting()
        self._upgraded = True
        super().handle_websocket_upgrade(*event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_a_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT, _LATE)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._refused = True
        body = why.encode()
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(body)}",
            f"retry-after: {_AGAIN_SECONDS}",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


class Crowd:
    """ASGI middleware: so many requests and websockets of one address at once, as a trusted proxy names it."""

    def __init__(self, app: ASGIApp, per_address: int) -> None:
        self.app = app
        self.per_address = per_address
        self._inside: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse with 429."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        who = address.client(HTTPConnection(scope))
        if self._inside[who] >= self.per_address:
            await _turn_away(scope, receive, send)
            return
        self._inside[who] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._inside[who] -= 1
            if not self._inside[who]:
                del self._inside[who]


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket that is refused before it is accepted is answered with a plain response, where the server can."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await receive()
        await send({"type": "websocket.close", "code": 1013, "reason": "too many connections"})
        return
    status = HTTPStatus.TOO_MANY_REQUESTS
    response = PlainTextResponse(_TOO_MANY[status], status.value, {"Retry-After": str(_AGAIN_SECONDS)})
    await response(scope, receive, send)
