"""Web servers may redirect a request, but not from the internet into the network that alflow runs in."""

import asyncio
import ipaddress
import socket
from functools import lru_cache
from typing import Any, Final

from aiohttp import ClientSession, TraceConfig, TraceRequestRedirectParams
from yarl import URL

from alflow.errors import InvalidInputError

_MOVED_TO: Final = ("Location", "URI")  # what aiohttp goes by


@lru_cache(maxsize=1)
def guard() -> TraceConfig:
    """What a session of aiohttp calls before it follows a redirect; one object, so that sessions can be shared."""
    trace = TraceConfig()
    trace.on_request_redirect.append(refuse_inward)
    return trace


async def refuse_inward(_session: ClientSession, _context: Any, step: TraceRequestRedirectParams) -> None:
    """Refuse a redirect from a public address to one of this machine or network.

    Raises:
        InvalidInputError: it is such a redirect.
    """
    place = next((step.response.headers[name] for name in _MOVED_TO if name in step.response.headers), "")
    target = step.url.join(URL(place))
    if target.host != step.url.host and await _is_inside(target.host) and not await _is_inside(step.url.host):
        raise InvalidInputError(f"{step.url.host} sends on to {target.host}, which is inside this network")


async def _is_inside(host: str | None) -> bool:
    """Whether a host name resolves to an address that is not public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host or "", None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # it does not resolve
    return any(not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found)
