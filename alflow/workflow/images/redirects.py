"""Web servers may send a request on, but not from outside into the network that alflow runs in."""

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
    """What a session of aiohttp asks before it follows; one object, so that sessions can be shared."""
    trace = TraceConfig()
    trace.on_request_redirect.append(refuse_inward)
    return trace


async def refuse_inward(_session: ClientSession, _context: Any, step: TraceRequestRedirectParams) -> None:
    """End a request that is sent from a public address to one of this machine or network.

    Raises:
        InvalidInputError: it is sent there.
    """
    place = next((step.response.headers[name] for name in _MOVED_TO if name in step.response.headers), "")
    target = step.url.join(URL(place))
    if target.host != step.url.host and await _is_inside(target.host) and not await _is_inside(step.url.host):
        raise InvalidInputError(f"{step.url.host} sends on to {target.host}, which is inside this network")


async def _is_inside(host: str | None) -> bool:
    """Whether a name leads to an address that the public network does not have."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host or "", None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # it leads nowhere
    return any(not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found)
