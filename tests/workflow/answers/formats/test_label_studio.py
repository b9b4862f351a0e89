"""Label Studio: tasks as its documentation gives them; `tests/workflow/answers/foreign` reads them back."""

import json
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from tests.voted import ANN, START, Voted


def test_a_vote_is_an_annotation_with_its_annotator_and_time(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "label-studio", unlabelled=True)
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert [len(task["annotations"]) for task in tasks] == [2, 1, 2, 0, 0, 0]
    for task, item in zip(tasks, world.items, strict=True):
        name = unquote(task["data"]["image"].removeprefix("/data/local-files/?d="))
        assert (tmp_path / "out" / name).is_file()
        assert (task["data"]["uri"], task["data"]["alflow_split"]) == (item.uri, item.split)
    first = tasks[0]["annotations"][0]
    assert first["completed_by"] == {"email": ANN}
    assert (first["created_at"], first["lead_time"], first["was_cancelled"]) == (START.isoformat(), 1.5, False)
    (chosen,) = first["result"]
    assert chosen["value"] == {"choices": ["cat"]}
    skip, none = tasks[2]["annotations"]
    assert (skip["was_cancelled"], skip["result"]) == (True, [])
    assert (none["was_cancelled"], none["result"], none["meta"]["proposed_class"]) == (False, [], "fox")
    config = ET.parse(tmp_path / "out" / "labeling_config.xml").getroot()
    choices = config.find("Choices")
    assert choices is not None
    assert (choices.get("name"), choices.get("toName")) == (chosen["from_name"], chosen["to_name"])
    assert [each.get("value") for each in choices] == ["cat", "dog", "traffic_light"]
