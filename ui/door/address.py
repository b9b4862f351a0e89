"""The client's network address, by which tries and requests are limited.

Behind a proxy every request comes from the proxy, which says in `X-Forwarded-For` from whom it has it. Anybody can
write that header, so it is believed from the proxies that `ALFLOW_TRUSTED_PROXIES` names and from nobody else. The
server under Streamlit (uvicorn) follows the header to the last hop that is no such proxy; by itself it would believe
whoever is on this machine.
"""

from collections.abc import MutableMapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from starlette.requests import HTTPConnection

from alflow.settings import Settings

UNKNOWN: Final = "unknown"
_BELIEVED: Final = "FORWARDED_ALLOW_IPS"  # uvicorn takes it from the environment: Streamlit passes it nothing
_ONE_LINE: Final = 64  # bits of an IPv6 address that one household or machine is given; it is free to vary the rest


def client(connection: HTTPConnection) -> str:
    """The address to count by: IPv4 as it is, IPv6 by its network, anything else as `UNKNOWN`."""
    return counted(connection.client.host if connection.client else "")


def counted(said: str) -> str:
    """The address to count by, of one as the network says it."""
    try:
        found: IPv4Address | IPv6Address = ip_address(said.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, _ONE_LINE), strict=False))
    return str(found)


def believe(settings: Settings, environment: MutableMapping[str, str]) -> None:
    """Let the server trust the named proxies only; call it before the server starts."""
    named = [ip_network(each, strict=False) for each in settings.proxies]
    # a socket that speaks both protocols gives IPv4 addresses in the form of IPv6
    mapped = [f"::ffff:{each.network_address}/{96 + each.prefixlen}" for each in named if each.version == 4]
    environment[_BELIEVED] = ",".join([*map(str, named), *mapped])


def is_https(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser uses https, so that its cookies may be `Secure`."""
    return connection.url.scheme in {"https", "wss"} or settings.public_url.lower().startswith("https:")
