"""The candidates of rounds: the queue that people answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, case, func, insert, select

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Candidate, Origin
from alflow.errors import NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, is_answer


@dataclass(frozen=True)
class NewCandidate:
    """A candidate before its round has it; the fields are those of `alflow.domain.rounds.Candidate`."""

    item_id: ItemId
    rank: int
    origin: Origin
    score: float | None
    predicted_class_id: ClassId
    probabilities: Mapping[ClassId, float]
    epistemic: float
    aleatoric: float
    votes_needed: int = 1
    chosen_by: AnnotatorId | None = None
    reason: str | None = None


def add(tx: Transaction, round_id: RoundId, new: Sequence[NewCandidate]) -> None:
    """Add to the round's queue; ranks and items are its own, once each."""
    for chunk in chunks(new):
        tx.execute(insert(tables.candidate), [_candidate_row(round_id, one) for one in chunk])
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("ANALYZE candidate")  # else it takes thousands for a few, and rates all before the first


def of_round(tx: Transaction, round_id: RoundId) -> list[Candidate]:
    """The round's queue in rank order."""
    table = tables.candidate
    rows = tx.execute(select(table).where(table.c.round_id == round_id).order_by(table.c.rank)).mappings()
    return [candidate_of(row) for row in rows]


def of_origin(tx: Transaction, project_id: ProjectId, origin: Origin) -> list[Candidate]:
    """The project's candidates of this origin, those of the newest round first, each by rank."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table).join(round_, round_.c.id == table.c.round_id)
    rows = rows.where(round_.c.project_id == project_id, table.c.origin == origin)
    found = tx.execute(rows.order_by(round_.c.number.desc(), table.c.rank)).mappings()
    return [candidate_of(row) for row in found]


class Standing(NamedTuple):
    """How far a candidate is, without what was predicted but for the most probable class.

    It is `answered` once it has all the answers it needs; `named` if one of those that stand does not abstain.
    """

    round_id: RoundId
    item_id: ItemId
    predicted_class_id: ClassId
    answered: bool
    named: bool


def standings(tx: Transaction, project_id: ProjectId) -> list[Standing]:
    """The project's candidates of all rounds, by round and rank."""
    table, round_, label = tables.candidate, tables.round_, tables.label
    votes = select(label.c.id).where(
        label.c.candidate_id == table.c.id,
        label.c.withdrawn_at.is_(None),
        label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains]),
        is_answer(label),
    )
    answered = table.c.answers >= table.c.votes_needed
    rows = select(table.c.round_id, table.c.item_id, table.c.predicted_class_id, answered, votes.exists())
    rows = rows.join(round_, round_.c.id == table.c.round_id).where(round_.c.project_id == project_id)
    return [Standing(*row) for row in tx.execute(rows.order_by(table.c.round_id, table.c.rank))]


def information(tx: Transaction, project_id: ProjectId) -> dict[RoundId, tuple[int, float]]:
    """Round id -> how many candidates it has, and the sum of their scores."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.round_id, func.count(), func.coalesce(func.sum(table.c.score), 0.0))
    rows = rows.join(round_, round_.c.id == table.c.round_id).where(round_.c.project_id == project_id)
    return {round_id: (n, total) for round_id, n, total in tx.execute(rows.group_by(table.c.round_id)).tuples()}


class Asked(NamedTuple):
    """A candidate without what was predicted; `answered` once it has all the answers it needs."""

    item_id: ItemId
    round_id: RoundId
    origin: Origin
    answered: bool


def asked(tx: Transaction, project_id: ProjectId) -> list[Asked]:
    """The project's candidates of all rounds, oldest first."""
    table, round_ = tables.candidate, tables.round_
    answered = table.c.answers >= table.c.votes_needed
    rows = select(table.c.item_id, table.c.round_id, table.c.origin, answered)
    rows = rows.join(round_, round_.c.id == table.c.round_id).where(round_.c.project_id == project_id)
    return [Asked(*row) for row in tx.execute(rows.order_by(table.c.id))]


def drawn(tx: Transaction, project_id: ProjectId, origin: Origin) -> list[tuple[RoundId, ItemId]]:
    """Rounds and items of the project's candidates of this origin, without what was predicted, oldest first."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.round_id, table.c.item_id).join(round_, round_.c.id == table.c.round_id)
    rows = rows.where(round_.c.project_id == project_id, table.c.origin == origin)
    return [(round_id, item_id) for round_id, item_id in tx.execute(rows.order_by(table.c.id)).tuples()]


def newest_rounds(tx: Transaction, project_id: ProjectId) -> dict[ItemId, int]:
    """Item id -> number of the newest round that asked about it."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.item_id, func.max(round_.c.number)).join(round_, round_.c.id == table.c.round_id)
    found = tx.execute(rows.where(round_.c.project_id == project_id).group_by(table.c.item_id)).tuples()
    return {ItemId(item_id): number for item_id, number in found}


def count(tx: Transaction, project_id: ProjectId) -> int:
    """How many candidates the rounds of the project have had."""
    table, round_ = tables.candidate, tables.round_
    rows = select(func.count()).select_from(table).join(round_, round_.c.id == table.c.round_id)
    return tx.execute(rows.where(round_.c.project_id == project_id)).scalar_one()


def by_id(tx: Transaction, candidate_id: CandidateId) -> Candidate:
    """The candidate of that id.

    Raises:
        NotFoundError: there is none.
    """
    found = tx.execute(select(tables.candidate).where(tables.candidate.c.id == candidate_id)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no candidate has the id {candidate_id}")
    return candidate_of(found)


def place(tx: Transaction, one: Candidate) -> tuple[int, int]:
    """The rank of a candidate's score in its round (1 is the largest), and how many candidates the strategy chose."""
    table = tables.candidate
    better = case((table.c.score > one.score, 1), else_=0)
    chosen = (table.c.round_id == one.round_id, table.c.origin == Origin.STRATEGY)
    above, total = tx.execute(select(func.coalesce(func.sum(better), 0), func.count()).where(*chosen)).tuples().one()
    return above + 1, total


def candidate_of(row: RowMapping | dict[str, Any]) -> Candidate:
    """The noun of a row of the candidate table."""
    probabilities = {ClassId(int(class_id)): value for class_id, value in row["probabilities"].items()}
    return Candidate(**{**row, "probabilities": probabilities})


def _candidate_row(round_id: RoundId, new: NewCandidate) -> dict[str, Any]:
    probabilities = {str(class_id): value for class_id, value in new.probabilities.items()}
    return asdict(new) | {"round_id": round_id, "probabilities": probabilities}
