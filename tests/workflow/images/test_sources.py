"""Sources as a whole: on disk, and of a real web server on loopback."""

import asyncio
import json
import os
import random
import re
import string
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import TraceRequestRedirectParams
from multidict import CIMultiDict
from yarl import URL

from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.store.images import items
from alflow.workflow.images import redirects
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.redirects import refuse_inward
from alflow.workflow.images.sources import Entry, Source, entries, read_file
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import tiny
from tests.workflow.images.test_archives import write_archive


class _Server(SimpleHTTPRequestHandler):
    """Serves a folder; what lies in `signed/` only with a signature, as stores of objects do, and to GET only."""

    parts: ClassVar[list[int]] = []
    broken: ClassVar[dict[str, tuple[int, str, str]]] = {
        "/circle.png": (302, "Location", "/circle.png"),
        "/to-file.png": (302, "Location", "file:///etc/passwd"),
        "/to-nothing.png": (302, "Location", "http://"),
        "/short.png": (200, "Content-Length", "99"),
        "/no-gzip.png": (200, "Content-Encoding", "gzip"),
    }

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.startswith("/signed/") and parse_qs(address.query).get("sig") != ["a+b/c="]:
            self.send_error(403, "Forbidden")
        elif address.path == "/signin.csv":
            self._page(b"<!DOCTYPE html><html><body>Please sign in</body></html>")
        elif address.path == "/share":
            self._page(b"<html><a href='/'>home</a><a href='https://elsewhere.example/a.png'>a</a></html>")
        elif address.path == "/moved.png":
            self.send_response(302)
            self.send_header("Location", f"{parse_qs(address.query).get('to', [''])[0]}/photos/d.png")
            self.end_headers()
        elif address.path == "/parts.zip" and (
            asked := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        ):
            self._part(int(asked[1]), int(asked[2]))
        elif address.path in self.broken:
            code, name, value = self.broken[address.path]
            self.send_response(code)
            self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"picture")
        elif address.path == "/broken.csv":
            self.send_error(500)
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        self.send_error(403, "Forbidden")

    def _page(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(data)

    def _part(self, first: int, last: int) -> None:
        data = Path(self.translate_path(self.path)).read_bytes()
        part = data[first : last + 1]
        self.parts.append(len(part))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a web server, and the folder that it serves."""
    root = tmp_path / "served"
    for name in ("photos/cat/a b.png", "photos/cat/c#1.png", "photos/d.png", "photos/.hidden.png", "signed/e.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Server, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", root
        server.shutdown()
        thread.join()


def test_a_manifest_at_an_address_names_files_beside_it(served: tuple[str, Path]) -> None:
    address, root = served
    lines = ["path", "cat/a b.png", "cat/c#1.png", "./cat/../d.png", f"{address}/photos/d.png", "../signed/e.png"]
    lines += ["/etc/passwd", "file:///etc/passwd", "http://localhost/photos/d.png", "gone.png"]
    (root / "photos/m.csv").write_text("\n".join(lines))
    source = entries(f"{address}/photos/m.csv?token=secret")
    assert [read_file(one.uri) for one in source.entries[:4]] == [
        b"photos/cat/a b.png",
        b"photos/cat/c#1.png",
        b"photos/d.png",
        b"photos/d.png",
    ]
    assert [one.uri for one in source.rejected] == [f"{address}/photos/m.csv, row {number}" for number in (6, 7, 8, 9)]
    assert all("--anywhere allows it" in one.reason for one in source.rejected)
    with pytest.raises(InvalidInputError, match=r"^the file does not exist$"):
        read_file(source.entries[4].uri)


def test_signed_addresses(served: tuple[str, Path]) -> None:
    address, root = served
    signature = "sig=a%2Bb%2Fc%3D"
    (root / "signed/m.csv").write_text(f"uri\ne.png?{signature}\n{address}/signed/e.png?{signature}\ne.png\n")
    source = entries(f"{address}/signed/m.csv?{signature}")
    assert [read_file(one.uri) for one in source.entries[:2]] == [b"signed/e.png"] * 2
    with pytest.raises(InvalidInputError, match=r"^the file cannot be read: the server answered 403 Forbidden$"):
        read_file(source.entries[2].uri)  # a signature is of one file: rows have their own
    write_archive(root / "signed/all.zip")
    inside = entries(f"{address}/signed/all.zip?{signature}")
    assert read_file(inside.entries[0].uri) == b"cat/a.png"
    assert len(entries(f"{address}/signed/e.png?{signature}").entries) == 1
    with pytest.raises(InvalidInputError, match=f"^{address}/signed/m.csv cannot be read: .*403") as caught:
        entries(f"{address}/signed/m.csv?sig=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", ["photos", "photos/"])
def test_a_folder_that_a_server_lists(served: tuple[str, Path], path: str) -> None:
    address, _ = served
    source = entries(f"{address}/{path}")
    assert [(one.label, read_file(one.uri)) for one in source.entries] == [
        ("cat", b"photos/cat/a b.png"),
        ("cat", b"photos/cat/c#1.png"),
        ("", b"photos/d.png"),
    ]
    assert source.left_out == {"hidden files": 1}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("signin.csv", "the manifest .*/signin.csv cannot be read: it is a web page"),
        ("share", "/share cannot be read: .*a web page that lists no files"),
        ("gone.csv", "/gone.csv cannot be read: the file does not exist"),
        ("gone", "/gone cannot be read: the file does not exist"),
        ("broken.csv", "the server answered 500"),
        ("gone.zip", "gone.zip.*: the file does not exist"),
    ],
)
def test_what_is_no_source_at_an_address_is_said(served: tuple[str, Path], path: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        entries(f"{served[0]}/{path}")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("circle.png", "the server sends on and on"),
        ("to-file.png", "the server sends on to an address that is not of the web"),
        ("to-nothing.png", "the server redirects to an invalid address"),
        ("short.png", "the server sent less than it announced, or in another encoding"),
        ("no-gzip.png", "the server sent less than it announced, or in another encoding"),
    ],
)
def test_what_a_server_does_wrong_is_said_in_words(served: tuple[str, Path], path: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^the file cannot be read: {reason}$"):
        read_file(f"{served[0]}/{path}")


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"http://127.0.0.1:9/m.csv cannot be read"):
        entries("http://127.0.0.1:9/m.csv")


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_an_archive_of_a_server_that_gives_no_parts(served: tuple[str, Path], ending: str) -> None:
    address, root = served
    write_archive(root / f"all.{ending}")
    source = entries(f"{address}/all.{ending}")
    assert [read_file(one.uri).decode() for one in source.entries] == [
        "cat/a.png",
        "cat/deep/b.png",
        "c d.png",
        "é.png",
    ]


def test_rows_on_disk_are_confined_unless_one_says_otherwise(tmp_path: Path, served: tuple[str, Path]) -> None:
    (tmp_path / "list").mkdir()
    (tmp_path / "list/a.png").touch()
    outside = ["../served/photos/d.png", f"{served[0]}/photos/d.png", str(tmp_path / "served/photos/d.png")]
    inside = ["a.png", str(tmp_path / "list/a.png"), (tmp_path / "list/a.png").as_uri()]
    (tmp_path / "list/m.jsonl").write_text("".join(json.dumps({"path": one}) + "\n" for one in inside + outside))
    source = entries(str(tmp_path / "list/m.jsonl"))
    assert [(one.uri, one.row) for one in source.entries] == [(str(tmp_path / "list/a.png"), at) for at in (1, 2, 3)]
    assert [one.uri[-5:] for one in source.rejected] == ["row 4", "row 5", "row 6"]
    assert {read_file(one.uri) for one in entries(str(tmp_path / "list/m.jsonl"), anywhere=True).entries[3:]} == {
        b"photos/d.png"
    }


def test_a_manifest_that_is_a_link_names_files_beside_the_link(tmp_path: Path) -> None:
    for name in ("real/m.csv", "here/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("path\na.png\n")
    (tmp_path / "here/m.csv").symlink_to("../real/m.csv")
    assert entries(str(tmp_path / "here/m.csv")) == Source((Entry(str(tmp_path / "here/a.png"), row=2),))


ROWS = ["tar://x::notatar", "zip://a.png::missing.zip", "ssh://host/a.png", "a::b.png", "file:///a%20b", "a\0.png"]
ROWS += [
    "x" * 300,
    "y/" * 2000,
    "~/a.png",
    "c:\\a.png",
    "",
    "é\u2028.png",
    "https://[::1",
    "zip://",
    "::",
    ".",
    "0.png",
]


@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_no_row_ends_an_import(
    workspace: Workspace, pets: Project, tmp_path: Path, suffix: str, anywhere: bool
) -> None:
    tiny.write_picture(tmp_path / "0.png", 0)
    text = "".join(json.dumps({"path": row, "label": "cat"}, ensure_ascii=False) + "\n" for row in ROWS)
    if suffix == ".csv":
        text = "path,label\n" + "".join(f"{row},cat\n" for row in ROWS)
    (tmp_path / f"m{suffix}").write_text(text)
    report = import_items(workspace, pets, str(tmp_path / f"m{suffix}"), anywhere=anywhere)
    assert (report.added, len(report.rejected)) == (1, len(ROWS) - 1)
    first = 2 if suffix == ".csv" else 1
    places = {
        number
        for one in report.rejected
        for number in range(first, first + len(ROWS))
        if f"row {number}" in f"{one.uri} {one.reason} "
    }
    assert places >= set(range(first, first + len(ROWS) - 1))


def test_what_was_mended_leaves_the_list_of_rejections(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    def listed() -> list[str]:
        with workspace.database.read() as tx:
            return sorted(Path(one.uri).name for one in items.rejections(tx, pets.id))

    tiny.write_picture(tmp_path / "0.png", 0)
    for name in ("m.csv", "M.csv", "mm.csv"):
        (tmp_path / name).write_text("path\n0.png\n,,\n../x.png\n")
        import_items(workspace, pets, str(tmp_path / name))
    (tmp_path / "m.csv").write_text("path\n0.png\n0.png\n../x.png\n")
    import_items(workspace, pets, str(tmp_path / "m.csv"))
    assert listed() == ["M.csv, row 3", "M.csv, row 4", "m.csv, row 4", "mm.csv, row 3", "mm.csv, row 4"]


@pytest.mark.slow
def test_without_the_extra_http_is_refused_with_the_remedy() -> None:
    code = "import sys; sys.modules['aiohttp'] = None\nfrom alflow.workflow.images.sources import entries, read_file\n"
    for call in ("entries('https://host/m.csv')", "read_file('http://host/a.png')"):
        done = subprocess.run([sys.executable, "-c", code + call], capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1].startswith("alflow.errors.InvalidInputError")
        assert done.stderr.splitlines()[-1].endswith("needs aiohttp: pip install 'alflow[http]'")


@pytest.mark.parametrize(
    ("asked", "sent_to", "refused"),
    [
        ("http://8.8.8.8/a.png", "http://127.0.0.1/a.png", True),
        ("http://8.8.8.8/a.png", "//169.254.169.254/latest", True),
        ("http://8.8.8.8/a.png", "http://[::1]:80/", True),
        ("http://8.8.8.8/a.png", "/b.png", False),
        ("http://8.8.8.8/a.png", "https://1.1.1.1/a.png", False),
        ("http://10.0.0.1/a.png", "http://10.0.0.2/a.png", False),
    ],
)
def test_a_public_server_may_not_send_on_into_this_network(asked: str, sent_to: str, refused: bool) -> None:
    answer = SimpleNamespace(headers={"Location": sent_to})  # of a server outside, which no test can have
    step = TraceRequestRedirectParams("GET", URL(asked), CIMultiDict(), answer)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="inside this network") if refused else nullcontext():
        asyncio.run(refuse_inward(None, None, step))  # type: ignore[arg-type]


def test_a_redirect_is_followed_unless_it_leads_inside(
    served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_file(f"{served[0]}/moved.png") == b"photos/d.png"
    outside = served[0].replace("127.0.0.1", "localhost")
    assert read_file(f"{outside}/moved.png?to={served[0]}") == b"photos/d.png"

    async def is_inside(host: str | None) -> bool:
        return host != "localhost"  # which stands for a public server

    monkeypatch.setattr(redirects, "_is_inside", is_inside)
    with pytest.raises(InvalidInputError, match=r"^localhost sends on to 127\.0\.0\.1, which is inside this network$"):
        read_file(f"{outside}/moved.png?to={served[0]}")


def test_an_archive_of_a_server_that_gives_parts_is_not_copied(served: tuple[str, Path]) -> None:
    address, root = served
    write_archive(root / "parts.zip")
    with (root / "parts.zip").open("r+b") as file:  # what stands before a zip does not matter to it
        data = file.read()
        file.seek(0)
        file.write(bytes(12 * 2**20) + data)
    source = entries(f"{address}/parts.zip")
    assert read_file(source.entries[0].uri) == b"cat/a.png"
    assert sum(_Server.parts) < 12 * 2**20


def test_names_that_no_index_could_hold_are_rejected(
    each_workspace: Workspace, tiny_model: str, tmp_path: Path
) -> None:
    project = create_project(each_workspace, "pets", tiny_model, "fp32", name_classes(["cat", "dog"]))
    signature = "".join(random.Random(0).choices(string.ascii_letters, k=4000))  # which no index shortens
    rows = [f"https://host/{signature[:2580]}", f"https://host/{signature}", "bad \udcff/" * 300 + "a.png", "x\x01.png"]
    (tmp_path / "m.csv").write_text("\n".join(["path", *rows]), "utf-8", "surrogateescape")
    with pytest.raises(InvalidInputError, match="not UTF-8 text"):
        import_items(each_workspace, project, str(tmp_path / "m.csv"))
    (tmp_path / "m.jsonl").write_text("".join(json.dumps({"path": row}) + "\n" for row in rows))
    assert len(import_items(each_workspace, project, str(tmp_path / "m.jsonl"), anywhere=True).rejected) == 4
    deep = tmp_path / "deep"
    for _ in range(11):
        deep /= signature[:250]
        deep.mkdir(parents=True)
    tiny.write_picture(deep / "a.png", 0)
    tiny.write_picture(tmp_path / "deep/b.png", 1)
    tiny.write_picture(tmp_path / "deep" / os.fsdecode(b"\xff") / "c.png", 1)
    report = import_items(each_workspace, project, str(tmp_path / "deep"))
    assert (report.added, len(report.rejected)) == (1, 2)
