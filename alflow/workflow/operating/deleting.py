"""Delete a project: first nobody sees it any more, then its rows and files go, some at a time.

Wherever that is killed, the next call goes on. Nothing outside of alflow's own home is touched: the images stay where
they came from, and only what people uploaded goes. A run that was in the middle may write some more files; they go with
the next look at `finish_deletions`, for a day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from alflow import started
from alflow.domain.images import Split
from alflow.ids import ItemId, ProjectId
from alflow.leftovers import SAFE_AGE
from alflow.memory import in_words
from alflow.progress import Progress, silent
from alflow.store.images import items
from alflow.store.projects import deleting, projects
from alflow.store.projects.deleting import Deletion
from alflow.workflow.images.upload_files import remove_sent, sent_files
from alflow.workflow.images.whole import all_paths
from alflow.workflow.model.source import posterior_path
from alflow.workspace import Workspace

_PAGE: Final = 1_000  # images whose pictures are removed between two looks


@dataclass(frozen=True)
class Belongings:
    """What goes with a project.

    Attributes:
        images: rows of each split; their originals stay, unless they were uploaded.
        rows: of other kinds, by what they are.
        files: uploads, thumbnails, embeddings, fits and all else that alflow has made of them.
        size: of the files, in bytes.
    """

    images: Mapping[Split, int]
    rows: Mapping[str, int]
    files: int
    size: int

    @property
    def words(self) -> str:
        """All of it in one line."""
        images = {f"images of the {split}": count for split, count in self.images.items() if count}
        counts = {**images, **self.rows, "files that alflow keeps": self.files}
        return ", ".join(f"{what}: {count:,}" for what, count in counts.items()) + f" ({in_words(self.size)})"


def belongings(workspace: Workspace, project_id: ProjectId) -> Belongings:
    """What goes with the project, counted as it is now.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        projects.by_id(tx, project_id)
        images, rows = items.counts(tx, project_id), deleting.counts(tx, project_id)
    sizes = _files(workspace, project_id)
    shown = {path for page in _pictures(workspace, project_id) for path in page}
    for kind in sorted({path.partition("/")[0] for path in shown}):
        sizes |= {name: size for name, size in workspace.artifacts.sizes(kind).items() if name in shown}
    return Belongings(images, rows, len(sizes), sum(sizes.values()))


def delete_project(workspace: Workspace, project_id: ProjectId, progress: Progress = silent) -> None:
    """Delete a project with all that belongs to it, for good; `progress` counts rows and pictures.

    Raises:
        NotFoundError: there is no such project.
        UnavailableError: the database or the files cannot be changed; the next `finish_deletions` goes on.
    """
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        deleting.begin(tx, project_id, datetime.now(UTC))
    finish_deletions(workspace, progress)


def finish_deletions(workspace: Workspace, progress: Progress = silent) -> list[ProjectId]:
    """Remove what is left of deleted projects; returns those of which something was.

    Raises:
        UnavailableError: the database or the files cannot be changed.
    """
    with workspace.database.read() as tx:
        begun = deleting.begun(tx)
    return [one.id for one in begun if _finished(workspace, one, progress)]


def begun_deletion(workspace: Workspace, name: str) -> ProjectId | None:
    """The project of that name whose deletion was begun and not finished."""
    with workspace.database.read() as tx:
        return deleting.begun_by_name(tx, name)


def unfinished_deletions(workspace: Workspace) -> list[ProjectId]:
    """Deleted projects of which something is left."""
    with workspace.database.read() as tx:
        begun = deleting.begun(tx)
        rows = [one.id for one in begun if deleting.is_there(tx, one.id)]
    return [one.id for one in begun if one.id in rows or _files(workspace, one.id)]


def _finished(workspace: Workspace, deletion: Deletion, progress: Progress) -> bool:
    """Remove what is left of one; whether something was."""
    with workspace.database.read() as tx:
        any_rows = deleting.is_there(tx, deletion.id)
    if any_rows:
        _remove_rows(workspace, deletion.id, _remove_shared(workspace, deletion.id, progress), progress)
    files = _files(workspace, deletion.id)
    workspace.artifacts.remove_folder(_folder(deletion.id))
    remove_sent(workspace, deletion.id)
    started.forget(workspace.settings, deletion.id)
    if not (any_rows or files) and deletion.at < datetime.now(UTC) - SAFE_AGE:
        with workspace.database.begin() as tx:
            deleting.forget(tx, deletion.id)
    return any_rows or bool(files)


def _files(workspace: Workspace, project_id: ProjectId) -> dict[str, int]:
    """Those of this project alone, with their bytes."""
    return workspace.artifacts.sizes(_folder(project_id)) | sent_files(workspace, project_id)


def _remove_shared(workspace: Workspace, project_id: ProjectId, progress: Progress) -> int:
    """Remove what projects may share and no other one has, while the rows tell what that is; returns how much."""
    with workspace.database.read() as tx:
        posteriors = deleting.posteriors(tx, project_id)
    done = 0
    for paths in chain(_pictures(workspace, project_id), [[posterior_path(name) for name in posteriors]]):
        for path in paths:
            workspace.artifacts.remove(path)
        progress(done := done + len(paths), None)
    return done


def _remove_rows(workspace: Workspace, project_id: ProjectId, done: int, progress: Progress) -> None:
    place = 0
    while True:
        with workspace.database.begin() as tx:
            if not deleting.lock(tx, project_id):  # somebody else has removed the last
                return
            began, (gone, place) = place, deleting.remove_some(tx, project_id, place)
            if not gone and not began:
                deleting.remove_last(tx, project_id)
                return
        place = place if gone else 0  # once more from the beginning: somebody may have added rows meanwhile
        progress(done := done + gone, None)


def _pictures(workspace: Workspace, project_id: ProjectId) -> Iterator[list[str]]:
    """Where the pictures of the project lie that no other one has, a page of images at a time."""
    after: ItemId | None = None
    while True:
        with workspace.database.read() as tx:
            page = items.list_(tx, project_id, after=after, limit=_PAGE)
            hashes = items.alone(tx, project_id, [one.content_hash for one in page])
        yield [path for one in hashes for path in all_paths(one)]
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _folder(project_id: ProjectId) -> str:
    return f"projects/{project_id}"
