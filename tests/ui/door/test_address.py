"""Whose request it is, by address: as the named proxies say, and nobody else."""

import asyncio

import pytest
from starlette.requests import HTTPConnection
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.ui.door import address


def _seen(peer: str, forwarded: list[str], proxies: str) -> str:
    """The address that limits count by, through the server as it is set up."""
    environment: dict[str, str] = {}
    address.believe(Settings(trusted_proxies=proxies), environment)
    found = []

    async def app(scope: dict[str, object], *_: object) -> None:
        found.append(address.client(HTTPConnection(scope)))

    server = ProxyHeadersMiddleware(app, environment["FORWARDED_ALLOW_IPS"])  # type: ignore[arg-type]
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    scope = {"type": "http", "client": (peer, 1), "headers": headers, "scheme": "http"}
    asyncio.run(server(scope, None, None))  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.7"])
@pytest.mark.parametrize("forwarded", [["203.0.113.9"], ["203.0.113.9, 127.0.0.1"], ["127.0.0.1"]])
def test_nobody_is_believed_who_is_not_named(peer: str, forwarded: list[str]) -> None:
    assert _seen(peer, forwarded, "") == _seen(peer, [], "")


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "who"),
    [
        ("127.0.0.1", ["203.0.113.9"], "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.9"], "127.0.0.1", "203.0.113.9"),  # the first was written by anybody
        ("10.0.0.7", ["203.0.113.9, 10.0.0.8"], "127.0.0.1, 10.0.0.0/8", "203.0.113.9"),
        ("10.0.0.7", ["1.1.1.1", "203.0.113.9"], "10.0.0.0/8", "203.0.113.9"),  # two lines
        ("10.0.0.7", ["203.0.113.9:4711"], "10.0.0.7", "203.0.113.9"),
        ("::ffff:10.0.0.7", ["203.0.113.9"], "10.0.0.0/8", "203.0.113.9"),
        ("fd00::7", ["[2001:db8::1]:4711"], "fd00::/8", "2001:db8::/64"),
        ("fd00::7", ["2001:db8::ffff:1"], "fd00::7", "2001:db8::/64"),  # one line, whatever it calls itself
        ("10.0.0.7", ["::ffff:203.0.113.9"], "10.0.0.7", "203.0.113.9"),
        ("10.0.0.7", ["for=nobody; <script>"], "10.0.0.7", "unknown"),
        ("10.0.0.7", ["999.1.1.1"], "10.0.0.7", "unknown"),
        ("10.0.0.7", ["x" * 5000], "10.0.0.7", "unknown"),
        ("10.0.0.9", ["203.0.113.9"], "10.0.0.7", "10.0.0.9"),
        ("10.0.0.7", [], "10.0.0.7", "10.0.0.7"),
        ("", ["203.0.113.9"], "10.0.0.7", "unknown"),
    ],
)
def test_the_last_hop_that_is_no_proxy_is_who_asks(peer: str, forwarded: list[str], proxies: str, who: str) -> None:
    assert _seen(peer, forwarded, proxies) == who


@pytest.mark.parametrize("proxies", ["nginx", "*", "10.0.0.0/33", "10.0.0.1; 10.0.0.2", "10.0.0.1,,x"])
def test_a_proxy_that_is_no_address_is_named(proxies: str) -> None:
    with pytest.raises(InvalidInputError, match=r"is not an address or a network such as 10\.0\.0\.0/8"):
        Settings(trusted_proxies=proxies)
