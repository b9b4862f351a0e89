"""Images of a project: which there are, and which could not be taken."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alflow.ids import (
    ClassId,
    ItemId,
    ProjectId,
)


class Split(StrEnum):
    """What an item is for: asked about, aimed at, or judged on."""

    POOL = "pool"
    TARGET = "target"
    TEST = "test"


@dataclass(frozen=True)
class Item:
    """One image of a project, named by the hash of its bytes.

    `truth` is a known class id, kept hidden from annotators: test items are judged by it, back-tests answer with it.
    `group` names what several images show: a patient, a video. None is on both sides of the test split.
    """

    id: ItemId
    project_id: ProjectId
    content_hash: str
    uri: str
    split: Split
    width: int
    height: int
    truth: ClassId | None = None
    group: str | None = None


@dataclass(frozen=True)
class Rejection:
    """A file that was not imported, and why."""

    uri: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class EmbedFailure:
    """An item that could not be embedded so far: why, how often it was tried, and when it is tried next."""

    item_id: ItemId
    uri: str
    reason: str
    attempts: int
    at: datetime
    next_at: datetime
