"""The table of readers: what `alflow labels import` takes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign import argilla, cvat, fiftyone, label_studio, own
from alflow.workflow.answers.foreign.given import Found, json_of

NAMES: Final = (
    "labels.jsonl",
    "metadata.jsonl",
    "samples.json",
    "labels.json",
    "tasks.json",
    "records.json",
    "annotations.xml",
)
"""What the file of labels is called in a folder that a tool exported; the first that is there is read."""


def _json(data: bytes, field: str) -> Iterator[Found]:
    """Of the tool that the shape of the file tells.

    Raises:
        InvalidInputError: it is of none.
    """
    found: Any = json_of(data)
    if fiftyone.is_whole(found):
        return fiftyone.read_whole(found, field)
    if fiftyone.is_simple(found):
        return fiftyone.read_simple(found, field)
    if argilla.is_one(found):
        return argilla.read(found, field)
    if not isinstance(found, list):
        raise InvalidInputError(
            "it is no list of tasks (Label Studio's JSON), no records (Argilla's to_json) and no data set of FiftyOne "
            "(samples.json or labels.json): export it as one of these"
        )
    return label_studio.read(_without(field, found))


def _without(field: str, found: Any) -> Any:
    if field:
        raise InvalidInputError("--field is for FiftyOne and Argilla, and it is of neither: leave it out")
    return found


READERS: Final[Mapping[str, Callable[[bytes, str], Iterator[Found]]]] = {
    ".json": _json,
    ".xml": lambda data, field: cvat.read(_without(field, data)),
    ".jsonl": lambda data, field: own.read(_without(field, data)),
}
"""Ending of a file -> how its answers are read; the second argument names a field or question, or is empty."""
