"""`alflow import`: what a person reads, and what a script sees."""

import json
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.tiny import write_picture


@pytest.fixture(autouse=True)
def _project(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog", "café", "traffic_light"]))


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, words)])


def tree(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        write_picture(folder / unicodedata.normalize("NFD", name), seed)
    return folder


def test_labels_that_name_no_class_are_said_with_the_near_ones(tmp_path: Path) -> None:
    names = ("dogs/1.png", "dogs/2.png", "Cat/3.png", "café/4.png", "dog/5.png", "zebra/6.png", "7.png")
    source = tree(tmp_path / "tree", *names)
    result = run(source, "--split", "test")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "7 added, 0 known already, 0 rejected",
        "3 folders name no class: 'dogs' (2 images): did you mean 'dog'?; 'Cat' (1 image): did you mean 'cat'?; "
        "'zebra' (1 image)",
        f"1 test image has no label: {source / '7.png'}",
    ]
    report = json.loads(run(source, "--split", "test", "--json").stdout)
    assert (report["added"], report["known"], report["rejected"], report["left_out"]) == (0, 7, [], {})
    assert report["unknown_labels"][0] == {"label": "dogs", "images": 2, "problem": "unknown", "near": ["dog"]}
    assert report["unlabelled"] == [str(source / "7.png")]


def test_strict_refuses_before_anything_is_stored(tmp_path: Path) -> None:
    source = tree(tmp_path / "tree", "dogs/1.png", "cat/2.png")
    refused = run(source, "--strict", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "1 folder names no class: 'dogs' (1 image): did you mean 'dog'?" in refused.stderr
    (source / "dogs").rename(source / "dog")
    assert run(source, "--strict").stdout == "2 added, 0 known already, 0 rejected\n"
    (source / "cat/3.png").touch()
    unusable = run(source, "--strict")
    assert (unusable.exit_code, unusable.stdout[:36]) == (1, "0 added, 2 known already, 1 rejected")
    assert unusable.stderr.endswith(f"1 file was rejected: {source / 'cat/3.png'}: the file is empty\n")


@pytest.mark.slow
def test_exit_codes_tell_an_import_of_nothing_from_one_of_something(tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir()
    nothing = run(empty)
    assert (nothing.exit_code, nothing.stdout) == (1, "0 added, 0 known already, 0 rejected\n")
    assert nothing.stderr == f"error: no image was imported from {empty}: there is no file in it\n"
    (empty / "nothing.png").symlink_to("nowhere.png")
    (empty / ".hidden.png").touch()
    left_out = {"links that lead nowhere": 1, "hidden files": 1}
    assert json.loads(run(empty, "--json").stdout)["left_out"] == left_out
    assert {"links that lead nowhere (1)", "hidden files (1)"} == set(
        run(empty).stdout.strip().split(": ")[1].split(", ")
    )
    (empty / "notes.png").write_text("no picture")
    rejected = run(empty, "--json")
    assert (rejected.exit_code, len(json.loads(rejected.stdout)["rejected"])) == (1, 1)
    assert f"{empty}: 1 file was rejected: {empty / 'notes.png'}: " in rejected.stderr
    write_picture(empty / "picture.png", 1)
    some = run(empty)
    assert (some.exit_code, some.stderr) == (0, "1 file of the source could not be used\n")
    assert (again := run(empty / "picture.png")).exit_code == 0
    assert again.stdout == "0 added, 1 known already, 0 rejected\n"
    assert run(tmp_path / "nowhere").exit_code == 1
    assert run(empty, "--split", "holdout").exit_code == 2


@pytest.mark.parametrize(
    ("words", "exists", "said"),
    [
        (["-photos"], True, "'-photos' is read as an option: if it is the source, write ./-photos"),
        (["-photos"], False, "'-photos' is read as an option: if it is the source, write ./-photos"),
        (["--photos", "--json"], True, "'--photos' is read as an option: if it is the source, write ./--photos"),
        (["--strict"], True, "Missing argument"),
        ([], False, "Missing argument"),
    ],
)
def test_a_source_that_reads_as_an_option_is_told_from_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], exists: bool, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if exists:
        write_picture(tmp_path / words[0] / "1.png", 1)
    result = run(*words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    if exists:
        assert run("--", words[0]).stdout == run(f"./{words[0]}").stdout.replace("0 added, 1 known", "1 added, 0 known")


def test_what_is_known_is_accounted_for(tmp_path: Path) -> None:
    run(tree(tmp_path / "old", "cat/1.png", "cat/2.png", "cat/3.png"))
    source = (tmp_path / "old").rename(tmp_path / "new")
    (source / "cat/2.png").rename(write_picture(source / "dog/2.png", 9))
    (source / "cat/3 again.png").write_bytes((source / "cat/3.png").read_bytes())
    said = run(source, "--split", "test").stdout.splitlines()
    assert said[0] == "0 added, 4 known already, 0 rejected"
    assert [line.partition(":")[0] for line in said[1:]] == [
        "3 known images have a new place",
        "1 label corrected",
        "1 copy of another image",
        "3 images are in another split already",
    ]
    assert f"{source / 'dog/2.png'} 'cat' -> 'dog'" in said[2]
    assert f"{source / 'cat/3.png'} of {source / 'cat/3 again.png'}" in said[3]
    assert f"{source / 'cat/1.png'} stays in pool, not test" in said[4]


def test_many_names_are_cut_short_and_json_has_them_all(tmp_path: Path) -> None:
    source = tree(tmp_path / "tree", *(f"folder {number}/a.png" for number in range(8)))
    (line,) = run(source).stdout.splitlines()[1:]
    assert line.startswith("8 folders name no class: 'folder 0' (1 image); ")
    assert line.endswith("; and 3 more")
    assert len(json.loads(run(source, "--json").stdout)["unknown_labels"]) == 8
