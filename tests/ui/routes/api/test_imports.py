"""Imports that programs ask for: the accounting of every import, of the public web only."""

import socket
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from alflow.accounts import Role, Scope
from alflow.errors import InvalidInputError
from alflow.workflow.images import redirects
from alflow.workflow.images.addresses import parse
from alflow.workflow.images.reach import public
from alflow.workflow.images.sources import read_file
from tests.browser.world import numbered_image
from tests.ui.routes.api.conftest import Api, Caller

pytestmark = pytest.mark.slow

pytest.importorskip("aiohttp", reason="sources of the web need the extra `http`")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server with three images and a manifest; only its name, not its address, is told."""
    folder = tmp_path / "web"
    folder.mkdir()
    for number in (101, 102, 103):
        numbered_image(number).save(folder / f"{number}.png")
    (folder / "text.png").write_text("no image")
    (folder / "m.csv").write_text("uri,label\n101.png,circle\n102.png,hexagon\ngone.png,circle\n../../x.png,\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine stands for a public server, which no test can have."""
    monkeypatch.setattr(redirects, "is_public", lambda said: said in {"127.0.0.1", "::1"})


@pytest.fixture
def ada(on_sqlite: Api) -> Caller:
    return on_sqlite.as_(on_sqlite.token("Ada", Role.ENGINEER, Scope.MANAGE))


@pytest.mark.usefixtures("outside")
def test_rows_are_imported_with_the_usual_accounting(ada: Caller, web: str) -> None:
    rows = [
        {"uri": f"{web}/101.png", "label": "circle"},
        {"uri": f"{web}/102.png", "label": "hexagon", "split": "test"},
        {"uri": f"{web}/text.png"},
        {"uri": f"{web}/gone.png"},
        {"uri": "file:///etc/passwd"},
        {"uri": f"{web}/103.png", "split": "nowhere"},
    ]
    told = ada.post("/imports", {"rows": rows})
    assert told.status_code == 200, told.text
    report = told.json()
    assert (report["added"], report["known"]) == (2, 0)
    reasons = {each["uri"].rpartition("/")[2]: each["reason"] for each in report["rejected"]}
    assert set(reasons) == {"text.png", "gone.png", "passwd", "103.png"}
    assert "addresses of the web (https://), not file://" in reasons["passwd"]
    assert any("hexagon" in each for each in report["remarks"])
    again = ada.post("/imports", {"rows": rows[:2]}).json()
    assert (again["added"], again["known"]) == (0, 2)
    (test,) = ada.get("/images", split="test").json()["images"]
    assert test["uri"] == f"{web}/102.png"


@pytest.mark.usefixtures("outside")
def test_a_manifest_is_imported_from_its_address(ada: Caller, web: str) -> None:
    report = ada.post("/imports", {"source": f"{web}/m.csv"}).json()
    assert (report["added"], len(report["rejected"])) == (2, 2)
    strict = ada.post("/imports", {"source": f"{web}/m.csv", "strict": True})
    assert (strict.status_code, "nothing was imported" in strict.json()["error"]) == (422, True)
    listed = ada.post("/imports", {"source": f"{web}/"}).json()
    assert (listed["added"], listed["known"]) == (1, 2)


@pytest.mark.parametrize("by", ["source", "rows"])
@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/a.png",
        "zip://a.png::/tmp/a.zip",
        "zip://a.png::http://127.0.0.1/a.zip",
        "http://127.0.0.1:{port}/101.png",
        "http://localhost:{port}/101.png",
        "http://[::1]:{port}/101.png",
        "http://[::ffff:127.0.0.1]:{port}/101.png",
        "http://2130706433:{port}/101.png",
        "http://0x7f.1:{port}/101.png",
        "http://127.1:{port}/101.png",
        "http://user@127.0.0.1:{port}/101.png",
        "http://169.254.169.254/latest/meta-data/a.png",
        "http://10.0.0.1/a.png",
        "http://metadata.localhost:{port}/101.png",
    ],
)
def test_nothing_inside_this_network_is_read(ada: Caller, web: str, address: str, by: str) -> None:
    named = address.replace("{port}", web.rpartition(":")[2])
    told = ada.post("/imports", {"source": named} if by == "source" else {"rows": [{"uri": named}]})
    if told.status_code == 200:
        assert told.json()["added"] == 0
        assert len(told.json()["rejected"]) == 1
    else:
        assert told.status_code == 422
    assert any(words in told.text for words in ("inside this network", "addresses of the web", "cannot be read"))
    assert ada.get("/images", after=12).json()["images"] == []


def test_a_name_that_leads_inside_when_it_is_connected_to_is_refused_then(web: str) -> None:
    """Looked at, the name is none of an address; what it leads to is decided by the connection itself."""
    address = public(parse(f"{web}/101.png"))
    assert address.public
    assert socket.gethostbyname("localhost") == "127.0.0.1"
    assert read_file(str(address)).startswith(b"\x89PNG")  # for whoever types commands
    with pytest.raises(InvalidInputError, match="localhost is inside this network"):
        read_file(str(address), public)


def test_a_request_is_one_thing_and_bounded(ada: Caller) -> None:
    row = {"uri": "https://example.org/a.png"}
    for body in (
        {},
        {"source": "https://example.org/m.csv", "rows": [row]},
        {"rows": []},
        {"rows": [row] * 1_001},
        {"rows": [{"path": "https://example.org/a.png"}]},
        {"rows": [row], "split": "nowhere"},
        {"source": ""},
    ):
        told = ada.post("/imports", body)
        assert (told.status_code, set(told.json())) == (422, {"error", "remedy"}), body
