"""The doctor on homes that are whole, and on broken ones: one line for each thing, never a traceback."""

import os
import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.settings import Settings
from alflow.store.projects import troubles
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.watching import look, watch
from alflow.workflow.operating import packages
from alflow.workflow.operating.checks import Check, State, looked
from alflow.workflow.operating.doctor import examine, mend, tidy
from alflow.workflow.projects.projects import create_project
from alflow.workflow.rounds.question import memory_to_ask
from alflow.workflow.rounds.waiting import note_look
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def states(settings: Settings) -> dict[str, Check]:
    """By name of the check; each is one line, and names the remedy where it is not ok."""
    found = examine(settings)
    for each in found:
        assert "\n" not in each.words, each
        assert each.state is State.OK or ": " in each.words or "; " in each.words, each
    return {each.name: each for each in found if each.name != "tested set"}


def wrong(settings: Settings) -> dict[str, State]:
    return {name: each.state for name, each in states(settings).items() if each.state is not State.OK}


def test_a_whole_home_has_nothing_wrong_and_is_not_changed(workspace: Workspace, project: Project) -> None:
    note_look(workspace, project.id)
    workspace.database.close()
    home = workspace.settings.home
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if not path.name.startswith("alflow.db-")}
    assert wrong(workspace.settings) == {}
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if not path.name.startswith("alflow.db-")}
    assert {path: at for path, at in after.items() if path.is_file()} == {
        path: at for path, at in before.items() if path.is_file()
    }


def test_a_project_without_anything(each_workspace: Workspace) -> None:
    note_look(each_workspace, create_project(each_workspace, "empty", "demo", "fp32").id)
    found = wrong(each_workspace.settings)
    assert found.pop("artifacts", None) in {State.WARNING, None}
    assert found == {"classes of empty": State.WARNING, "images of empty": State.WARNING}


def _no_home(home: Path) -> None:
    rmtree(home)


def _a_file(home: Path) -> None:
    rmtree(home)
    home.write_text("a file")


def _no_database(home: Path) -> None:
    for path in home.glob("alflow.db*"):
        path.unlink()


def _garbage(home: Path) -> None:
    _no_database(home)
    (home / "alflow.db").write_bytes(random.Random(0).randbytes(100_000))


def _a_folder(home: Path) -> None:
    _no_database(home)
    (home / "alflow.db").mkdir()


def _empty(home: Path) -> None:
    _no_database(home)
    (home / "alflow.db").touch()


def _foreign(home: Path) -> None:
    _no_database(home)
    with sqlite3.connect(home / "alflow.db") as connection:
        connection.execute("CREATE TABLE project (id INTEGER)")


def _newer(home: Path) -> None:
    with sqlite3.connect(home / "alflow.db") as connection:
        connection.execute("UPDATE alflow_version SET version_num = '9999'")


