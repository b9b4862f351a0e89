"""The table of readers: what `alflow labels import` takes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from alflow.workflow.answers.foreign import cvat, label_studio, own
from alflow.workflow.answers.foreign.given import Found

READERS: Final[Mapping[str, Callable[[bytes], Iterator[Found]]]] = {
    ".json": label_studio.read,
    ".xml": cvat.read,
    ".jsonl": own.read,
}
"""Ending of a file -> how its answers are read."""
