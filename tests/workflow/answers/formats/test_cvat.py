"""CVAT for images 1.1 as its documentation gives it."""

from pathlib import Path
from xml.etree import ElementTree as ET

from tests.voted import ANN, START, Voted


def test_a_vote_is_a_tag_whose_attributes_are_declared(world: Voted, tmp_path: Path) -> None:
    world.export(tmp_path / "out", "cvat", unlabelled=True)
    root = ET.parse(tmp_path / "out" / "annotations.xml").getroot()
    assert (root.tag, root.findtext("version")) == ("annotations", "1.1")
    assert root.findtext("meta/task/size") == "6"
    labels = root.findall("meta/task/labels/label")
    assert [label.findtext("name") for label in labels] == ["cat", "dog", "traffic_light"]
    declared = {name.text for name in labels[0].findall("attributes/attribute/name")}
    images = root.findall("image")
    assert [image.get("id") for image in images] == ["0", "1", "2", "3", "4", "5"]
    assert [image.get("subset") for image in images] == ["pool"] * 4 + ["target", "test"]
    assert [[tag.get("label") for tag in image] for image in images] == [["cat", "dog"], ["cat"], [], [], [], ["dog"]]
    assert all((tmp_path / "out" / "images" / str(image.get("name"))).is_file() for image in images)
    said = {each.get("name"): each.text for each in images[0][0]}
    assert said.keys() == declared
    assert (said["annotator"], said["at"], said["settled"]) == (ANN, START.isoformat(), "false")
    assert [each.text for each in images[5][0] if each.text] == ["true"]
