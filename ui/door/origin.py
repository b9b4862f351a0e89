"""Which requests come from our own pages: what a page of another site makes a browser send is refused.

Browsers say in `Origin` whose page speaks, and no page can change that. Ours are at the address that people open
(`ALFLOW_PUBLIC_URL`), or, where a browser comes without a proxy in between, at the host it asks for. A proxy may
replace the host by a name of its own, so that `Host` says nothing about the page; a browser that takes the two for
different sites (`Sec-Fetch-Site`) is believed.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

Place = tuple[str, int | None]
"""Host and port in one spelling."""


def is_foreign(connection: HTTPConnection, public_url: str = "") -> bool:
    """Whether another site's page makes this browser speak to us (cookies of localhost know no ports)."""
    said = connection.headers.getlist("origin")
    if not said:
        return connection.scope.get("method") not in {None, "GET", "HEAD", "OPTIONS"} and not _is_near(connection)
    return not all(_is_ours(each, connection, public_url) for each in said)


def place(url: str) -> tuple[str, Place] | None:
    """Scheme, host and port of an address: lower case, no dot at the end, the port of the scheme where none is named.

    None where it is no address of a web page.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host or "@" in parts.netloc:
        return None
    return parts.scheme, (_host(host), port or PORTS[parts.scheme])


def _is_ours(origin: str, connection: HTTPConnection, public_url: str) -> bool:
    page = place(origin)
    if page is None:
        return False
    if public_url and page == place(public_url):
        return True
    scheme, where = page
    asked = place(f"{scheme}://{connection.headers.get('host', '')}")
    return asked is not None and where == asked[1] and _is_near(connection)


def _is_near(connection: HTTPConnection) -> bool:
    """Whether the browser takes the page for one of ours, or does not say (programs do not)."""
    return connection.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _host(name: str) -> str:
    name = name.rstrip(".")
    try:
        return str(ip_address(name.partition("%")[0]))
    except ValueError:
        pass
    try:
        return name.encode("idna").decode().lower()
    except UnicodeError:
        return name.lower()
