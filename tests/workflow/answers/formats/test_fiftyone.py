"""FiftyOne is heavy and not installed: the folder is compared with the layout that its documentation gives."""

import json
from pathlib import Path

from tests.voted import Voted


def test_the_layout_is_the_documented_one(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "fiftyone", unlabelled=True)
    found = {}
    for split in ("pool", "target", "test"):
        described = json.loads((tmp_path / "out" / split / "labels.json").read_text())
        assert described.keys() == {"classes", "labels"}
        assert described["classes"] == ["cat", "dog", "traffic_light"]
        assert described["labels"].keys() == {path.stem for path in (tmp_path / "out" / split / "data").iterdir()}
        found |= described["labels"]
    expected = [None, 0, None, None, None, 1]
    assert {name.rsplit("-", 1)[1]: index for name, index in found.items()} == {
        item.content_hash[:16]: index for item, index in zip(world.items, expected, strict=True)
    }
    rows = [json.loads(line) for line in (tmp_path / "out" / "labels.jsonl").read_text().splitlines()]
    assert all((tmp_path / "out" / row["file_name"]).is_file() for row in rows)
    assert [len(row["votes"]) for row in rows] == [2, 1, 2, 0, 0, 0]
