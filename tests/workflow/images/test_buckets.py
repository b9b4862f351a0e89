"""Images and artifacts on a real S3 server."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from alflow.domain.rounds import RoundState
from alflow.errors import UnavailableError
from alflow.ids import RoundId
from alflow.settings import Settings
from alflow.workflow.answers.dataset import export_dataset
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.embedded import _item_ids
from alflow.workflow.images.pool import import_items, rendition_bytes
from alflow.workflow.insight.doubts import doubts
from alflow.workflow.operating.backup import make_backup
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace
from tests.buckets import Server
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow
s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed (extra `s3`)")


@pytest.fixture
def far(bucket: str, tmp_path: Path) -> Workspace:
    """A workspace whose artifacts are in a bucket."""
    return Workspace.open(Settings(home=tmp_path / "home", artifacts_url=f"{bucket}/{uuid4().hex}"))


def test_images_come_from_a_folder_a_manifest_and_an_archive(
    far: Workspace, bucket: str, tiny_model: str, pictures: Path, tmp_path: Path
) -> None:
    place, files = f"{bucket}/{uuid4().hex}", s3fs.S3FileSystem()
    for name, picture in {"in/a.png": "0.png", "in/b.jpg": "1.jpg", "lists/c.webp": "2.webp"}.items():
        files.put_file(str(pictures / picture), f"{place}/{name}")
    files.pipe_file(f"{place}/lists/all.csv", b"uri\nc.webp\n")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(pictures / "3.bmp", "cat/3.bmp")
    files.put_file(str(tmp_path / "all.zip"), f"{place}/all.zip")
    pets = create_project(far, "pets", tiny_model, "fp32", name_classes(["cat", "dog"]))
    assert [import_items(far, pets, f"{place}/{name}").added for name in ("in", "lists/all.csv", "all.zip")] == [
        2,
        1,
        1,
    ]
    report = embed_missing(far, pets)
    assert (report.embedded, report.failed) == (4, ())
    assert rendition_bytes(far, pets.id, 1, "thumbnail").startswith(b"\xff\xd8")


def test_a_round_lives_in_a_bucket_and_who_waits_reads_no_row(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, int]] = []
    plain = s3fs.S3FileSystem._cat_file

    async def counted(self: Any, path: str, *args: Any, **options: Any) -> bytes:
        data: bytes = await plain(self, path, *args, **options)
        read.append((path, len(data)))
        return data

    monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", counted)
    s3fs.S3FileSystem.clear_instance_cache()
    settings = Settings(home=tmp_path / "home", artifacts_url=f"{bucket}/{uuid4().hex}")
    far = Workspace.open(settings)
    project = colour_project(far, tmp_path)
    embed_missing(far, project)
    assert advance(far, project.id).done[-1] == "opened round 1"
    shards = far.artifacts.list(f"projects/{project.id}/embeddings")
    whole = sum(len(far.artifacts.read_bytes(name)) for name in shards)
    waiting = Workspace.open(settings)
    _item_ids.cache_clear()  # as in a new process
    read.clear()
    assert advance(waiting, project.id).done == ()
    seen = [size for path, size in read if "/embeddings/" in path]
    with far.database.read() as tx:
        count = tx.exec_driver_sql("SELECT count(*) FROM item").scalar_one()
    assert 8 * count <= sum(seen) <= 8 * count + 1024 * len(shards) < whole
    read.clear()
    advance(waiting, project.id)
    assert not [path for path, _ in read if "/embeddings/" in path]
    answer(far, project)
    assert advance(far, project.id).done == ("closed round 1", "opened round 2")
    assert round_summaries(far, project.id)[0].round.state is RoundState.CLOSED
    place = f"{bucket}/{uuid4().hex}/coco"
    export_dataset(far, project.id, place, "coco")
    assert s3fs.S3FileSystem().find(place)
    s3fs.S3FileSystem.clear_instance_cache()


def sums(workspace: Workspace) -> dict[str, str]:
    return {name: workspace.artifacts.checksum(name) for name in workspace.artifacts.list("projects")}


def live(workspace: Workspace, folder: Path, outage: Callable[[Callable[[], object]], None]) -> dict[str, str]:
    """Embed, open, answer, close, export, back up, each after an outage in its middle; what is kept at the end."""
    project = colour_project(workspace, folder)
    home = workspace.settings.home
    steps: list[Callable[[], object]] = [
        lambda: embed_missing(workspace, project),
        lambda: open_round(workspace, project.id),
        lambda: (answer(workspace, project), close_round(workspace, project.id, RoundId(1))),
        lambda: doubts(workspace, project.id),
        lambda: export_dataset(workspace, project.id, home / "coco", "coco"),
        lambda: make_backup(workspace, home / "all.tar"),
    ]
    for step in steps:
        _item_ids.cache_clear()  # as in a new process
        outage(step)
        step()
    assert {path.name for path in home.iterdir()} == {"alflow.db", "alflow.db-shm", "alflow.db-wal", "coco", "all.tar"}
    workspace.database.close()
    return sums(workspace)


def test_a_server_that_dies_in_the_middle_is_named_and_the_rerun_ends_equal(
    bucket: str, s3_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def far(name: str) -> Workspace:
        return Workspace.open(Settings(home=tmp_path / name, artifacts_url=f"{bucket}/{uuid4().hex}"))

    def outage(step: Callable[[], object]) -> None:
        for requests in (0, 2):
            with s3_server.dying(monkeypatch, requests), pytest.raises(UnavailableError) as told:
                step()
            assert re.fullmatch(r"s3://\S+ cannot be (read|written) \(.*\): check the address, .*", str(told.value))

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # else it is asked again for a while; read when the workspace opens
    whole = live(far("whole"), tmp_path / "pictures", lambda _: None)
    assert live(far("outages"), tmp_path / "pictures", outage) == whole
