"""Answers that people gave elsewhere, brought into a project with their names and times.

They are answers like all others, of no round: they count in what is settled, and a withdrawal is a row of the history.
Only images of the pool take them, because what is settled is fitted, and target and test images must not be. Whoever
has answered an image here keeps that answer.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as made
from datetime import UTC, datetime, timedelta
from typing import Final

from alflow import text
from alflow.domain.answers import Verdict
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.ids import ClassId, ItemId
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rows import storable
from alflow.workflow.answers.brought import Brought, faults
from alflow.workflow.answers.foreign.given import Found, Given, Skipped, Unusable
from alflow.workflow.answers.foreign.images import Images
from alflow.workflow.answers.foreign.table import found_at
from alflow.workflow.desk.submission import LONGEST_COMMENT, kept_seconds
from alflow.workflow.images.meaning import meanings, unknown_labels
from alflow.workflow.people.annotators import clean_name
from alflow.workspace import Workspace

_AHEAD: Final = timedelta(days=1)  # by which a clock may be fast


def bring_labels(
    workspace: Workspace,
    project: Project,
    source: str,
    annotator: str = "",
    *,
    field: str = "",
    strict: bool = False,
) -> Brought:
    """Store the answers of a file; the same file again stores nothing.

    Args:
        workspace: where.
        project: whose images they are about.
        source: file or address, ending in .json (Label Studio, Argilla, FiftyOne), .xml (CVAT) or .jsonl (alflow);
            or a folder in which one of these has the name that its tool gives it (`table.NAMES`).
        annotator: who gave those for which the file names nobody.
        field: of FiftyOne and Argilla, the field or question that holds the class; needed where there are several.
        strict: store nothing unless every answer can be used.

    Raises:
        InvalidInputError: the file cannot be read; or, with `strict`, something in it cannot be used.
    """
    return bring_found(workspace, project, found_at(source, field), annotator, strict=strict)


def bring_found(
    workspace: Workspace, project: Project, found: Sequence[Found], annotator: str = "", *, strict: bool = False
) -> Brought:
    """Store the answers that were found, as `bring_labels` does.

    Raises:
        InvalidInputError: the annotator's name cannot be used; or, with `strict`, something in the file.
    """
    somebody = clean_name(annotator) if annotator else ""
    with workspace.database.read() as tx:
        images = Images(items.list_(tx, project.id))
        classes = projects.classes(tx, project.id)
    said = [one.label for one in found if isinstance(one, Given) and one.verdict is Verdict.CLASS]
    account = _Account(images, meanings(said, classes), somebody)
    for one in found:
        account.take(one)
    with workspace.database.begin() as tx:
        items.lock(tx, project.id)  # so that another import of the same file waits
        report = replace(_store(tx, project, account), unknown_classes=unknown_labels(said, classes))
        if strict and (wrong := faults(report)):
            raise InvalidInputError(f"no label was imported: {'; '.join(wrong)}; correct it, or do not be strict")
    return report


@dataclass(frozen=True)
class _Answer:
    """An answer whose image and class are known."""

    given: Given
    item: Item
    class_id: ClassId | None


@dataclass
class _Account:
    """What becomes of each answer, before anything is stored."""

    images: Images
    meant: Mapping[str, ClassId]
    somebody: str
    answers: dict[tuple[ItemId, str], _Answer] = made(default_factory=dict)
    unknown: list[str] = made(default_factory=list)
    ambiguous: list[str] = made(default_factory=list)
    elsewhere: list[str] = made(default_factory=list)
    unusable: list[Unusable] = made(default_factory=list)
    skipped: Counter[str] = made(default_factory=Counter)
    unnamed: int = 0
    repeated: int = 0
    by_name: int = 0

    def take(self, one: Found) -> None:
        """Book one entry of the file."""
        if isinstance(one, Skipped):
            self.skipped[one.kind] += 1
        elif isinstance(one, Unusable):
            self.unusable.append(one)
        else:
            try:
                self._book(_cleaned(one, self.somebody))
            except InvalidInputError as error:
                self.unusable.append(Unusable(one.place, storable(str(error))))

    def _book(self, given: Given) -> None:
        item = self._image(given)
        class_id = self.meant.get(given.label) if given.verdict is Verdict.CLASS else None
        if item is None or (given.verdict is Verdict.CLASS and class_id is None):
            return  # a label that means no class is counted with its like
        if not given.annotator:
            self.unnamed += 1
            return
        key = (item.id, given.annotator)
        earlier = self.answers.get(key)
        self.repeated += earlier is not None
        if earlier is None or _moment(given) >= _moment(earlier.given):
            self.answers[key] = _Answer(given, item, class_id)

    def _image(self, given: Given) -> Item | None:
        match = self.images.find(given)
        found = match.items
        self.by_name += match.by_name and len(found) == 1
        if len(found) == 1 and found[0].split is Split.POOL:
            return found[0]
        if len(found) == 1:
            self.elsewhere.append(found[0].uri)
        else:
            (self.ambiguous if found else self.unknown).append(storable(given.image)[:500])
        return None


def _store(tx: Transaction, project: Project, account: _Account) -> Brought:
    now, people = datetime.now(UTC), {one.id: one.name for one in annotators.all_(tx)}
    standing = {
        (each.item_id, people[each.annotator_id]): (each.verdict, each.class_id)
        for each in labels.of_project(tx, project.id)
    }
    known, undated, contradictions, added = 0, 0, list[str](), Counter[str]()
    for (item_id, name), answer in account.answers.items():
        here, token = standing.get((item_id, name)), _token(project, answer)
        if here is not None and here != (answer.given.verdict, answer.class_id):
            contradictions.append(answer.item.uri)
        elif here is not None or labels.by_token(tx, token) is not None:  # which may be withdrawn, and stays so
            known += 1
        else:
            labels.submit(tx, _new(tx, project, answer, token, now))
            undated += answer.given.at is None
            added[name] += 1
    return Brought(
        added=added.total(),
        known=known,
        people=dict(added),
        unknown_images=tuple(account.unknown),
        ambiguous_images=tuple(account.ambiguous),
        other_split=tuple(account.elsewhere),
        contradictions=tuple(contradictions),
        repeated=account.repeated,
        undated=undated,
        by_name=account.by_name,
        unnamed=account.unnamed,
        unusable=tuple(account.unusable),
        left_out=dict(account.skipped),
    )


def _new(tx: Transaction, project: Project, answer: _Answer, token: str, now: datetime) -> NewLabel:
    given = answer.given
    return NewLabel(
        project_id=project.id,
        item_id=answer.item.id,
        candidate_id=None,
        round_id=None,
        annotator_id=annotators.get_or_create(tx, given.annotator).id,
        verdict=given.verdict,
        class_id=answer.class_id,
        at=given.at or now,
        seconds=kept_seconds(given.seconds),
        token=token,
        shown={},
        comment=given.comment,
        proposed_class=given.proposed_class,
    )


def _token(project: Project, answer: _Answer) -> str:
    """The same for the same answer, whenever it is brought."""
    given = answer.given
    parts = (project.id, answer.item.id, given.annotator, given.verdict, answer.class_id, given.at and _moment(given))
    return f"brought {hashlib.sha256(repr(parts).encode()).hexdigest()}"


def _moment(given: Given) -> float:
    return given.at.timestamp() if given.at else 0.0


def _cleaned(given: Given, somebody: str) -> Given:
    """The answer with its texts as they are kept.

    Raises:
        InvalidInputError: it names no image, a text cannot be kept, or the time is not yet.
    """
    if not (given.image or given.content_hash or given.copy_hash):
        raise InvalidInputError("it names no image")
    if given.at is not None and given.at > datetime.now(UTC) + _AHEAD:
        raise InvalidInputError(f"its time {given.at.isoformat()} has not come yet")
    proposed = " ".join(given.proposed_class.split()) if given.verdict is Verdict.NONE else ""
    return replace(
        given,
        annotator=clean_name(given.annotator) if given.annotator else somebody,
        comment=text.clean_text("a comment", given.comment, LONGEST_COMMENT),
        proposed_class=text.clean_text("the name of a proposed class", proposed, text.LONGEST_NAME),
    )
