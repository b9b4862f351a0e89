import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from alflow.commands.ports import free_port, is_free, listen
from alflow.errors import InvalidInputError, UnavailableError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on, whose next one is free."""
    with ExitStack() as held:
        while True:
            listening = held.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            port: int = listening.getsockname()[1]
            if port < 65500 and is_free("127.0.0.1", port + 1):
                yield port
                return


def test_a_port_in_use_gives_way_to_the_next_free_one(taken: int) -> None:
    assert free_port("127.0.0.1", taken) == taken + 1
    assert taken + 1 < free_port("127.0.0.1", taken, avoid={taken + 1}) < taken + 50
    with pytest.raises(UnavailableError, match=f"port {taken} is in use on 127.0.0.1"):
        free_port("127.0.0.1", taken, tries=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_whoever_listens_on_one_address_of_a_host_has_its_port(taken: int, host: str) -> None:
    assert not is_free(host, taken)
    with pytest.raises(UnavailableError, match=f"port {taken} on 127.0.0.1 was taken"):
        listen("127.0.0.1", taken)


def test_whoever_listens_everywhere_has_the_port_of_loopback() -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        assert not is_free("127.0.0.1", everywhere.getsockname()[1])
        if socket.has_dualstack_ipv6():
            assert not is_free("::", everywhere.getsockname()[1])


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_localhost_is_both_loopbacks() -> None:
    with socket.socket(socket.AF_INET6) as six:
        try:
            six.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        six.listen()
        port = six.getsockname()[1]
        assert not is_free("::1", port)
        both = {address[4][0] for address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)}
        assert is_free("localhost", port) == ("::1" not in both)


def test_the_last_port_has_no_next_one() -> None:
    with ExitStack() as held:
        if is_free("127.0.0.1", 65535):
            held.enter_context(listen("127.0.0.1", 65535))
        with pytest.raises(UnavailableError, match=r"port 65535 is in use on 127.0.0.1"):
            free_port("127.0.0.1", 65535)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "no.such.host.invalid", "a..b", "x" * 300])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(InvalidInputError, match="alflow cannot listen on"):
        free_port(host, 18700)


@pytest.mark.parametrize("port", [0, -1, 65536, 10**9])
def test_a_number_that_is_no_port_is_named(port: int) -> None:
    with pytest.raises(InvalidInputError, match=f"{port} is not a port"):
        is_free("127.0.0.1", port)


def test_a_port_we_may_not_have_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(UnavailableError, match="port 80 needs administrator rights: choose one above 1023"):
        free_port("127.0.0.1", 80)
