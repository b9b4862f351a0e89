"""CVAT for images 1.1: `annotations.xml` and `images/`, in which a tag of an image is a vote for a class.

CVAT has no field for who gave a tag and when: they are attributes of it, declared with each label
(https://docs.cvat.ai/docs/manual/advanced/xml_format/). A class that came from no vote (it came with the image, or a
reviewer decided) is a tag with `settled` alone. Answers that name no class have no place. The subset is the split.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from alflow.workflow.answers.formats.pictures import OWN_NAMES, Dataset, Picture, by_split, create, join, parts

ATTRIBUTES: Final = ("annotator", "at", "seconds", "round", "score", "settled")


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images and their tags."""
    count = 0
    with parts() as files:
        for split, picture in by_split(pictures, OWN_NAMES):
            create(folder / "images" / picture.file_name, picture.jpeg)
            element = _image(count, split, picture)
            ET.indent(element, level=1)
            files.add(folder / "annotations.part", f"  {ET.tostring(element, encoding='unicode')}\n")
            count += 1
    meta = _meta(about, count)
    ET.indent(meta, level=1)
    opening = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  '
    head = f"{opening}{ET.tostring(meta, encoding='unicode')}\n"
    join(folder / "annotations.xml", head, folder / "annotations.part", "</annotations>\n")


def _image(number: int, split: str, picture: Picture) -> ET.Element:
    width, height = picture.size
    known = {"id": f"{number}", "name": picture.file_name, "subset": split, "width": f"{width}", "height": f"{height}"}
    image = ET.Element("image", known)
    for vote in picture.votes:
        if vote.class_name is not None:
            said = {"annotator": vote.annotator, "at": vote.at.isoformat(), "seconds": str(vote.seconds)}
            said |= {"round": _text(vote.round_number), "score": _text(vote.score)}
            _tag(image, vote.class_name, said | {"settled": _flag(vote.class_name == picture.class_name)})
    if picture.class_name is not None and picture.class_name not in {vote.class_name for vote in picture.votes}:
        _tag(image, picture.class_name, dict.fromkeys(ATTRIBUTES, "") | {"settled": "true"})
    return image


def _tag(image: ET.Element, label: str, attributes: Mapping[str, str]) -> None:
    tag = ET.SubElement(image, "tag", {"label": label, "source": "manual"})
    for name, value in attributes.items():
        ET.SubElement(tag, "attribute", {"name": name}).text = value


def _meta(about: Dataset, count: int) -> ET.Element:
    meta = ET.Element("meta")
    task = ET.SubElement(meta, "task")
    for name, value in {"name": about.name, "size": f"{count}", "mode": "annotation"}.items():
        ET.SubElement(task, name).text = value
    labels = ET.SubElement(task, "labels")
    for each in about.classes:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = each
        ET.SubElement(label, "type").text = "tag"
        attributes = ET.SubElement(label, "attributes")
        for name in ATTRIBUTES:
            attribute = ET.SubElement(attributes, "attribute")
            told = {"name": name, "mutable": "False", "input_type": "text", "default_value": "", "values": ""}
            for key, value in told.items():
                ET.SubElement(attribute, key).text = value
    return meta


def _text(value: float | None) -> str:
    return "" if value is None else str(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"
