"""A real S3 server on loopback (moto's), with one bucket, and how a process finds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BUCKET = "alflow"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 server with an empty bucket, to which this process and those it starts go for s3://."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed (extra `dev`)")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed (extra `s3`)")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        host, port = running.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        s3fs.S3FileSystem.clear_instance_cache()  # connections of an earlier server
        s3fs.S3FileSystem().mkdir(BUCKET)
        yield running
    finally:
        running.stop()
        s3fs.S3FileSystem.clear_instance_cache()
