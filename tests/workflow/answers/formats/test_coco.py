"""COCO: every split is one file whose ids agree."""

import json
from pathlib import Path

from PIL import Image

from tests.voted import ANN, Voted


def test_ids_agree_and_votes_travel(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "coco", unlabelled=True)
    splits = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out" / "annotations").iterdir()}
    assert {name: len(one["images"]) for name, one in splits.items()} == {"pool": 4, "target": 1, "test": 1}
    for one in splits.values():
        assert one["categories"] == [
            {"id": 1, "name": "cat", "supercategory": ""},
            {"id": 2, "name": "dog", "supercategory": ""},
            {"id": 3, "name": "traffic_light", "supercategory": ""},
        ]
        for image in one["images"]:
            with Image.open(tmp_path / "out" / "images" / image["file_name"]) as picture:
                assert picture.size == (image["width"], image["height"])
    (cat,) = splits["pool"]["annotations"]
    assert (cat["image_id"], cat["category_id"], cat["label_from"]) == (world.items[1].id, 1, "votes")
    (dog,) = splits["test"]["annotations"]
    assert (dog["image_id"], dog["category_id"], dog["label_from"]) == (world.items[5].id, 2, "import")
    assert splits["target"]["annotations"] == []
    votes = {image["id"]: image["votes"] for image in splits["pool"]["images"]}
    assert [(each["annotator"], each["verdict"]) for each in votes[world.items[2].id]] == [
        (ANN, "skip"),
        ("bob", "none"),
    ]