def _cut(home: Path) -> None:
    """Half a file, all of whose pages were written to it."""
    with sqlite3.connect(home / "alflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in home.glob("alflow.db-*"):
        path.unlink()
    os.truncate(home / "alflow.db", (home / "alflow.db").stat().st_size // 2)


@pytest.mark.parametrize(
    "spoil", [_no_home, _a_file, _no_database, _garbage, _a_folder, _empty, _foreign, _newer, _cut]
)
def test_a_broken_database(workspace: Workspace, project: Project, spoil: Callable[[Path], None]) -> None:
    workspace.database.close()
    settings = workspace.settings.model_copy(update={"home": workspace.settings.home / "moved"})
    settings.home.mkdir()
    for path in workspace.settings.home.glob("alflow.db*"):
        path.rename(settings.home / path.name)
    (workspace.settings.home / "artifacts").rename(settings.home / "artifacts")
    spoil(settings.home)
    assert {State.ERROR} <= set(wrong(settings).values())
    assert project.name


def _shard(home: Path) -> str:
    for path in home.glob("artifacts/projects/*/embeddings/*/*.safetensors"):
        path.write_bytes(b"x")
    return "images"


def _shards(home: Path) -> str:
    for path in home.glob("artifacts/projects/*/embeddings"):
        rmtree(path)
    return "images"


def _posterior(home: Path) -> str:
    for path in home.glob("artifacts/posteriors/*"):
        path.unlink()
    return "posterior"


def _cut_posterior(home: Path) -> str:
    for path in home.glob("artifacts/posteriors/*"):
        os.truncate(path, 3)
    return "posterior"


def _weights(home: Path) -> str:
    (home / "colours-model" / "model.safetensors").unlink()
    return "model"


def _configuration(home: Path) -> str:
    (home / "colours-model" / "open_clip_config.json").write_text("{")
    return "model"


@pytest.mark.parametrize("spoil", [_shard, _shards, _posterior, _cut_posterior, _weights, _configuration])
def test_a_broken_part(workspace: Workspace, project: Project, spoil: Callable[[Path], str]) -> None:
    note_look(workspace, project.id)
    name = f"{spoil(workspace.settings.home)} of {project.name}"
    found = wrong(workspace.settings)
    found.pop("memory of colours", None)  # reads a shard
    found.pop("files of colours", None)
    assert list(found) == [name]


def test_a_schedule_that_is_silent_or_ahead_and_runs_that_fail(workspace: Workspace, project: Project) -> None:
    assert wrong(workspace.settings) == {"schedule": State.WARNING}
    for ago, expected in (
        (timedelta(hours=1), {"schedule": State.WARNING}),
        (-timedelta(hours=1), {"clocks": State.ERROR, "schedule": State.WARNING}),
    ):
        with workspace.database.begin() as tx:
            troubles.look(tx, project.id, datetime.now(UTC) - ago)
        assert wrong(workspace.settings) == expected
    with workspace.database.begin() as tx:
        troubles.look(tx, project.id, datetime.now(UTC))
        troubles.record(tx, project.id, "the disk is full\nas it says", datetime.now(UTC))
    assert wrong(workspace.settings) == {"runs of colours": State.ERROR}


def test_packages_that_differ_are_told() -> None:
    assert packages.tested_set(None).state is State.OK
    given = packages.read_constraints("Torch==0.1 # old\nnobody-has-this==1\nprefect>=3\n\n")
    assert given == {"torch": "0.1", "nobody-has-this": "1"}
    told = packages.tested_set(given)
    assert (told.state, "(tested: 0.1)" in told.words) == (State.WARNING, True)
    assert "1 of 1 packages" in told.words
    assert packages.python().state is State.OK
    assert next(packages.packages()).state is State.OK


def test_a_check_that_fails_in_an_unknown_way_is_one_line() -> None:
    def look() -> Check:
        raise ValueError("first\nsecond")

    (found,) = looked("it", look)
    assert (found.state, found.words) == (State.ERROR, "the check failed (ValueError: first): see what it names")


def test_leftovers_are_told_and_removed(workspace: Workspace, project: Project) -> None:
    home = workspace.settings.home
    note_look(workspace, project.id)
    old = [home / "artifacts" / "posteriors" / "x.safetensors.01.tmp", home / "alflow.db.01.tmp"]
    young = home / "artifacts" / "posteriors" / "y.safetensors.01.tmp"
    for path in (*old, young):
        path.write_bytes(b"half")
    assert wrong(workspace.settings) == {}
    for path in old:
        os.utime(path, (0, 0))
    found = states(workspace.settings)["leftovers"]
    assert (found.state, "2 unfinished files" in found.words) == (State.WARNING, True)
    assert set(tidy(workspace.settings)) == set(map(str, old))
    assert [path.exists() for path in (*old, young)] == [False, False, True]
    assert tidy(workspace.settings) == []
    assert wrong(workspace.settings) == {}


def test_memory_grows_with_the_images(workspace: Workspace, project: Project) -> None:
    least = memory_to_ask(workspace, create_project(workspace, "none", "demo", "fp32"))
    assert least < memory_to_ask(workspace, project) < least + 10**6


def test_a_flipped_bit_is_told_and_mended(workspace: Workspace, project: Project) -> None:
    note_look(workspace, project.id)
    (shard,) = workspace.settings.home.glob("artifacts/projects/*/embeddings/*/*.safetensors")
    data = bytearray(shard.read_bytes())
    data[-5] ^= 1
    shard.write_bytes(data)
    found = states(workspace.settings)["files of colours"]
    assert (found.state, str(shard) in found.words, "--repair" in found.words) == (State.ERROR, True, True)
    assert "files of colours" not in {each.name for each in examine(workspace.settings, files=False)}
    assert mend(workspace.settings) == [str(shard)]
    assert mend(workspace.settings) == []
    embed_missing(workspace, project)
    assert wrong(workspace.settings) == {}
    with pytest.raises(NotFoundError, match="there is no database"):
        mend(workspace.settings.model_copy(update={"home": workspace.settings.home / "none"}))
    assert not (workspace.settings.home / "none").exists()


def test_a_watched_source_that_is_gone_is_an_error(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    note_look(workspace, project.id)
    made = watch(workspace, project, str(tmp_path / "colours/pool"))
    name = "watched sources of colours"
    assert wrong(workspace.settings) == {}
    (tmp_path / "colours/pool").rename(tmp_path / "away")
    look(workspace, made)
    told = states(workspace.settings)[name]
    assert (told.state, told.words.startswith(f"{made.source} could not be read, tried once: there is no")) == (
        State.ERROR,
        True,
    )
