"""Take the newest round back: reopen a closed one so that answers can be corrected, or drop one that is not closed.

Or end one early, with the answers that there are.

Each is one transaction. Who answers at that moment is either before it, and the answer counts as any other, or after
it: then a dropped image is no longer there, and the desk says that the answer is not stored.
"""

from datetime import UTC, datetime

from alflow.domain.rounds import Round, RoundState
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.people import annotators
from alflow.store.rounds import rollback, rounds
from alflow.store.rounds.rollback import Dropped
from alflow.workflow.model.source import last_fit
from alflow.workspace import Workspace


def what_closing_does(workspace: Workspace, project_id: ProjectId, number: int | None = None) -> str:
    """In words, before a round is closed whose queue may not be answered yet.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or it is closed.
    """
    with workspace.database.read() as tx:
        round_ = _unclosed(tx, project_id, number)
        done, total = rounds.answered(tx, round_.id)
    said = f"round {round_.number} is closed with the answers that there are, to {done} of its {total} images"
    if done == total:
        return said
    return (
        f"{said}; the other {total - done} are asked about no more, by this round or a later one (if it is dropped "
        "instead, its answers stay, and the others can be chosen again)"
    )


def close_early(workspace: Workspace, project_id: ProjectId, number: int) -> Round:
    """End the labelling of an open round, whatever is answered: the next run closes it.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or it is closed.
    """
    with workspace.database.begin() as tx:
        return rounds.set_state(tx, _unclosed(tx, project_id, number).id, RoundState.LABELLED)


def what_reopening_does(workspace: Workspace, project_id: ProjectId, number: int | None = None) -> str:
    """In words, before it is done.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or not closed.
    """
    with workspace.database.read() as tx:
        round_ = _closed(tx, project_id, number)
        total, answered = rollback.counts(tx, round_.id)
        certificate = rollback.certificate_of(tx, project_id, round_.number)
    said = (
        f"round {round_.number} is opened again: the answers to {answered} of its {total} images stay and can be "
        "corrected; its fit and evaluation count no more, until somebody closes it once more (`alflow round close`), "
        "which no schedule does by itself"
    )
    if certificate is None:
        return said
    return f"{said}; certificate {certificate} is of its model and stays: withdraw it if its answers were wrong"


def reopen_round(workspace: Workspace, project_id: ProjectId, number: int | None = None) -> Round:
    """Open the newest round, which is closed, once more; it waits until somebody closes it again.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or not closed.
    """
    with workspace.database.begin() as tx:
        round_ = rounds.lock(tx, _closed(tx, project_id, number).id)
        _closed(tx, project_id, round_.number)  # as it is now that it is locked
        before = last_fit([one for one in rounds.all_(tx, project_id) if one.number < round_.number])
        hashes = {name: made for name, made in round_.hashes.items() if name != "fit"}
        hashes |= {} if before is None else {"fit": before}
        was = {
            "closed_at": round_.closed_at.isoformat() if round_.closed_at else None,
            "fit": round_.hashes.get("fit"),
            "reopened_at": datetime.now(UTC).isoformat(),
        }
        past = [*round_.configuration.get("reopened", []), was]
        return rollback.reopen(tx, round_, hashes, {**round_.configuration, "reopened": past})


def what_dropping_does(
    workspace: Workspace, project_id: ProjectId, number: int | None = None, *, withdraw: bool = False
) -> str:
    """In words, before it is done.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or it is closed.
    """
    with workspace.database.read() as tx:
        round_ = _unclosed(tx, project_id, number)
        total, answered = rollback.counts(tx, round_.id)
    unanswered = f"round {round_.number} is dropped: {total - answered} of its {total} images are asked about no more"
    if not answered:
        return f"{unanswered}, and nothing of it is left"
    if withdraw:
        return (
            f"{unanswered}, the answers to the other {answered} are withdrawn, and they stay in the history of labels"
        )
    return f"{unanswered}; the answers to the other {answered} stay, and the next fit learns from them"


def drop_round(
    workspace: Workspace,
    project_id: ProjectId,
    by: AnnotatorId,
    number: int | None = None,
    *,
    withdraw: bool = False,
) -> Dropped:
    """Drop the newest round, which is not closed: what is not answered can be chosen again.

    Args:
        workspace: where.
        project_id: whose round.
        by: who does it.
        number: of the round; the newest if left out.
        withdraw: withdraw the answers as well; else they stay, and the round with them.

    Raises:
        NotFoundError: the project has no such round.
        ConflictError: it is not the newest one, or it is closed.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        annotators.lock(tx, by)
        found = _unclosed(tx, project_id, number)
        rollback.lock_candidates(tx, found.id)
        round_ = rounds.lock(tx, found.id)
        _unclosed(tx, project_id, round_.number)  # as it is now that it is locked
        if withdraw:
            for label in labels.of_round(tx, round_.id):
                labels.withdraw(tx, label.id, now, by=by, why=f"round {round_.number} was dropped")
        configuration = {name: value for name, value in round_.configuration.items() if name != "chances"}
        return rollback.drop(tx, round_, configuration | {"dropped_at": now.isoformat()}, now)


def _newest(tx: Transaction, project_id: ProjectId, number: int | None) -> Round:
    newest = rounds.last(tx, project_id)
    if newest is None:
        raise NotFoundError("the project has no round yet: open the first (`alflow round open`)")
    wanted = newest if number is None else rounds.by_number(tx, project_id, number)
    if wanted.number == newest.number:
        return newest
    first = "" if newest.state is RoundState.CLOSED else f": drop round {newest.number} first (`alflow round drop`)"
    raise ConflictError(
        f"round {wanted.number} is not the newest, and what came after it was chosen by its model{first}"
    )


def _closed(tx: Transaction, project_id: ProjectId, number: int | None) -> Round:
    round_ = _newest(tx, project_id, number)
    if round_.state is not RoundState.CLOSED:
        raise ConflictError(f"round {round_.number} is {round_.state}: its answers can be corrected as it is")
    if "dropped_at" in round_.configuration:
        raise ConflictError(f"round {round_.number} was dropped: change its answers with `alflow labels change`")
    return round_


def _unclosed(tx: Transaction, project_id: ProjectId, number: int | None) -> Round:
    round_ = _newest(tx, project_id, number)
    if round_.state is RoundState.CLOSED:
        raise ConflictError(f"round {round_.number} is closed: reopen it first (`alflow round reopen`)")
    return round_
