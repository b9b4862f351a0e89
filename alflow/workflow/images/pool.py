"""Importing images: every file becomes an item, is known already, or is rejected with the reason.

Renditions for the screen are made at import and named by the hash of the original's bytes, so that they are shared by
all projects and the interface never opens an original.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

from alflow.domain.images import Item, Rejection, Split
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import InvalidInputError, NotFoundError, UnavailableError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.artifacts import Artifacts
from alflow.store.desk import gold
from alflow.store.images import failures, items
from alflow.store.images.items import NewItem
from alflow.store.projects import projects
from alflow.store.rows import storable
from alflow.vlm.images import read_image, rendition
from alflow.workflow.images.imported import ImportReport
from alflow.workflow.images.ledger import Ledger, Taken
from alflow.workflow.images.meaning import meanings, unknown_labels
from alflow.workflow.images.reach import Reach
from alflow.workflow.images.shares import Destination
from alflow.workflow.images.sides import on_one_side
from alflow.workflow.images.sources import Entry, Source, entries, read_file
from alflow.workflow.images.strict import refuse_faults, split_of, turned_away
from alflow.workflow.images.threads import ahead, groups
from alflow.workspace import Workspace

SIDES: Final[Mapping[str, int]] = {"rendition": 1024, "thumbnail": 256}
"""Kinds of JPEG kept for the screen, and the length of their longer side in pixels."""

_IN_FLIGHT: Final = 32  # files whose bytes may be in memory at once
_A_TRANSACTION: Final = (
    100  # files: a kill loses at most their database rows, which are restored from stored renditions
)


def import_items(
    workspace: Workspace,
    project: Project,
    source: str,
    split: Split | Destination = Split.POOL,
    progress: Progress = silent,
    *,
    anywhere: bool = False,
    strict: bool = False,
) -> ImportReport:
    """Import a folder, an ImageFolder tree, a manifest or one image, local or behind an fsspec URL.

    Can be repeated, and killed anywhere: the next run finishes the work. A bad file does not stop it. An item
    keeps the split it came with first; its place and its known class are those of the newest import that names them.
    The labels of a manifest and the folder names of an ImageFolder tree that name a class (by name or display name)
    are kept as hidden truth. With `anywhere` a manifest may name files outside its folder, and links may lead out of
    theirs. A `Destination` may draw the split by chance, where the source names none.

    Raises:
        InvalidInputError: the source itself cannot be read; or, with `strict`, a label names no class, a test image has
            none, a file is under two classes, or a row cannot be used. Nothing is stored then.
    """
    seen = entries(source, anywhere=anywhere)
    return import_found(workspace, project, seen, split, progress, strict=strict)


def import_found(
    workspace: Workspace,
    project: Project,
    seen: Source,
    split: Split | Destination = Split.POOL,
    progress: Progress = silent,
    *,
    strict: bool = False,
) -> ImportReport:
    """Import what a source was found to hold, as `import_items` does.

    Raises:
        InvalidInputError: as there, with `strict`.
    """
    to = Destination.given(split)
    classes = _classes(workspace, project)
    said = [entry.label for entry in seen.entries]
    meant, unknown, folders = meanings(said, classes), unknown_labels(said, classes), _are_folders(seen)
    if strict:
        refuse_faults(seen, meant, unknown, to.split, folders=folders)
    with workspace.database.begin() as tx:
        items.forget_rejections_like(tx, project.id, *seen.outdated)
    ledger = Ledger({one.id: one.name for one in classes})
    added = _store(workspace, project, seen.rejected, ledger)
    take = partial(_take, workspace, project, to, meant, seen.reach)
    done = 0
    progress(done, len(said))
    for group in groups(ahead(take, seen.entries, _IN_FLIGHT), _A_TRANSACTION):
        added += _store(workspace, project, group, ledger)
        done += len(group)
        progress(done, len(said))
    return replace(
        ledger.report(),
        added=added,
        known=ledger.booked - added,
        unknown_labels=unknown,
        left_out=dict(seen.left_out),
        folder_labels=folders,
    )


def check_strictly(workspace: Workspace, project: Project, seen: Source, to: Destination) -> None:
    """Refuse a source of which an import with `strict` would store nothing; no image is read.

    Raises:
        InvalidInputError: a label names no class, a test image has none, a file is under two classes, or a row cannot
            be used.
    """
    classes, said = _classes(workspace, project), [entry.label for entry in seen.entries]
    unknown = unknown_labels(said, classes)
    refuse_faults(seen, meanings(said, classes), unknown, to.split, folders=_are_folders(seen))


def image_counts(workspace: Workspace, project_id: ProjectId) -> dict[Split, int]:
    """How many images each split has."""
    with workspace.database.read() as tx:
        return items.counts(tx, project_id)


def image_page(
    workspace: Workspace, project_id: ProjectId, split: Split | None, after: ItemId | None, limit: int
) -> list[Item]:
    """The first images of a split or of all, by id; the next page starts `after` the last id of this one."""
    with workspace.database.read() as tx:
        return items.list_(tx, project_id, split, after, limit)


def rendition_bytes(workspace: Workspace, project_id: ProjectId, item_id: ItemId, kind: str) -> bytes:
    """The JPEG that is shown for an item of this project: one row and one file are read.

    A damaged or lost one is made anew from the source, if that still has the bytes that were imported.

    Raises:
        InvalidInputError: there is no such kind.
        NotFoundError: the project has no such item, or its rendition cannot be made anew.
    """
    if kind not in SIDES:
        raise InvalidInputError(f"there is no rendition {kind!r}: choose one of {', '.join(SIDES)}")
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])
    if item.project_id != project_id:
        raise NotFoundError(f"no item of this project has the id {item_id}")
    try:
        return workspace.artifacts.read_bytes(_path(kind, item.content_hash))
    except (NotFoundError, InvalidInputError):
        return _made_anew(workspace, item, kind)


def original(item: Item) -> bytes:
    """The bytes of an item's source, read again.

    Raises:
        InvalidInputError: it is gone, or was changed since it was imported.
    """
    data = read_file(item.uri)
    if hashlib.sha256(data).hexdigest() != item.content_hash:
        raise InvalidInputError(f"{item.uri} was changed since it was imported")
    return data


def rendition_hash(workspace: Workspace, content_hash: str, kind: str) -> str | None:
    """SHA-256 of the JPEG that is shown for an image of these bytes; None when there is none."""
    if kind not in SIDES:
        return None
    try:
        return _hash(workspace.artifacts, _path(kind, content_hash))
    except (NotFoundError, InvalidInputError):
        return None


@lru_cache(maxsize=10_000)  # which keeps no error: an image that is missing now may be there later
def _hash(artifacts: Artifacts, path: str) -> str:
    return hashlib.sha256(artifacts.read_bytes(path)).hexdigest()


def _made_anew(workspace: Workspace, item: Item, kind: str) -> bytes:
    """In the place of a damaged one.

    Raises:
        NotFoundError: the source is gone or changed.
    """
    try:
        picture = read_image(original(item), longest=max(SIDES.values()))
    except (InvalidInputError, UnavailableError) as error:
        raise NotFoundError(
            f"the {kind} of item {item.id} is damaged or lost, and cannot be made anew ({error}): bring {item.uri} back"
        ) from error
    return workspace.artifacts.write_bytes(_path(kind, item.content_hash), rendition(picture, SIDES[kind]))


def picture_paths(content_hash: str) -> list[str]:
    """Where the renditions of an image are kept, if they are."""
    return [_path(kind, content_hash) for kind in SIDES]


def _path(kind: str, content_hash: str) -> str:
    return f"{kind}s/{content_hash[:2]}/{content_hash}.jpg"


def _classes(workspace: Workspace, project: Project) -> list[ClassLabel]:
    with workspace.database.read() as tx:
        return projects.classes(tx, project.id)


def _are_folders(seen: Source) -> bool:
    """Whether the labels are the names of folders: no manifest names the files."""
    return all(entry.row is None for entry in seen.entries)


def _take(
    workspace: Workspace,
    project: Project,
    to: Destination,
    classes: Mapping[str, ClassId],
    reach: Reach,
    entry: Entry,
) -> Taken | Rejection:
    """One file, in a thread: read, hash, decode, keep renditions."""
    try:
        check_name(entry.uri)
        named = split_of(entry)
        data = read_file(entry.uri, reach)
        content_hash = hashlib.sha256(data).hexdigest()
        width, height = _size_of_known(workspace, project, content_hash) or _keep_renditions(
            workspace, content_hash, data
        )
    except InvalidInputError as error:
        return turned_away(entry, error)
    chosen = named or to.of(entry.group or content_hash, project.settings.seed)
    item = NewItem(content_hash, entry.uri, chosen, width, height, classes.get(entry.label), entry.group or None)
    return Taken(item, labelled=bool(entry.label), drawn=named is None and bool(to.shares))


def check_name(uri: str) -> None:
    """Check a file name, which databases need to be text.

    Raises:
        InvalidInputError: the name is not valid text.
    """
    if storable(uri) != uri:
        raise InvalidInputError("the name of the file is not valid text: rename it")


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


def _store(workspace: Workspace, project: Project, group: Sequence[Taken | Rejection], ledger: Ledger) -> int:
    """One transaction; returns how many items are new. Rejections of files that are accepted now are deleted."""
    taken = [one for one in group if isinstance(one, Taken)]
    turned_away = [one for one in group if isinstance(one, Rejection)]
    ledger.rejected += turned_away
    with workspace.database.begin() as tx:
        items.lock(tx, project.id)  # do not overwrite what another import stores in the meantime
        taken, split_groups = on_one_side(tx, project.id, taken)
        turned_away += split_groups
        ledger.rejected += split_groups
        added = items.add(tx, project.id, [one.item for one in taken])
        before = items.by_hashes(tx, project.id, {one.item.content_hash for one in taken})
        after = {item.content_hash: item for item in before}
        for one in taken:
            after[one.item.content_hash] = ledger.book(one, after[one.item.content_hash])
        changed = [(old, after[old.content_hash]) for old in before if after[old.content_hash] != old]
        items.change(tx, [new for _, new in changed])
        gold.rejudge(tx, {new.id: new.truth for old, new in changed if new.truth != old.truth})
        fine = {one.item.uri for one in taken} | {old.uri for old, _ in changed}
        items.forget_rejections(tx, project.id, sorted(fine - {one.uri for one in ledger.rejected}))
        failures.forget(tx, [item.id for item in before])  # originals that are back are embedded at once
        items.reject(tx, project.id, turned_away)
    return len(added)
