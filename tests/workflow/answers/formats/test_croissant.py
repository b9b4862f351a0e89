"""The metadata as `mlcroissant` reads them."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.voted import ANN, Voted


@pytest.mark.slow
def test_mlcroissant_reads_rows_with_their_pictures(world: Voted, tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="the reader of Croissant is not installed")
    world.export(tmp_path / "out", "croissant", unlabelled=True)
    read = croissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not read.metadata.ctx.issues.errors
    rows = {row["images/sha256"].decode(): row for row in read.records("images")}
    assert len(rows) == 6
    for item, label in zip(world.items, ["", "cat", "", "", "", "dog"], strict=True):
        row = rows[item.content_hash]
        assert row["images/image"].size == (item.width, item.height)
        assert (row["images/split"].decode(), row["images/uri"].decode()) == (item.split, item.uri)
        assert (row["images/label"] or b"").decode() == label
    votes = json.loads(rows[world.items[0].content_hash]["images/votes"])
    assert [vote["annotator"] for vote in votes] == [ANN, "bob"]


def test_the_table_has_the_hash_that_the_metadata_say(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "croissant")
    described = json.loads((tmp_path / "out" / "croissant.json").read_text())
    table = (tmp_path / "out" / "labels.jsonl").read_bytes()
    assert described["distribution"][0]["sha256"] == hashlib.sha256(table).hexdigest()
