"""Real receivers of messages on loopback: a web server that answers as it is told, and a mail server."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.web import free_port


@dataclass(frozen=True)
class Request:
    """What came: where to, with names of headers in lower case, and the body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """A web server. It answers with the next of `statuses`, then with 204, after it has called `first`."""

    url: str = ""
    got: list[Request] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    first: Callable[[], object] = lambda: None


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A web server while the block runs."""
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            here.got.append(Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            here.first()
            status = here.statuses.pop(0) if here.statuses else 204
            self.send_response(status)
            self.send_header("content-length", "0")
            if status in {301, 302, 307, 308}:
                self.send_header("location", f"{here.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}/hook-of-ours"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mailbox() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server while the block runs: its port, and what it got."""
    got: list[EmailMessage] = []

    class Handler:
        async def handle_DATA(self, _: object, __: object, envelope: Any) -> str:  # noqa: N802 (the library's name)
            got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
            return "250 OK"

    port = free_port()
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, got
    finally:
        controller.stop()
