"""Ports: which one is free, and listening on it from then on, so that nobody takes it in between."""

import errno
import os
import socket
from collections.abc import Collection
from typing import Any

from alflow.errors import InvalidInputError, UnavailableError

_LAST = 65535
_HIGHEST_PRIVILEGED = 1023


def free_port(host: str, wanted: int, *, tries: int = 50, avoid: Collection[int] = ()) -> int:
    """The wanted port, or the next one above that nobody listens on and that is not among those to avoid.

    Raises:
        InvalidInputError: the host is not an address of this machine.
        UnavailableError: all of them are taken, or we may not listen on them.
    """
    last = min(wanted + tries - 1, _LAST)
    for port in range(wanted, last + 1):
        if port not in avoid and is_free(host, port):
            return port
    span = f"port {wanted} is" if last <= wanted else f"the ports from {wanted} to {last} are all"
    raise UnavailableError(f"{span} in use on {host}: stop the programs that listen there, or choose another port")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens on this port of any address that the host stands for.

    Raises:
        InvalidInputError: the host is not an address of this machine, or the port is none.
        UnavailableError: we may not listen on it.
    """
    bound = 0
    for family, address in _addresses(host, port):
        try:
            with _socket(family) as probe:
                probe.bind(address)
            bound += 1
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise UnavailableError(_why_not(host, port, error)) from error
    if not bound:
        raise InvalidInputError(f"alflow cannot listen on {host!r}: it is not an address of this machine")
    return True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the port from now on, to be handed to the program that answers there.

    Raises:
        InvalidInputError: the host is not an address of this machine.
        UnavailableError: the port is taken, or we may not listen on it.
    """
    family, address = _addresses(host, port)[0]
    listening = _socket(family)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise UnavailableError(_why_not(host, port, error)) from error
    return listening


def _socket(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port that was just released counts as taken
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # as the pages: `::` is 0.0.0.0 too
    return made


def _addresses(host: str, port: int) -> list[tuple[int, Any]]:
    if not 0 < port <= _LAST:
        raise InvalidInputError(f"{port} is not a port: choose one from 1 to {_LAST}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InvalidInputError(f"alflow cannot listen on {host!r}: it cannot be resolved ({error})") from error
    return [(family, address) for family, _, _, _, address in found]


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} was taken by another program in the meantime: start again"
    if error.errno in {errno.EACCES, errno.EPERM} and port <= _HIGHEST_PRIVILEGED:
        return f"port {port} needs administrator rights: choose one above {_HIGHEST_PRIVILEGED}"
    return f"alflow cannot listen on port {port} of {host}: {os.strerror(error.errno or 0)}"
