"""Export a project as a data set of another tool: copies of its images, their classes and the votes about them.

The copies are the renditions that are shown on the desk: JPEG, upright, in sRGB, 1024 pixels at most on the longer
side, without the metadata of the original (no place, no camera). So nothing is read that the project may not read, and
originals that are far away or gone are no obstacle; each row names its original by place and hash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Final

from alflow.domain.images import Item
from alflow.errors import ConflictError, InvalidInputError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.outside import new_folder
from alflow.progress import Progress, silent
from alflow.store.answers import adjudications, certificates, outcomes, provenance
from alflow.store.answers.provenance import Provenance
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.workflow.answers.formats.pictures import Dataset, Picture
from alflow.workflow.answers.formats.table import FORMATS
from alflow.workflow.images.pool import rendition_bytes
from alflow.workspace import Workspace

_PAGE: Final = 500  # images in memory at once, without their pixels


@dataclass(frozen=True)
class Exported:
    """How much was written: images, those with a class, votes, and images that were left out for want of both.

    `by_model` are those whose class is the model's word, accepted with a certificate.
    """

    images: int = 0
    labelled: int = 0
    votes: int = 0
    left_out: int = 0
    by_model: int = 0


def export_dataset(
    workspace: Workspace,
    project_id: ProjectId,
    folder: str | Path,
    format_: str,
    progress: Progress = silent,
    *,
    unlabelled: bool = False,
) -> Exported:
    """Write the images that have a class or a vote, with `unlabelled` all images, into a new folder.

    The folder, or address of one, appears when it is whole (see `alflow.outside`). Withdrawn answers are not written.
    Each image is as it was at one moment; answers that come in meanwhile may be in or not.

    Raises:
        InvalidInputError: there is no such format, or no such address.
        ConflictError: there is something in the folder already, or there is nothing to write.
        NotFoundError: the rendition of an image was removed.
        UnavailableError: the folder cannot be written.
    """
    if format_ not in FORMATS:
        raise InvalidInputError(f"there is no format '{format_}': choose one of {', '.join(FORMATS)}")
    with workspace.database.read() as tx:
        project, classes = projects.by_id(tx, project_id), projects.classes(tx, project_id)
        total = sum(items.counts(tx, project_id).values())
    names = {one.id: one.name for one in classes}
    groups = {one.name: one.group for one in classes if one.group}
    about = Dataset(project.name, tuple(names.values()), datetime.now(UTC), groups)
    counted = _Counter(total, progress)
    with new_folder(folder) as part:
        found = counted.of(_pictures(workspace, project_id, names), unlabelled=unlabelled)
        first = next(found, None)
        if first is None:
            raise ConflictError(f"no image of project '{project.name}' has a class or a vote: label some, or use --all")
        FORMATS[format_].write(part, about, chain([first], found))
    return counted.done


class _Counter:
    """Counts what passes through."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.done, self._total, self._progress = Exported(), total, progress

    def of(self, pictures: "Iterator[_Unread]", *, unlabelled: bool) -> Iterator[Picture]:
        for seen, unread in enumerate(pictures, start=1):
            wanted, now = unlabelled or unread.is_labelled, self.done
            self.done = Exported(
                now.images + wanted,
                now.labelled + (unread.class_name is not None),
                now.votes + len(unread.votes),
                now.left_out + (not wanted),
                now.by_model + unread.by_model,
            )
            if wanted:
                yield unread.read()
            self._progress(seen, self._total)


@dataclass(frozen=True)
class _Unread:
    """A picture whose bytes were not read yet."""

    workspace: Workspace
    item: Item
    class_name: str | None
    class_from: str | None
    votes: tuple[Provenance, ...]
    by_model: bool

    @property
    def is_labelled(self) -> bool:
        return self.class_name is not None or bool(self.votes)

    def read(self) -> Picture:
        jpeg = rendition_bytes(self.workspace, self.item.project_id, self.item.id, "rendition")
        return Picture(self.item, self.class_name, self.class_from, self.votes, jpeg)


def _pictures(workspace: Workspace, project_id: ProjectId, names: Mapping[ClassId, str]) -> Iterator[_Unread]:
    """All images by id, with what stands about them; a transaction for each page."""
    after: ItemId | None = None
    while True:
        with workspace.database.read() as tx:
            page = items.list_(tx, project_id, after=after, limit=_PAGE)
            ids = [item.id for item in page]
            settled = outcomes.settled(tx, project_id, ids)
            decided = adjudications.standing(tx, project_id, ids)
            people = {one.id: one.name for one in annotators.all_(tx)} if decided else {}
            accepted = certificates.accepted(tx, project_id, ids)
            given = sorted(provenance.standing(tx, ids), key=lambda vote: vote.item_id)
        votes = {item_id: tuple(found) for item_id, found in groupby(given, key=lambda vote: vote.item_id)}
        for item in page:
            by = people[decided[item.id].annotator_id] if item.id in decided else "votes"
            class_id = settled.get(item.id)
            if class_id is None and item.truth is not None and item.id not in decided:
                class_id, by = item.truth, "import"
            if by_model := class_id is None and item.id in accepted:
                class_id, by = accepted[item.id].class_id, f"certificate {accepted[item.id].certificate_id}"
            name = None if class_id is None else names.get(class_id)  # None for a class that is newer than the export
            own = votes.get(item.id, ())
            yield _Unread(workspace, item, name, None if name is None else by, own, by_model and name is not None)
        if len(page) < _PAGE:
            return
        after = page[-1].id
