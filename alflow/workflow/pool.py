"""Importing images: every file becomes an item, is known already, or is rejected with the reason.

Renditions for the screen are made at import and named by the hash of the original's bytes, so that they are shared by
all projects and the interface never opens an original.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final

from alflow.domain import Project, Rejection, Split
from alflow.errors import InvalidInputError, NotFoundError
from alflow.progress import Progress, silent
from alflow.store import failures, items, projects
from alflow.store.artifacts import Artifacts
from alflow.store.items import NewItem
from alflow.store.rows import storable
from alflow.vlm.images import read_image, rendition
from alflow.workflow.sources import Entry, entries, read_file
from alflow.workflow.threads import ahead, groups
from alflow.workspace import Workspace

SIDES: Final[Mapping[str, int]] = {"rendition": 1024, "thumbnail": 256}
"""Kinds of JPEG kept for the screen, and the length of their longer side in pixels."""

WHOLE_SIDE: Final = 4096
"""The longer side, at most, of what one sees when zooming in."""

_IN_FLIGHT: Final = 32  # files whose bytes may be in memory at once
_A_TRANSACTION: Final = 100  # files: what a kill can lose is their database rows, made again from kept renditions


@dataclass(frozen=True)
class ImportReport:
    """What became of the files of a source.

    Attributes:
        added: new items.
        known: files whose bytes the project had already, or which came twice.
        rejected: files that could not be used, with the reason.
        unknown_labels: labels that name no class of the project, and how many files had them; kept without truth.
        left_out: how many things of the source were passed over, by the reason in words.
    """

    added: int
    known: int
    rejected: tuple[Rejection, ...]
    unknown_labels: Mapping[str, int]
    left_out: Mapping[str, int]


def import_items(
    workspace: Workspace,
    project: Project,
    source: str,
    split: Split = Split.POOL,
    progress: Progress = silent,
    *,
    labels: bool = True,
    anywhere: bool = False,
) -> ImportReport:
    """Import a folder, an ImageFolder tree, a manifest or one image, local or behind an fsspec URL.

    Can be repeated, and killed anywhere: the next run finishes the work. A file is never a reason to stop. An item
    keeps the split it came with first. With `labels`, those of a manifest and the folder names of an ImageFolder tree
    that name a class (by name or display name) are kept as hidden truth. With `anywhere` a manifest may name files
    outside its folder, and links may lead out of theirs.

    Raises:
        InvalidInputError: the source itself cannot be read.
    """
    seen = entries(source, anywhere=anywhere)
    found = seen.entries
    classes = _classes(workspace, project) if labels else {}
    report = ImportReport(0, 0, seen.rejected, _unknown_labels(found, classes) if labels else {}, seen.left_out)
    with workspace.database.begin() as tx:
        items.reject(tx, project.id, seen.rejected)
    outcomes = ahead(partial(_take, workspace, project, split, classes), found, _IN_FLIGHT)
    done = 0
    progress(done, len(found))
    for group in groups(outcomes, _A_TRANSACTION):
        report = _store(workspace, project, group, report)
        done += len(group)
        progress(done, len(found))
    return report


def rendition_bytes(workspace: Workspace, item_id: int, kind: str, project_id: int | None = None) -> bytes:
    """The JPEG that is shown for an item, of this project if one is named: one row and one file are read.

    Raises:
        InvalidInputError: there is no such kind.
        NotFoundError: there is no such item, or its rendition was removed.
    """
    if kind not in SIDES:
        raise InvalidInputError(f"there is no rendition {kind!r}; there are {', '.join(SIDES)}")
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
    if project_id is not None and item.project_id != project_id:
        raise NotFoundError(f"no item of this project has the id {item_id}")
    try:
        return workspace.artifacts.read_bytes(_path(kind, item.content_hash))
    except NotFoundError as error:
        raise NotFoundError(f"the {kind} of item {item_id} was removed; import {item.uri} again") from error


def whole_image(workspace: Workspace, item_id: int, project_id: int) -> bytes:
    """A JPEG of all the pixels an item has, to look closely; its kept rendition where the source is gone or changed.

    The longer side has at most `WHOLE_SIDE` pixels. The source is read again, and believed only if it still has the
    bytes that were imported.

    Raises:
        NotFoundError: the project has no such item, or both its source and its rendition are gone.
    """
    kept = rendition_bytes(workspace, item_id, "rendition", project_id)
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
    if max(item.width, item.height) <= SIDES["rendition"]:
        return kept
    try:
        data = read_file(item.uri)
        if hashlib.sha256(data).hexdigest() != item.content_hash:
            return kept
        return rendition(read_image(data, longest=WHOLE_SIDE), WHOLE_SIDE, quality=90)
    except InvalidInputError:
        return kept


def rendition_hash(workspace: Workspace, content_hash: str, kind: str) -> str | None:
    """SHA-256 of the JPEG that is shown for an image of these bytes; None when there is none."""
    return _hash(workspace.artifacts, _path(kind, content_hash)) if kind in SIDES else None


@lru_cache(maxsize=10_000)
def _hash(artifacts: Artifacts, path: str) -> str | None:
    try:
        return hashlib.sha256(artifacts.read_bytes(path)).hexdigest()
    except NotFoundError:
        return None


def _path(kind: str, content_hash: str) -> str:
    return f"{kind}s/{content_hash[:2]}/{content_hash}.jpg"


def _classes(workspace: Workspace, project: Project) -> dict[str, int]:
    with workspace.database.read() as tx:
        classes = projects.classes(tx, project.id)
    return {label.display_name: label.id for label in classes} | {label.name: label.id for label in classes}


def _unknown_labels(found: Iterable[Entry], classes: Mapping[str, int]) -> Mapping[str, int]:
    return Counter(entry.label for entry in found if entry.label and entry.label not in classes)


def _take(
    workspace: Workspace, project: Project, split: Split, classes: Mapping[str, int], entry: Entry
) -> NewItem | Rejection:
    """One file, in a thread: read, hash, decode, keep renditions."""
    try:
        _check_name(entry.uri)
        chosen = _split(entry.split, split)
        data = read_file(entry.uri)
        content_hash = hashlib.sha256(data).hexdigest()
        width, height = _size_of_known(workspace, project, content_hash) or _keep_renditions(
            workspace, content_hash, data
        )
    except InvalidInputError as error:
        place = "" if entry.row is None else f" (row {entry.row} of the manifest)"
        return Rejection(storable(entry.uri), storable(f"{error}{place}"), datetime.now(UTC))
    return NewItem(content_hash, entry.uri, chosen, width, height, classes.get(entry.label))


def _check_name(uri: str) -> None:
    """The door for names, which databases want to be text.

    Raises:
        InvalidInputError: the name is made of other bytes.
    """
    if storable(uri) != uri:
        raise InvalidInputError("the name of the file is no valid text; rename it")


def _split(named: str, default: Split) -> Split:
    try:
        return Split(named.lower()) if named else default
    except ValueError as error:
        raise InvalidInputError(f"unknown split {named!r}; there are {', '.join(Split)}") from error


def _size_of_known(workspace: Workspace, project: Project, content_hash: str) -> tuple[int, int] | None:
    """Size of an item that the project has, if its renditions are there too: nothing to decode."""
    with workspace.database.read() as tx:
        known = items.by_hashes(tx, project.id, [content_hash])
    if not known or not all(workspace.artifacts.exists(_path(kind, content_hash)) for kind in SIDES):
        return None
    return known[0].width, known[0].height


def _keep_renditions(workspace: Workspace, content_hash: str, data: bytes) -> tuple[int, int]:
    picture = read_image(data, longest=max(SIDES.values()))
    for kind, side in SIDES.items():
        _keep(workspace, _path(kind, content_hash), partial(rendition, picture, side))
    return picture.width, picture.height


def _keep(workspace: Workspace, name: str, make: Callable[[], bytes]) -> None:
    if not workspace.artifacts.exists(name):
        workspace.artifacts.write_bytes(name, make())


def _store(
    workspace: Workspace, project: Project, outcomes: list[NewItem | Rejection], report: ImportReport
) -> ImportReport:
    """One transaction; a truth that a later source knows is added to items that had none."""
    new = [outcome for outcome in outcomes if isinstance(outcome, NewItem)]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    truths = {item.content_hash: item.truth for item in new if item.truth is not None}
    with workspace.database.begin() as tx:
        added = items.add(tx, project.id, new)
        items.reject(tx, project.id, rejected)
        items.forget_rejections(tx, project.id, [item.uri for item in new])
        readable = items.by_hashes(tx, project.id, [item.content_hash for item in new])
        failures.forget(tx, [item.id for item in readable])  # what is there again is embedded at once
        known = items.by_hashes(tx, project.id, list(truths))
        items.set_truths(tx, {item.id: truths[item.content_hash] for item in known if item.truth is None})
    return replace(
        report,
        added=report.added + len(added),
        known=report.known + len(new) - len(added),
        rejected=(*report.rejected, *rejected),
    )
