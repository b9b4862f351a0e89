import re
import sys
from pathlib import Path

import pytest
import torch
from fsspec.registry import _registry
from safetensors.torch import save_file
from typer.testing import CliRunner

from alflow.cli import app
from alflow.errors import InvalidInputError, UnavailableError
from alflow.outside import new_file, new_folder
from alflow.remote import EXTRAS, connect, scheme_of
from alflow.store.artifacts import Artifacts
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if none of the extras for addresses were installed."""
    for scheme, (_, package) in EXTRAS.items():
        monkeypatch.setitem(sys.modules, package, None)  # importing it fails
        monkeypatch.delitem(_registry, scheme, raising=False)  # loaded by another test
    for module in ("fsspec.implementations.http", "alflow.workflow.images.redirects"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def needed(scheme: str) -> str:
    extra, package = EXTRAS[scheme]
    return re.escape(f"{scheme}:// needs {package}: pip install 'alflow[{extra}]'")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("scheme", EXTRAS)
def test_an_address_names_the_extra_that_it_needs(scheme: str) -> None:
    for address in (f"{scheme}://bucket/a", f"{scheme.upper()}://bucket/a", f"zip://a.png::{scheme}://bucket/a.zip"):
        with pytest.raises(UnavailableError, match=f"^{needed(scheme)}$"):
            connect(address)
    with pytest.raises(UnavailableError, match=f"^ALFLOW_ARTIFACTS_URL cannot be used: {needed(scheme)}$"):
        Artifacts(f"{scheme}://bucket/a")
    with pytest.raises(UnavailableError, match=needed(scheme)), new_file(f"{scheme}://bucket/labels.csv"):
        pass
    with pytest.raises(UnavailableError, match=needed(scheme)), new_folder(f"{scheme}://bucket/coco"):
        pass


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("scheme", ["s3", "gs", "gcs", "az", "abfs", "http", "https"])
def test_an_import_names_the_extra_that_it_needs(scheme: str, workspace: Workspace, tmp_path: Path) -> None:
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    for source in (f"{scheme}://bucket/inbox", f"{scheme}://bucket/all.csv", f"{scheme}://bucket/all.zip"):
        with pytest.raises(InvalidInputError, match=needed(scheme)):
            import_items(workspace, project, source)
    (tmp_path / "all.csv").write_text(f"uri\n{scheme}://bucket/a.png\n")
    report = import_items(workspace, project, str(tmp_path / "all.csv"), anywhere=True)
    assert [re.search(needed(scheme), one.reason) is not None for one in report.rejected] == [True]


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "https"])
@pytest.mark.parametrize(
    "words",
    [
        ["init", "pets", "-c", "cat"],
        ["status"],
        ["import", "."],
        ["embed"],
        ["round", "open"],
        ["advance"],
        ["find", "a cat"],
        ["export", "labels", "labels.csv"],
        ["report"],
        ["people", "list"],
    ],
    ids=" ".join,
)
def test_every_command_says_it_in_one_line(
    scheme: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("ALFLOW_ARTIFACTS_URL", f"{scheme}://bucket/alflow")
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr
    assert re.search(f"^error: ALFLOW_ARTIFACTS_URL cannot be used: {needed(scheme)}$", result.stderr)


def test_an_address_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"^nosuch://b is no address of a file system that is known: Protocol"):
        connect("nosuch://b")


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("S3://b/a", "s3"),
        ("zip://a.png::s3://b/a.zip", "zip"),
        ("/data/a::b", "file"),
        ("C:/a", "file"),
        ("a.csv", "file"),
    ],
)
def test_the_scheme_of_an_address(address: str, scheme: str) -> None:
    assert scheme_of(address) == scheme


def test_a_full_disk_is_one_line_whatever_writes_to_it(full_disk: Path) -> None:
    place = full_disk / "model"
    with (
        pytest.raises(UnavailableError, match=rf"^the disk is full: {place} cannot be written; free some space"),
        new_folder(str(place)) as folder,
    ):
        save_file({"weights": torch.zeros(100_000)}, folder / "weights.safetensors")
    assert not place.exists()
    with (
        pytest.raises(UnavailableError, match=rf"^the disk is full: {place} cannot be written; free some space"),
        new_file(str(place)) as file,
    ):
        file.write(bytes(400_000))
    assert not place.exists()
