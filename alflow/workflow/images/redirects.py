"""Web servers may redirect a request, but not from the internet into the network that alflow runs in.

For who names an address from far away, connections themselves are bounded: a host may have another address when it is
connected to than it had when it was looked at.
"""

import asyncio
import socket
from functools import lru_cache
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector, ThreadedResolver, TraceConfig, TraceRequestRedirectParams
from aiohttp.abc import ResolveResult
from yarl import URL

from alflow.errors import InvalidInputError
from alflow.networks import is_public

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


async def public_client(**options: Any) -> ClientSession:
    """A session that connects to public addresses only; what is no name but an address is looked at before."""
    return ClientSession(connector=TCPConnector(resolver=PublicResolver()), **options)


class PublicResolver(ThreadedResolver):
    """Finds the addresses of a name, for the very connection that is made then."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            InvalidInputError: one of them is inside this network.
        """
        found = await super().resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise InvalidInputError(f"{host} is inside this network, which only `alflow import` on the machine reads")
        return found


async def _is_inside(host: str | None) -> bool:
    """Whether a host name resolves to an address that is not public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host or "", None, type=socket.SOCK_STREAM)
    except OSError:
        return False  # it does not resolve
    return not all(is_public(str(address[0])) for *_, address in found)
