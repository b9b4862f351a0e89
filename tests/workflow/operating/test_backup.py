import hashlib
import io
import itertools
import json
import os
import shutil
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, text

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.errors import ConflictError, InvalidInputError, UnavailableError
from alflow.settings import Settings
from alflow.store.artifacts import Artifacts
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.operating.backup import make_backup
from alflow.workflow.operating.damage import damaged
from alflow.workflow.operating.restore import restore_backup
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests import postgres
from tests.colours import answer, colour_project


def answers(workspace: Workspace) -> set[str]:
    with workspace.database.read() as tx:
        return set(tx.execute(text("SELECT token FROM label")).scalars())


def restored(backup: Path, home: Path) -> Workspace:
    restore_backup(Settings(home=home), backup)
    return Workspace.open(Settings(home=home))


@pytest.mark.slow
def test_a_restored_home_is_as_it_was_and_goes_on(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    sent = workspace.settings.uploads / str(project.id) / "pool" / "cats" / "a.jpg"
    sent.parent.mkdir(parents=True)
    sent.write_bytes(b"uploaded")
    made = make_backup(workspace, tmp_path / "copies" / "one.tar")
    assert stat.S_IMODE((tmp_path / "copies" / "one.tar").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "copies") == ["one.tar"]  # noqa: PTH208
    names = workspace.artifacts.list("")
    other = restored(tmp_path / "copies" / "one.tar", tmp_path / "new" / "home")
    assert made.artifacts == len(names) > 0
    assert other.artifacts.list("") == names
    assert all(other.artifacts.checksum(name) == workspace.artifacts.checksum(name) for name in names)
    assert answers(other) == answers(workspace) != set()
    assert damaged(other, find_project(other, project.name)) == []
    assert (other.settings.uploads / sent.relative_to(workspace.settings.uploads)).read_bytes() == b"uploaded"
    for file in (tmp_path / "new" / "home").rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    assert (
        advance(other, project.id).done == advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    )
    other.database.close()


@pytest.mark.slow
def test_backups_under_writes_hold_every_answer_that_was_acknowledged(
    workspace: Workspace, project: Project, tmp_path: Path
) -> None:
    advance(workspace, project.id)
    queue = next_candidates(workspace, project.id, sign_in(workspace, "ann").id)
    one = queue[0].candidate.id
    acknowledged: list[str] = []
    stop = threading.Event()

    def label(name: str) -> None:
        annotator = sign_in(workspace, name)
        for count in itertools.count():  # each replaces the one before, which is withdrawn in the same transaction
            if stop.is_set():
                return
            token = f"{name} {count}"
            submit(workspace, project.id, annotator.id, Submission(token, one, Verdict.SKIP, None, 1.0))
            acknowledged.append(token)

    threads = [threading.Thread(target=label, args=(name,)) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    known = []
    try:
        for number in range(20):
            known.append(set(acknowledged))
            make_backup(workspace, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(known[-1]) > len(known[0])
    late = 0
    for number, before in enumerate(known):
        other = restored(tmp_path / f"{number}.tar", tmp_path / f"home {number}")  # which checks its integrity
        found = answers(other)
        assert before <= found <= set(acknowledged)
        late += len(found - before)
        with other.database.read() as tx:  # no half answer: each has the line of history that is written with it
            told = set(tx.execute(text("SELECT DISTINCT label_id FROM label_history")).scalars())
            assert told == set(tx.execute(text("SELECT id FROM label")).scalars())
            standing = "SELECT count(*) FROM label WHERE withdrawn_at IS NULL GROUP BY annotator_id"
            assert set(tx.execute(text(standing)).scalars()) <= {1}
            assert tx.execute(text("PRAGMA foreign_key_check")).all() == []
        other.database.close()
        shutil.rmtree(tmp_path / f"home {number}")
    assert late > 0  # there were writes between the call and the copy


@pytest.mark.slow
def test_artifacts_on_s3_are_backed_up_and_come_back_there_or_here(bucket: str, tmp_path: Path) -> None:
    far = Workspace.open(Settings(home=tmp_path / "far", artifacts_url=f"{bucket}/{uuid4().hex}"))
    project = find_project(far, colour_project(far, tmp_path).name)
    make_backup(far, tmp_path / "b.tar")
    names = {name: far.artifacts.checksum(name) for name in far.artifacts.list("")}
    there = Settings(home=tmp_path / "there", artifacts_url=f"{bucket}/{uuid4().hex}")
    for settings in (there, Settings(home=tmp_path / "here")):
        assert restore_backup(settings, tmp_path / "b.tar").artifacts == len(names)
        other = Workspace.open(settings)
        assert {name: other.artifacts.checksum(name) for name in other.artifacts.list("")} == names
        assert find_project(other, project.name) == project
        other.database.close()
    assert {path.name for path in (tmp_path / "there").iterdir()} <= {"alflow.db", "alflow.db-shm", "alflow.db-wal"}
    far.database.close()


@pytest.mark.postgres
@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="PostgreSQL's client programs are not installed")
def test_postgresql_by_its_own_programs(postgres_server: URL, tmp_path: Path) -> None:
    def url(database: URL) -> str:
        return database.render_as_string(hide_password=False)

    with postgres.new_database(postgres_server) as one, postgres.new_database(postgres_server) as two:
        workspace = Workspace.open(Settings(home=tmp_path / "one", database_url=url(one)))
        project = find_project(workspace, colour_project(workspace, tmp_path).name)
        make_backup(workspace, tmp_path / "b.tar")
        with pytest.raises(InvalidInputError, match="holds a postgresql database"):
            restore_backup(Settings(home=tmp_path / "lite"), tmp_path / "b.tar")
        with pytest.raises(ConflictError, match="is not empty"):
            restore_backup(Settings(home=tmp_path / "two", database_url=url(one)), tmp_path / "b.tar")
        settings = Settings(home=tmp_path / "two", database_url=url(two))
        assert restore_backup(settings, tmp_path / "b.tar").artifacts == len(workspace.artifacts.list(""))
        other = Workspace.open(settings)
        assert find_project(other, project.name) == project
        other.database.close()
        workspace.database.close()


@pytest.fixture
def backup(workspace: Workspace, tmp_path: Path) -> Path:
    """Of an empty project with one artifact."""
    workspace.artifacts.write_bytes("projects/1/note.json", b'{"a": 1}')
    make_backup(workspace, tmp_path / "b.tar")
    return tmp_path / "b.tar"


def test_nothing_is_overwritten(workspace: Workspace, backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(ConflictError, match="is there already: name a new file"):
        make_backup(workspace, backup)
    assert backup.read_bytes() == before
    with pytest.raises(ConflictError, match="there is a database"):
        restore_backup(workspace.settings, backup)
    for name, data in {"x": b"x", "projects/1/note.json": b"{}"}.items():
        Artifacts(tmp_path / name / "artifacts").write_bytes(name, data)
        with pytest.raises(ConflictError, match="there are other artifacts"):
            restore_backup(Settings(home=tmp_path / name), backup)


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_restore_goes_on_where_it_was(workspace: Workspace, tmp_path: Path) -> None:
    make_backup(workspace, tmp_path / "b.tar")
    names, other = workspace.artifacts.list(""), Artifacts(tmp_path / "new" / "artifacts", private=True)
    for name in names[::2]:
        with workspace.artifacts.reading(name) as (content, _):
            other.write_stream(name, content)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "new").rglob("*") if path.is_file()}
    restored(tmp_path / "b.tar", tmp_path / "new").database.close()
    assert other.list("") == names
    assert {path: path.stat().st_mtime_ns for path in before} == before
    with pytest.raises(ConflictError, match="there is a database"):
        restore_backup(Settings(home=tmp_path / "new"), tmp_path / "b.tar")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip_database(data: bytes) -> bytes:
    at = data.index(b"SQLite format 3") + 5000
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def other_artifact(data: bytes) -> bytes:
    return data.replace(b'{"a": 1', b'{"a": 2')


@pytest.mark.parametrize("harm", [cut, flip_database, other_artifact, lambda _: b"", lambda _: b"no archive" * 200])
def test_a_damaged_backup_is_refused_and_writes_nothing(
    backup: Path, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    backup.write_bytes(harm(backup.read_bytes()))
    with pytest.raises(InvalidInputError, match="take another one"):
        restore_backup(Settings(home=tmp_path / "new"), backup)
    assert not (tmp_path / "new").exists()


def test_a_backup_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"b\.tar cannot be read: No such file"):
        restore_backup(Settings(home=tmp_path / "new"), tmp_path / "b.tar")


def test_a_backup_of_another_version(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.database.begin() as tx:
        tx.execute(text("UPDATE alflow_version SET version_num = '9999_future'"))
    make_backup(workspace, tmp_path / "b.tar")
    with pytest.raises(UnavailableError, match="of another version of alflow"):
        restore_backup(Settings(home=tmp_path / "new"), tmp_path / "b.tar")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("odd", ["artifacts/../../out", "uploads/../out", "artifacts//out", "notes.txt", "alflow.db"])
def test_a_backup_that_holds_another_file_or_no_database_is_refused(backup: Path, tmp_path: Path, odd: str) -> None:
    with tarfile.open(backup) as tar:
        content = {name: tar.extractfile(name).read() for name in ("backup.json", "alflow.db")} | {odd: b"x"}
    if odd == "alflow.db":
        del content[odd]
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        link = tarfile.TarInfo("artifacts/link")
        link.type, link.linkname = tarfile.SYMTYPE, "nowhere"
        tar.addfile(link)  # is passed over
        for name, data in (*content.items(), ("checksums.json", json.dumps(sums).encode())):
            told = tarfile.TarInfo(name)
            told.size = len(data)
            tar.addfile(told, io.BytesIO(data))
    with pytest.raises(InvalidInputError, match=rf"is no backup that alflow made \(for '{odd}'\): take another one"):
        restore_backup(Settings(home=tmp_path / "new"), tmp_path / "bad.tar")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "new").exists()


def test_a_backup_is_a_file_outside_of_the_artifacts(workspace: Workspace) -> None:
    with pytest.raises(InvalidInputError, match=r"a file of this machine, not s3:/bucket/b\.tar"):
        make_backup(workspace, Path("s3://bucket/b.tar"))
    with pytest.raises(InvalidInputError, match="is among the artifacts"):
        make_backup(workspace, Path(workspace.settings.artifacts) / "b.tar")
