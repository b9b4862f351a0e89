"""CVAT for images 1.1: the tags of images (https://docs.cvat.ai/docs/manual/advanced/xml_format/).

CVAT does not say who gave a tag and when, unless attributes do, as alflow writes them. A tag without is taken for one
of the task's assignee, else of its owner.
"""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign.given import Found, Given, Skipped, Unusable, seconds_of, text_of, time_of


def read(data: bytes) -> Iterator[Found]:
    """The tags, image by image.

    Raises:
        InvalidInputError: it is no such XML.
    """
    text = text_of(data)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # which could name other files, or grow without bounds
        raise InvalidInputError("it declares a document type, which CVAT does not")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise InvalidInputError(f"it is no XML: {error}") from error
    if root.tag != "annotations":
        raise InvalidInputError(f"it begins with <{root.tag[:60]}>: export from CVAT as 'CVAT for images 1.1'")
    people = [root.findtext(f"meta/{task}/{role}/username") for role in ("assignee", "owner") for task in _TASKS]
    person = next(filter(None, people), "")
    for number, image in enumerate(root.iter("image")):
        yield from _tags(f"image {image.get('id', number)}", image, person)
    for _ in root.iter("track"):
        yield Skipped("tracks of videos")


_TASKS = ("task", "job", "project")


def _tags(place: str, image: ET.Element, person: str) -> Iterator[Found]:
    for element in image:
        if element.tag != "tag":
            yield Skipped(f"<{element.tag[:60]}> of images")
            continue
        said = {each.get("name", ""): each.text or "" for each in element.findall("attribute")}
        if said.get("settled") == "true" and not said.get("annotator"):
            yield Skipped("classes that no vote gave")
            continue
        try:
            at = time_of(said.get("at"))
        except InvalidInputError as error:
            yield Unusable(place, str(error))
            continue
        who, seconds = said.get("annotator") or person, seconds_of(said.get("seconds"))
        yield Given(place, image.get("name", ""), element.get("label", ""), who, at, seconds)
