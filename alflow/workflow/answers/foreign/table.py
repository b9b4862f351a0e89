"""The table of readers: what `alflow labels import` takes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign import argilla, cvat, fiftyone, label_studio, own
from alflow.workflow.answers.foreign.given import Found, json_of
from alflow.workflow.images.addresses import parse
from alflow.workflow.images.archives import read

_LARGEST: Final = 2**30  # bytes of a file of answers

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
        raise InvalidInputError("a field is for FiftyOne and Argilla, and it is of neither: leave it out")
    return found


READERS: Final[Mapping[str, Callable[[bytes, str], Iterator[Found]]]] = {
    ".json": _json,
    ".xml": lambda data, field: cvat.read(_without(field, data)),
    ".jsonl": lambda data, field: own.read(_without(field, data)),
}
"""Ending of a file -> how its answers are read; the second argument names a field or question, or is empty."""


def found_at(source: str, field: str) -> list[Found]:
    """Everything in a file of this machine, at an address, or in a folder that a tool exported (`NAMES`).

    Raises:
        InvalidInputError: it has another ending, or cannot be read.
    """
    address = parse(_file_of(source))
    check_file(address.shown, 0)
    try:
        data = read(address, _LARGEST + 1)
    except InvalidInputError as error:
        raise InvalidInputError(f"{address.shown} cannot be read: {error}") from error
    return found_in(address.shown, data, field)


def found_in(name: str, data: bytes, field: str = "") -> list[Found]:
    """Everything in a file of this name, whose ending tells the format.

    Raises:
        InvalidInputError: it has another ending, is too large, or cannot be read.
    """
    check_file(name, len(data))
    try:
        return list(READERS[PurePosixPath(name.lower()).suffix](data, field))
    except InvalidInputError as error:
        raise InvalidInputError(f"{name} cannot be read: {error}") from error


def check_file(name: str, size: int) -> None:
    """Can a file of this name and of so many bytes hold answers?

    Raises:
        InvalidInputError: it has another ending, or is too large.
    """
    if PurePosixPath(name.lower()).suffix not in READERS:
        kinds = ".json (Label Studio, Argilla, FiftyOne), .xml (CVAT for images) or .jsonl (alflow)"
        raise InvalidInputError(f"{name} holds no labels that can be read: its name must end in {kinds}")
    if size > _LARGEST:
        raise InvalidInputError(f"{name} cannot be read: it is larger than a gigabyte: split it")


def _file_of(source: str) -> str:
    """The file that is meant; in a folder of this machine, the one that has the name that its tool gives it.

    Raises:
        InvalidInputError: a folder holds none of these.
    """
    folder = Path(source)
    if "://" in source or not folder.is_dir():
        return source
    found = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if found is None:
        raise InvalidInputError(
            f"the folder {source} holds no labels that can be read: it needs one of {', '.join(NAMES)}"
        )
    return str(found)
