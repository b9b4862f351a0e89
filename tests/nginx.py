"""A real nginx with TLS before the UI, by the file and the certificate that the operator's guide prints."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.printed import blocks, replaced
from tests.web import wait_until_listens

GUIDE = "alflow/guides/operator.md"
AFTER = "### Behind a proxy"
HOST = "example.org"
_UNPACKED = Path(sys.prefix) / "nginx" / "usr" / "sbin"
_AROUND = """daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
{inside}
}}
"""


def binary() -> str:
    """nginx: the system's, or the one that `make` unpacked; the test is skipped where there is none."""
    found = shutil.which("nginx") or shutil.which("nginx", path=f"/usr/sbin:{_UNPACKED}")
    if found is None:
        pytest.skip("no nginx: install it (Debian: nginx-light)")
    return found


def certificate(folder: Path) -> None:
    """A certificate that nobody knows, made as the guide says."""
    (command,) = [each for each in blocks(GUIDE, AFTER, "sh") if each.startswith("openssl ")]
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)


@contextmanager
def before(server: str, port: int, folder: Path, *, strips: bool) -> Iterator[None]:
    """The proxy at `https://example.org:PORT/alflow` before the UI at `server`; stopped afterwards."""
    program = binary()
    (printed,) = blocks(GUIDE, AFTER, "nginx")
    inside = replaced(
        printed,
        {
            "listen 443": f"listen 127.0.0.1:{port}",
            "/etc/ssl/alflow": str(folder / "alflow"),
            "127.0.0.1:8501;": f"{urlsplit(server).netloc}{'/' if strips else ''};",
        },
    )
    file = folder / "nginx.conf"
    file.write_text(_AROUND.format(inside=inside))
    with (folder / "nginx.log").open("ab") as log:
        process = subprocess.Popen([program, "-p", folder, "-e", "stderr", "-c", file], stdout=log, stderr=log)
    try:
        wait_until_listens(port, process, folder / "nginx.log")
        yield
    finally:
        process.terminate()
        process.wait(10)
