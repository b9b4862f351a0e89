"""Sources of images, watched or taken once: what is known of them, and of the files in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from alflow.bounds import within
from alflow.domain.images import Split
from alflow.ids import ProjectId, WatchId

CHANGED: Final = "changed"
"""Beside the states in `Watch.files`: how many files changed since they were taken."""


class FileState(StrEnum):
    """What is known of a file of a watched source.

    NEW: seen, and perhaps still being written. READY: unchanged since, to be taken by the next run. KNOWN: taken.
    REFUSED: it could not be used. GONE: taken, and no longer there; its image stays.
    """

    NEW = "new"
    READY = "ready"
    KNOWN = "known"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True)
class WatchedFile:
    """A file of a watched source.

    Attributes:
        uri: where it is.
        mark: of its bytes, without reading them (size and time, or what a bucket says of its version).
        state: what is known of it.
        at: since when it has this mark, or when it was tried last.
        tries: how often it could not be read.
        changes: how often it changed after it was taken.
        label, split, row, group: what its source says of it, where that is taken once (see `sources.Entry`).
    """

    uri: str
    mark: str
    state: FileState
    at: datetime
    tries: int = 0
    changes: int = 0
    label: str = ""
    split: str = ""
    row: int | None = None
    group: str = ""


@dataclass(frozen=True)
class Watch:
    """A folder, or a prefix of a bucket, whose new images enter a project by themselves; or any source, taken once.

    Attributes:
        id: of the row.
        project_id: the project.
        source: an absolute path or an address.
        split: what its images are for.
        every: seconds between two looks.
        anywhere: whether links may lead out of the folder.
        added_at: since when it is watched.
        next_at: when it is looked at next.
        looked_at: when it was last read; None if it never was.
        trouble: why it could not be read when it was tried last.
        times: how often in a row it could not be read.
        files: how many files are in each state, and how many CHANGED since.
        left_out: what it holds besides images, by kind.
        once: whether it is taken once, and never looked at again.
        shares: of its images, drawn by chance, the part that is for each of these splits; the rest is for `split`.
        more_until: until when more of its files are expected: somebody uploads.
        tally: how many images it brought that were new, known already, or in another split, and the bytes uploaded.
    """

    id: WatchId
    project_id: ProjectId
    source: str
    split: Split
    every: float = field(metadata=within(1, 86_400))
    anywhere: bool
    added_at: datetime
    next_at: datetime
    looked_at: datetime | None
    trouble: str | None
    times: int
    files: Mapping[str, int]
    left_out: Mapping[str, int]
    once: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)
    more_until: datetime | None = None
    tally: Mapping[str, int] = field(default_factory=dict)
