"""The wheel, installed where others have packages that are called as our folders are: it brings all of alflow.

The packages that alflow needs are those of the tests.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from alflow.store import schema
from tests.printed import ROOT
from tests.ui.streamlit_client import Client
from tests.web import TOKEN, free_port, http, sign_in

pytestmark = pytest.mark.slow

FOLDERS = ("flows", "migrations", "ui")
TOOLS = ("node_modules", "package.json", "package-lock.json", ".npmrc", "tsconfig.json", "biome.json")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="builds a wheel: pip install hatchling")
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which other packages have the names of our folders, and cannot be imported."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    for name in FOLDERS:
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("raise RuntimeError('this one is not of alflow')\n")
    (site / "tested.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def test_it_brings_alflow_alone_with_migrations_and_components(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"alflow"}
    for each in ("migrations/script.py.mako", "ui/components/deck/mount.js", "ui/components/loader.js"):
        assert f"alflow/{each}" in names
    assert not [name for name in names if name.startswith("alflow/ui/") and name.split("/")[-1] in TOOLS]


def test_by_way_of_the_source_distribution_it_is_the_same(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, "sdist", tmp_path / "sdist")) as content:
        content.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("alflow-*")
    assert build(unpacked, "wheel", tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_it_brings_a_database_to_the_newest_revision(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "db", "upgrade")
    newest = ScriptDirectory.from_config(schema.config()).get_current_head()
    assert done == f"the database is at revision {newest}\n"


@pytest.mark.prefect
def test_the_demo_runs_in_any_folder(running: str) -> None:
    assert http(f"{running}/sign-in")[0] == 200
    with Client(running, sign_in(running, "Ada")) as client:
        assert "alflow_deck" in client.page("label", "project=demo").widgets


@pytest.fixture
def running(installed: Path, demo_home: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `alflow demo`, which was prepared before."""
    shutil.copytree(demo_home, tmp_path / "home")
    port = free_port()
    more = {"ALFLOW_PORT": str(port), "ALFLOW_PREFECT_PORT": str(free_port()), "ALFLOW_SIGN_IN_TOKEN": TOKEN}
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(
            [installed / "bin" / "alflow", "demo"],
            env=environment(tmp_path) | more,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        assert any(TOKEN in line for line in process.stdout), (tmp_path / "errors").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def build(source: Path, kind: str, folder: Path) -> Path:
    """The only file of that kind that is built."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def run(installed: Path, folder: Path, *words: str) -> str:
    """What a command says in that folder."""
    command = [installed / "bin" / "alflow", *words]
    return subprocess.run(
        command, env=environment(folder), cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def environment(folder: Path) -> dict[str, str]:
    """Without the repository on the path; the home is in that folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {"ALFLOW_HOME": str(folder / "home")}
