"""An ordinary proxy before the UI: it asks under a host of its own, and says whose requests it passes on."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_LONGEST = 65_536


@contextmanager
def proxied(port: int, headers: Mapping[str, str]) -> Iterator[str]:
    """The address of a proxy before `port`; it puts `headers` in place of those that came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, port, headers), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _serve(listening: socket.socket, port: int, headers: Mapping[str, str]) -> None:
    while True:
        try:
            browser, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_pass_on, args=(browser, port, headers), daemon=True).start()


def _pass_on(browser: socket.socket, port: int, headers: Mapping[str, str]) -> None:
    """One connection: a request, or a websocket for as long as it lives."""
    with browser, socket.create_connection(("127.0.0.1", port)) as server:
        asked = b""
        while b"\r\n\r\n" not in asked:
            part = browser.recv(_LONGEST)
            if not part:
                return
            asked += part
        server.sendall(_with(asked, headers))
        back = threading.Thread(target=_pump, args=(server, browser), daemon=True)
        back.start()
        _pump(browser, server)
        back.join()


def _with(asked: bytes, headers: Mapping[str, str]) -> bytes:
    head, _, body = asked.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    given = dict(headers)
    if not any(line.lower().startswith("upgrade:") for line in lines):
        given["Connection"] = "close"  # one request a connection: the next would pass as it came
    names = {name.lower() for name in given}
    kept = [line for line in lines if line.partition(":")[0].lower() not in names]
    told = [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([first, *kept, *told]).encode("latin-1") + b"\r\n\r\n" + body


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(_LONGEST):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
