"""The exported folder as `datasets` reads it."""

import json
from pathlib import Path

import pytest

from tests.voted import ANN, START, Voted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("unlabelled", [False, True])
def test_datasets_loads_it(world: Voted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, unlabelled: bool) -> None:
    datasets = pytest.importorskip("datasets", reason="the reader of Hugging Face is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    world.export(tmp_path / "out", "imagefolder", unlabelled=unlabelled)
    read = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    sizes = {"train": 4, "validation": 1, "test": 1} if unlabelled else {"train": 3, "test": 1}
    assert {name: len(split) for name, split in read.items()} == sizes
    by_hash = {item.content_hash: item for item in world.items}
    for split in read.values():
        for row in split:
            item = by_hash[row["sha256"]]
            assert (row["image"].size, row["uri"]) == ((item.width, item.height), item.uri)
            assert row["alflow_split"] == item.split
    labels = {row["sha256"]: (row["label"], row["label_from"]) for split in read.values() for row in split}
    assert labels[world.items[0].content_hash] == ("", "")  # one vote against one
    assert labels[world.items[1].content_hash] == ("cat", "votes")
    assert labels[world.items[5].content_hash] == ("dog", "import")
    votes = {row["sha256"]: json.loads(row["votes"]) for row in read["train"]}
    first = votes[world.items[0].content_hash]
    assert [(vote["annotator"], vote["class_name"]) for vote in first] == [(ANN, "cat"), ("bob", "dog")]
    assert (first[0]["at"], first[0]["comment"]) == (START.isoformat(), "clear\nto me")


def test_the_layout_is_the_documented_one(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "imagefolder")
    for split, count in (("train", 3), ("test", 1)):
        rows = [json.loads(line) for line in (tmp_path / "out" / split / "metadata.jsonl").read_text().splitlines()]
        assert len(rows) == count
        assert {row["file_name"] for row in rows} == {path.name for path in (tmp_path / "out" / split).glob("*.jpg")}
