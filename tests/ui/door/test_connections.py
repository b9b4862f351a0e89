"""Limits on connections, on a real server with real sockets: too many, too slow, and those that a proxy passes on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from ipaddress import ip_network

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from alflow.ui.door import connections
from alflow.ui.door.connections import Crowd, Guarded, Limits

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _said(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}")


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@contextmanager
def _server(monkeypatch: pytest.MonkeyPatch, limits: Limits, per_address: int = 100) -> Iterator[int]:
    monkeypatch.setattr(connections, "_limits", limits)
    monkeypatch.setattr(connections, "_LINGER_SECONDS", 0.1)
    routes = [Route("/", _said, methods=["GET", "POST"]), WebSocketRoute("/ws", _echo)]
    app = Starlette(routes=routes, middleware=[Middleware(Crowd, per_address=per_address)])
    config = uvicorn.Config(
        app, http=Guarded, log_config=None, lifespan="off", forwarded_allow_ips="127.0.0.1", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def _opened(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))


def _status(one: socket.socket, ask: bytes = ASK) -> int:
    one.sendall(ask)
    answer = HTTPResponse(one)
    answer.begin()
    answer.read()
    return answer.status


def test_too_many_in_all_are_told_so_and_places_are_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(monkeypatch, Limits(3, 3)) as port, ExitStack() as stack:
        held = [stack.enter_context(_opened(port)) for _ in range(2)]
        websocket = stack.enter_context(connect(f"ws://127.0.0.1:{port}/ws"))
        with _opened(port, "127.0.0.2") as refused:
            answer = refused.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 503 Service Unavailable\r\n")
        assert "retry-after: 5" in answer
        assert answer.endswith("Too many connections are open: try again in a moment.")
        websocket.send("still there")
        assert websocket.recv() == "still there"
        assert _status(held[0]) == 200
        websocket.close()
        with _opened(port, "127.0.0.2") as other:
            assert _status(other) == 200


def test_one_address_takes_the_places_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(monkeypatch, Limits(10, 2)) as port, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_opened(port))
        with _opened(port) as refused:
            assert _status(refused) == 429
        with _opened(port, "127.0.0.2") as other:
            assert _status(other) == 200


def test_a_proxy_opens_many_and_is_limited_by_whom_it_speaks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(20, 2, [ip_network("127.0.0.1/32")])
    with _server(monkeypatch, limits, per_address=2) as port, ExitStack() as stack:
        address = f"ws://127.0.0.1:{port}/ws"
        for _ in range(2):
            stack.enter_context(connect(address, additional_headers={"X-Forwarded-For": "192.0.2.1"}))
        with pytest.raises(InvalidStatus) as refused:
            connect(address, additional_headers={"X-Forwarded-For": "192.0.2.1"})
        assert refused.value.response.status_code == 429
        with _opened(port) as one, _opened(port) as other:
            assert _status(one, ASK.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")) == 429
            assert _status(other, ASK.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n")) == 200


@pytest.mark.slow
def test_who_does_not_say_what_they_want_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    with _server(monkeypatch, Limits(10, 10)) as port:
        with _opened(port) as mute, _opened(port) as slow:
            slow.sendall(ASK[:-3])
            for one in (mute, slow):
                assert one.recv(65536).startswith(b"HTTP/1.1 408 ")
                assert one.recv(1) == b""
        with _opened(port) as later:
            assert _status(later) == 200
            later.sendall(b"GET")  # of the next request
            assert later.recv(65536).startswith(b"HTTP/1.1 408 ")
        with connect(f"ws://127.0.0.1:{port}/ws") as websocket:
            threading.Event().wait(1.5)
            websocket.send("a websocket may be silent")
            assert websocket.recv() == "a websocket may be silent"
        with _opened(port) as sender:
            sender.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            threading.Event().wait(1.5)
            assert _status(sender, b"b") == 200, "the time is for the head alone"


def test_a_head_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(monkeypatch, Limits(10, 10)) as port, _opened(port) as one, _opened(port) as other:
        with suppress(ConnectionError):  # where it is gone before all is sent
            assert _status(one, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000) == 400
        assert _status(other) == 200
