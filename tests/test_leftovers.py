"""What killed writers left: removed by the next writer and the doctor, once it is old, and never before."""

import os
import time
from pathlib import Path

import pytest
import torch

from alflow.errors import ConflictError
from alflow.leftovers import SAFE_AGE, leftovers, sweep
from alflow.outside import new_file, new_folder
from alflow.store.artifacts import Artifacts

OLD = 1.1 * SAFE_AGE.total_seconds()


def left(path: Path, age: float = OLD) -> Path:
    """A file into which nobody has written for so many seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    then = time.time() - age
    os.utime(path, (then, then))
    os.utime(path.parent, (then, then))
    return path


def test_only_what_is_old_and_has_such_a_name_goes(tmp_path: Path) -> None:
    old, deep = left(tmp_path / "a.tmp"), left(tmp_path / "b" / "c.tmp")
    kept = [left(tmp_path / "young.tmp", 0.9 * SAFE_AGE.total_seconds()), left(tmp_path / "old.txt"), deep]
    assert sweep(tmp_path, "*.tmp") == [old]
    assert all(path.exists() for path in kept)
    assert leftovers(tmp_path, "*.tmp") == []
    assert sweep(tmp_path, "*.tmp", deep=True) == [deep]
    assert sweep(tmp_path / "none", "*") == []


def test_of_a_folder_what_was_last_written_in_it_counts(tmp_path: Path) -> None:
    left(tmp_path / "x.partial" / "a")
    young = left(tmp_path / "x.partial" / "b", 60)
    os.utime(tmp_path / "x.partial", (0, 0))
    assert sweep(tmp_path, "*.partial") == []
    os.utime(young, (0, 0))
    assert sweep(tmp_path, "*.partial") == [tmp_path / "x.partial"]
    assert not (tmp_path / "x.partial").exists()


def test_who_writes_an_artifact_removes_what_was_left_beside_it(tmp_path: Path) -> None:
    ours, theirs = left(tmp_path / "a" / "x.safetensors.0123.tmp"), left(tmp_path / "a" / ".tmpC1Kv1w")
    other, live = left(tmp_path / "b" / "y.json.0123.tmp"), left(tmp_path / "a" / "z.safetensors.4567.tmp", 60)
    store = Artifacts(tmp_path)
    assert store.leftovers() == sorted(map(str, (ours, theirs, other)))
    store.write_tensors("a/x.safetensors", {"x": torch.zeros(1)})
    assert not ours.exists()
    assert not theirs.exists()
    assert store.leftovers() == store.sweep() == [str(other)]
    assert live.exists()


@pytest.mark.parametrize("make", [new_folder, new_file])
def test_who_exports_to_a_place_removes_what_was_left_there(tmp_path: Path, make: object) -> None:
    mine = left(tmp_path / ".out[1].01234567.partial")
    kept = [left(tmp_path / ".out2.01234567.partial"), left(tmp_path / ".out[1].89abcdef.partial", 60)]
    with make(str(tmp_path / "out[1]")):  # type: ignore[operator]
        assert not mine.exists()
    if (made := tmp_path / "out[1]").is_dir():
        (made / "a file").touch()
    left(mine)
    with pytest.raises(ConflictError), make(str(tmp_path / "out[1]")):  # type: ignore[operator]
        pass
    assert not mine.exists()
    assert all(path.exists() for path in kept)


@pytest.mark.slow
def test_parts_of_uploads_that_were_never_finished_are_told_and_forgotten(bucket: str) -> None:
    s3fs = pytest.importorskip("s3fs")
    files, name = s3fs.S3FileSystem(), bucket.removeprefix("s3://")
    for key in ("home/x.safetensors", "homes/y.safetensors"):
        files.call_s3("create_multipart_upload", Bucket=name, Key=key)  # which this server dates back by years
    store = Artifacts(f"{bucket}/home")
    assert store.leftovers() == store.sweep() == [f"{bucket}/home/x.safetensors"]
    assert store.leftovers() == []
    assert Artifacts(bucket).sweep() == [f"{bucket}/homes/y.safetensors"]
