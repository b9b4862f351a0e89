"""The candidates of rounds: the queue that people answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, case, func, insert, select

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Candidate, Origin
from alflow.errors import NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, is_answer, is_asked, is_queued


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


def new_candidates(
    item_ids: Sequence[ItemId],
    class_ids: Sequence[ClassId],
    probabilities: Sequence[Sequence[float]],
    parts: Iterable[tuple[float, float]],
    votes: int,
) -> list[NewCandidate]:
    """Candidates with what a model believes of them, ranked in this order, without a score.

    Args:
        item_ids: the items.
        class_ids: in the order of the columns.
        probabilities: a row for each item.
        parts: epistemic and aleatoric uncertainty of each, in nats.
        votes: that each needs.
    """
    return [
        NewCandidate(
            item_id=item_id,
            rank=rank,
            origin=Origin.STRATEGY,
            score=None,
            predicted_class_id=class_ids[max(range(len(row)), key=row.__getitem__)],
            probabilities=dict(zip(class_ids, row, strict=True)),
            epistemic=epistemic,
            aleatoric=aleatoric,
            votes_needed=votes,
        )
        for rank, (item_id, row, (epistemic, aleatoric)) in enumerate(zip(item_ids, probabilities, parts, strict=True))
    ]


def add(tx: Transaction, round_id: RoundId, new: Sequence[NewCandidate]) -> None:
    """Add to the round's queue; ranks and items are its own, once each."""
    for chunk in chunks(new):
        tx.execute(insert(tables.candidate), [row_of(round_id, one) for one in chunk])
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("ANALYZE candidate")  # else it takes thousands for a few, and rates all before the first


def of_round(tx: Transaction, round_id: RoundId, after: int | None = None, limit: int | None = None) -> list[Candidate]:
    """What the round asked about, in rank order: its queue, then what is answered of its reserve.

    With a limit the first of them; the next page starts `after` the last rank of this one.
    """
    table = tables.candidate
    rows = select(table).where(table.c.round_id == round_id, is_asked(table))
    if after is not None:
        rows = rows.where(table.c.rank > after)
    return [candidate_of(row) for row in tx.execute(rows.order_by(table.c.rank).limit(limit)).mappings()]


def next_rank(tx: Transaction, round_id: RoundId) -> int:
    """Behind all candidates of the round, those of its reserve too."""
    table = tables.candidate
    last = select(func.coalesce(func.max(table.c.rank), -1)).where(table.c.round_id == round_id)
    return int(tx.execute(last).scalar_one()) + 1


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
    origin: Origin
    predicted_class_id: ClassId
    answered: bool
    named: bool


def standings(tx: Transaction, project_id: ProjectId) -> list[Standing]:
    """The project's candidates of all rounds, also those of the reserve, by round and rank."""
    table, round_, label = tables.candidate, tables.round_, tables.label
    votes = select(label.c.id).where(
        label.c.candidate_id == table.c.id,
        label.c.withdrawn_at.is_(None),
        label.c.verdict.not_in([verdict for verdict in Verdict if verdict.abstains]),
        is_answer(label),
    )
    answered = table.c.answers >= table.c.votes_needed
    how_far = (table.c.predicted_class_id, answered, votes.exists())
    rows = select(table.c.round_id, table.c.item_id, table.c.origin, *how_far)
    rows = rows.join(round_, round_.c.id == table.c.round_id).where(round_.c.project_id == project_id)
    return [Standing(*row) for row in tx.execute(rows.order_by(table.c.round_id, table.c.rank))]


def information(tx: Transaction, project_id: ProjectId) -> dict[RoundId, tuple[int, float]]:
    """Round id -> how many candidates it has, and the sum of their scores; without its reserve."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.round_id, func.count(), func.coalesce(func.sum(table.c.score), 0.0))
    rows = rows.join(round_, round_.c.id == table.c.round_id)
    rows = rows.where(round_.c.project_id == project_id, is_queued(table))
    return {round_id: (n, total) for round_id, n, total in tx.execute(rows.group_by(table.c.round_id)).tuples()}


class Asked(NamedTuple):
    """A candidate without what was predicted; `answered` once it has all the answers it needs."""

    item_id: ItemId
    round_id: RoundId
    origin: Origin
    answered: bool


def asked(tx: Transaction, project_id: ProjectId) -> list[Asked]:
    """What all rounds of the project asked about, by round and rank."""
    table, round_ = tables.candidate, tables.round_
    answered = table.c.answers >= table.c.votes_needed
    rows = select(table.c.item_id, table.c.round_id, table.c.origin, answered)
    rows = rows.join(round_, round_.c.id == table.c.round_id)
    rows = rows.where(round_.c.project_id == project_id, is_asked(table))
    return [Asked(*row) for row in tx.execute(rows.order_by(table.c.round_id, table.c.rank))]


def drawn(tx: Transaction, project_id: ProjectId, origin: Origin) -> list[tuple[RoundId, ItemId]]:
    """Rounds and items of the project's candidates of this origin, without what was predicted, by round and rank."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.round_id, table.c.item_id).join(round_, round_.c.id == table.c.round_id)
    rows = rows.where(round_.c.project_id == project_id, table.c.origin == origin)
    rows = rows.order_by(table.c.round_id, table.c.rank)
    return [(round_id, item_id) for round_id, item_id in tx.execute(rows).tuples()]


def newest_rounds(tx: Transaction, project_id: ProjectId) -> dict[ItemId, int]:
    """Item id -> number of the newest round that asked about it."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table.c.item_id, func.max(round_.c.number)).join(round_, round_.c.id == table.c.round_id)
    mine = (round_.c.project_id == project_id, is_asked(table))
    found = tx.execute(rows.where(*mine).group_by(table.c.item_id)).tuples()
    return {ItemId(item_id): number for item_id, number in found}


def count(tx: Transaction, project_id: ProjectId) -> int:
    """How many images the rounds of the project have asked about."""
    table, round_ = tables.candidate, tables.round_
    rows = select(func.count()).select_from(table).join(round_, round_.c.id == table.c.round_id)
    return tx.execute(rows.where(round_.c.project_id == project_id, is_asked(table))).scalar_one()


def by_id(tx: Transaction, candidate_id: CandidateId) -> Candidate:
    """The candidate of that id.

    Raises:
        NotFoundError: there is none.
    """
    found = tx.execute(select(tables.candidate).where(tables.candidate.c.id == candidate_id)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no candidate has the id {candidate_id}")
    return candidate_of(found)


def newest_of(tx: Transaction, item_id: ItemId) -> Candidate | None:
    """The candidate by which an image was asked about last; None where it never was."""
    table, round_ = tables.candidate, tables.round_
    rows = select(table).join(round_, round_.c.id == table.c.round_id).where(table.c.item_id == item_id)
    row = tx.execute(rows.order_by(round_.c.number.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else candidate_of(row)


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


def row_of(round_id: RoundId, new: NewCandidate) -> dict[str, Any]:
    """The row of a candidate that the round is to have."""
    probabilities = {str(class_id): value for class_id, value in new.probabilities.items()}
    return asdict(new) | {"round_id": round_id, "probabilities": probabilities}
