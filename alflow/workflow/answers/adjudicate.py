"""Adjudicate: what votes disagree about, and what a reviewer settles.

A settled class overrides all votes, in fits, curves and exports. Votes and decisions stay: a new decision, or taking
one back, marks the old one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.domain.answers import Adjudication, Label, Verdict
from alflow.domain.images import Item
from alflow.domain.rounds import Candidate, RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store.answers import adjudications, votes
from alflow.store.answers.adjudications import NewAdjudication
from alflow.store.answers.votes import Answer
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import clean_text
from alflow.workspace import Workspace

LONGEST_NOTE = 2_000


@dataclass(frozen=True)
class Dispute:
    """An item, the answers that stand, what the model believed when it asked, and the decisions so far, oldest first.

    `candidate` is the newest of the item's; None where its answers came from elsewhere.
    """

    item: Item
    votes: tuple[Label, ...]
    candidate: Candidate | None
    decisions: tuple[Adjudication, ...]

    @property
    def decision(self) -> Adjudication | None:
        """The decision that stands."""
        return next((one for one in self.decisions if one.withdrawn_at is None), None)


def disputed(workspace: Workspace, project_id: ProjectId) -> list[ItemId]:
    """Ids of the items whose votes differ and that nobody settled, the most evenly split first.

    "None of the classes" and "bad image" are votes too.
    """
    with workspace.database.read() as tx:
        return disputed_items(votes.standing(tx, project_id), adjudications.standing(tx, project_id))


def disputed_items(answers: Iterable[Answer], settled: Iterable[ItemId]) -> list[ItemId]:
    """`disputed`, of these answers."""
    tallies: defaultdict[ItemId, Counter[ClassId | Verdict]] = defaultdict(Counter)
    for answer in answers:
        if answer.vote is not None:
            tallies[answer.item_id][answer.vote] += 1
    settled = set(settled)
    split = {item: tally for item, tally in tallies.items() if len(tally) > 1 and item not in settled}
    return sorted(split, key=lambda item: (max(split[item].values()) / split[item].total(), item))


def settled_items(workspace: Workspace, project_id: ProjectId) -> list[ItemId]:
    """Ids of the items that a reviewer settled, the newest decision first."""
    with workspace.database.read() as tx:
        found = adjudications.standing(tx, project_id)
    return sorted(found, key=lambda item: -found[item].id)


def dispute(workspace: Workspace, project_id: ProjectId, item_id: ItemId) -> Dispute:
    """Everything a reviewer needs to settle an item.

    Raises:
        NotFoundError: the project has no such item.
    """
    with workspace.database.read() as tx:
        item = _item(tx, project_id, item_id)
        given = labels.of_item(tx, item_id)
        newest = adjudications.newest_candidate(tx, item_id)
        return Dispute(item, tuple(given), newest, tuple(adjudications.of_item(tx, item_id)))


def settle(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    seen: Dispute,
    class_id: ClassId | None,
    note: str = "",
) -> Adjudication:
    """Settle an item as a class, or (None) leave it without a label.

    The same decision again returns the one that stands.

    Args:
        workspace: where.
        project_id: whose item.
        annotator_id: the reviewer.
        seen: the item that was on screen, with its answers and decisions.
        class_id: its class from now on; None where nobody can tell.
        note: the reason, for later readers.

    Raises:
        ConflictError: the answers, or the decisions, are not those that were on screen.
        InvalidInputError: the class is of another project, the note is too long, or nobody answered about the item.
        NotFoundError: there is no such item or annotator.
    """
    note = clean_text("a note", note, LONGEST_NOTE)
    with workspace.database.begin() as tx:
        annotators.lock(tx, annotator_id)
        item_id = _item(tx, project_id, seen.item.id).id
        adjudications.lock_item(tx, item_id)
        if class_id is not None and not projects.has_class(tx, project_id, class_id):
            raise InvalidInputError(f"class {class_id} is not of this project: reload the page")
        given = [label.id for label in labels.of_item(tx, item_id)]
        if not given:
            raise InvalidInputError("nobody has answered about this image yet: there is nothing to settle")
        if sorted(vote.id for vote in seen.votes) != given:
            raise ConflictError("the answers about this image have changed in the meantime: review them, then settle")
        earlier = adjudications.of_item(tx, item_id)
        known = next((one for one in earlier if one.withdrawn_at is None), None)
        if known is not None and (known.class_id, known.note, known.annotator_id) == (class_id, note, annotator_id):
            return known
        if len(seen.decisions) != len(earlier):
            raise ConflictError(
                "another reviewer has decided about this image in the meantime: the newest decision is the first of "
                "the settled ones, where you may change it"
            )
        new = NewAdjudication(project_id, item_id, annotator_id, class_id, note, given, datetime.now(UTC))
        made = adjudications.settle(tx, new)
        _tell_round(tx, project_id)
        return made


def reopen(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, decision: Adjudication) -> None:
    """Take back one's own decision, so that the item's votes count again; idempotent.

    Raises:
        ConflictError: somebody has decided about the item since.
        NotFoundError: the project has no such item, or the decision is somebody else's.
    """
    with workspace.database.begin() as tx:
        item_id = _item(tx, project_id, decision.item_id).id
        adjudications.lock_item(tx, item_id)
        every = adjudications.of_item(tx, item_id)
        if (decision.id, annotator_id) not in {(one.id, one.annotator_id) for one in every}:
            raise NotFoundError("there is no such decision of yours to take back")
        newest = every[-1]
        if newest.id != decision.id:
            who = "you have" if newest.annotator_id == annotator_id else "another reviewer has"
            raise ConflictError(
                f"nothing was taken back, for {who} decided about this image since: the newest decision is the first "
                "of the settled ones"
            )
        adjudications.withdraw(tx, item_id, datetime.now(UTC))
        _tell_round(tx, project_id)


def _item(tx: Transaction, project_id: ProjectId, item_id: ItemId) -> Item:
    (item,) = items.by_ids(tx, [item_id])
    if item.project_id != project_id:
        raise NotFoundError(f"no item of this project has the id {item_id}")
    return item


def _tell_round(tx: Transaction, project_id: ProjectId) -> None:
    """Mark the round that is being fitted, so that it does not close on labels from before this decision."""
    current = rounds.current(tx, project_id)
    if current is None:
        return
    locked = rounds.lock(tx, current.id)
    if locked.state is RoundState.LABELLED:
        rounds.settle(tx, locked)
