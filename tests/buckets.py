"""A real S3 server on loopback (moto's), with one bucket, how a process finds it, and how it dies in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Server:
    """The server, and the address of its bucket. What it keeps stays in this process, and is there when it is back."""

    def __init__(self) -> None:
        self._moto = pytest.importorskip("moto.server", reason="moto is not installed (extra `dev`)")
        self._s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed (extra `s3`)")
        self.bucket, self.port = "s3://alflow", 0
        self.start()

    def start(self) -> None:
        """Listen, where it listened before."""
        self._running = self._moto.ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._running.start()
        self.port = self._running.get_host_and_port()[1]
        self.forget()

    def stop(self) -> None:
        """Refuse connections."""
        self._running.stop()
        self._running._server.server_close()

    def forget(self) -> None:
        """Let whoever asks next connect anew."""
        self._s3fs.S3FileSystem.clear_instance_cache()

    @contextmanager
    def dying(self, monkeypatch: pytest.MonkeyPatch, requests: int) -> Iterator[None]:
        """It stops after so many requests, and comes back at the end."""
        files, left = self._s3fs.S3FileSystem, iter(range(requests))
        plain, stopped = files._call_s3, []

        async def counted(file_system: Any, *args: Any, **options: Any) -> Any:
            if next(left, None) is None and not stopped:
                stopped.append(self.stop())
            return await plain(file_system, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(files, "_call_s3", counted)
            patch.setattr(files, "retries", 1)
            self.forget()
            try:
                yield
            finally:
                for _ in stopped:
                    self.start()
        self.forget()
        assert stopped, f"there were no {requests} requests"


@contextmanager
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An S3 server with an empty bucket, to which this process and those it starts go for s3://."""
    running = Server()
    try:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.port}")
        running.forget()
        running._s3fs.S3FileSystem().mkdir(running.bucket)
        yield running
    finally:
        running.stop()
        running.forget()
