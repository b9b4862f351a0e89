"""The components' modules: one version is served, with nothing else of the folder, and what they import is there."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alflow.ui.components import modules

SCRIPTS = [name for name in modules.FILES if name.endswith(".js")]
IMPORT = re.compile(r'^import .* from "(.+)";$', re.MULTILINE)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=modules.ROUTES)) as client:
        yield client


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_is_served_for_good_and_what_it_imports_is_served_too(client: TestClient, name: str) -> None:
    got = client.get(f"/components/{modules.VERSION}/{name}")
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("text/javascript")
    assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
    imported = IMPORT.findall(got.text)
    assert got.text.count("\nimport ") == len(imported)
    for each in imported:
        assert posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) in SCRIPTS


@pytest.mark.parametrize(
    "path",
    [
        "/components/000000000000/deck/mount.js",
        "/components/{version}/",
        "/components/{version}/deck",
        "/components/{version}/deck/none.js",
        "/components/{version}/deck/deck.css",
        "/components/{version}/deck/__init__.py",
        "/components/{version}/deck/../modules.py",
        "/components/{version}/deck%2F..%2Fdeck%2Fmount.js",
        "/components/{version}/..%2f..%2faccess.py",
        "/components/{version}//etc/passwd",
        "/components/{version}/package.json",
        "/components/{version}/shared/types.d.ts",
        "/components/{version}/node_modules/typescript/lib/tsc.js",
        "/components/{version}/deck/mount.js%00",
    ],
)
def test_there_is_nothing_else(client: TestClient, path: str) -> None:
    assert client.get(path.format(version=modules.VERSION)).status_code == 404


def test_nothing_is_taken(client: TestClient) -> None:
    assert client.post(f"/components/{modules.VERSION}/deck/mount.js").status_code == 405


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("deck/keys.js", {"deck"}),
        ("deck/deck.css", {"deck"}),
        ("grid/grid.html", {"grid"}),
        ("shared/link.js", {"deck", "grid", "finder", "gallery", "map", "saver", "uploader"}),
    ],
)
def test_a_version_names_every_file_of_its_page(
    monkeypatch: pytest.MonkeyPatch, file: str, changed: frozenset[str]
) -> None:
    before = versions()
    other: Mapping[str, bytes] = {**modules.FILES, file: modules.FILES[file] + b" "}
    monkeypatch.setattr(modules, "FILES", MappingProxyType(other))
    after = versions()
    assert {folder for folder, version in after.items() if version != before[folder]} == changed


def versions() -> dict[str, str]:
    modules.version.cache_clear()
    found = {folder: modules.version(folder) for folder in modules.FOLDERS if folder != modules.SHARED}
    modules.version.cache_clear()
    return found
