"""Why the candidates of rounds are asked about, and what their labels were worth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import RowMapping, ScalarSelect, bindparam, insert, select, update

from alflow.domain.reasons import Near, Place, Reasons
from alflow.domain.rounds import Origin
from alflow.ids import ClassId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks

_COLUMNS = ("aim", "expected", "realised")
_PLAIN = ("lead", "lead_deviation", "n_copies")
_DIGITS = 6


@dataclass(frozen=True)
class Gain:
    """Expected and realised gain of a label, in nats, and whose candidate it was."""

    round_number: int
    origin: Origin
    expected: float
    realised: float


def add(tx: Transaction, round_id: RoundId, by_item: Mapping[ItemId, Reasons]) -> None:
    """Store the reasons for candidates of the round, by the item that they ask about."""
    statement = insert(tables.reasons).values(candidate_id=_candidate(round_id))
    for chunk in chunks(list(by_item.items())):
        tx.execute(statement, [_row(one) | {"item": item_id} for item_id, one in chunk])


def of_round(tx: Transaction, round_id: RoundId) -> dict[ItemId, Reasons]:
    """Of the candidates of the round that have reasons, by the item that they ask about."""
    table, candidate = tables.reasons, tables.candidate
    rows = select(candidate.c.item_id, table).join(candidate, candidate.c.id == table.c.candidate_id)
    found = tx.execute(rows.where(candidate.c.round_id == round_id).order_by(candidate.c.rank)).mappings()
    return {ItemId(row["item_id"]): _reasons(row) for row in found}


def realise(tx: Transaction, round_id: RoundId, gains: Mapping[ItemId, float | None]) -> None:
    """Store what the labels of the round were worth, by item; an earlier number is replaced."""
    if gains:
        statement = update(tables.reasons).where(tables.reasons.c.candidate_id == _candidate(round_id))
        statement = statement.values(realised=bindparam("gain"))
        tx.execute(statement, [{"item": item_id, "gain": gain} for item_id, gain in sorted(gains.items())])


def realised(tx: Transaction, project_id: ProjectId) -> list[Gain]:
    """Every label of the project whose worth is known, by round and rank."""
    table, candidate, round_ = tables.reasons, tables.candidate, tables.round_
    rows = (
        select(round_.c.number, candidate.c.origin, table.c.expected, table.c.realised)
        .join(candidate, candidate.c.id == table.c.candidate_id)
        .join(round_, round_.c.id == candidate.c.round_id)
        .where(round_.c.project_id == project_id, table.c.realised.is_not(None))
        .order_by(round_.c.number, candidate.c.rank)
    )
    return [Gain(*row) for row in tx.execute(rows).tuples()]


def _candidate(round_id: RoundId) -> ScalarSelect[Any]:
    """Id of the round's candidate that asks about the item."""
    table = tables.candidate
    wanted = select(table.c.id).where(table.c.round_id == round_id, table.c.item_id == bindparam("item"))
    return wanted.scalar_subquery()


def _row(one: Reasons) -> dict[str, Any]:
    fields = asdict(one)
    details = {name: value for name, value in fields.items() if name not in _COLUMNS}
    details["gains"] = {str(class_id): _short(value) for class_id, value in one.gains.items()}
    for name in ("informs", "copies"):
        details[name] = [[near.item_id, _short(near.value)] for near in getattr(one, name)]
    details["places"] = [[each.strategy, each.place, each.of, each.exact] for each in one.places]
    return {name: fields[name] for name in _COLUMNS} | {"details": details}


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _reasons(row: RowMapping) -> Reasons:
    details = {name: value for name, value in row["details"].items() if name in _PLAIN}
    return Reasons(
        **{name: row[name] for name in _COLUMNS},
        **details,
        gains={ClassId(int(class_id)): value for class_id, value in row["details"]["gains"].items()},
        informs=_near(row["details"]["informs"]),
        copies=_near(row["details"]["copies"]),
        places=tuple(Place(*each) for each in row["details"]["places"]),
    )


def _near(pairs: Sequence[tuple[int, float]]) -> tuple[Near, ...]:
    return tuple(Near(ItemId(item_id), value) for item_id, value in pairs)
