"""The images of a project, and the files that were rejected."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, bindparam, case, delete, func, select, update

from alflow.domain.images import Item, Rejection, Split
from alflow.domain.projects import ProjectState
from alflow.errors import NotFoundError
from alflow.ids import CandidateId, ClassId, ItemId, ProjectId, RoundId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import chunks, is_answer, is_asked, is_queued, upsert


@dataclass(frozen=True)
class NewItem:
    """An image before the project has it: hash of its bytes, where they are, size in pixels as displayed."""

    content_hash: str
    uri: str
    split: Split
    width: int
    height: int
    truth: ClassId | None = None
    group: str | None = None


SPLITS = tuple(Split)
"""What the numbers in `Columns.splits` mean."""


@dataclass(frozen=True)
class Columns:
    """All items of a project as columns, by ascending id: for figures over hundreds of thousands of them.

    Attributes:
        item_ids: [N].
        splits: [N], places in `SPLITS`.
        truths: [N], known class ids; 0 where none is known.
    """

    item_ids: NDArray[np.int64]
    splits: NDArray[np.int8]
    truths: NDArray[np.int64]


def lock(tx: Transaction, project_id: ProjectId) -> None:
    """Block other imports into the project until the end of this transaction; labelling goes on.

    Raises:
        NotFoundError: there is no such project, or no more.
    """
    table = tables.project
    row = select(table.c.id).where(table.c.id == project_id, table.c.state != ProjectState.DELETED)
    if tx.execute(row.with_for_update(key_share=True)).first() is None:
        raise NotFoundError(f"no project has the id {project_id}")


def add(tx: Transaction, project_id: ProjectId, rows: Sequence[NewItem]) -> list[Item]:
    """Store those whose bytes the project does not have yet, and return them; the others stay as they are."""
    added: list[Item] = []
    statement = upsert(tx, tables.item)
    statement = statement.on_conflict_do_nothing(index_elements=["project_id", "content_hash"])
    for chunk in chunks(rows):
        values = [asdict(row) | {"project_id": project_id} for row in chunk]
        added += [Item(**row) for row in tx.execute(statement.returning(tables.item), values).mappings()]
    _count(tx, project_id, Counter(one.split for one in added))
    return added


def by_hashes(tx: Transaction, project_id: ProjectId, hashes: Iterable[str]) -> list[Item]:
    """The project's items with these content hashes, by id; hashes it does not know are left out."""
    found: list[Item] = []
    for chunk in chunks(list(hashes)):
        rows = select(tables.item).where(_of(project_id, None), tables.item.c.content_hash.in_(chunk))
        found += [Item(**row) for row in tx.execute(rows).mappings()]
    return sorted(found, key=lambda item: item.id)


def alone(tx: Transaction, project_id: ProjectId, hashes: Sequence[str]) -> list[str]:
    """Those of these content hashes that no other project has."""
    item, project = tables.item, tables.project
    there = select(project.c.id).where(project.c.id != project_id, project.c.state != ProjectState.DELETED)
    others = list(tx.execute(there).scalars())  # one by one, as the index of hashes begins with the project
    shared: set[str] = set()
    for chunk in chunks(hashes):
        rows = select(item.c.content_hash).where(item.c.project_id.in_(others), item.c.content_hash.in_(chunk))
        shared.update(tx.execute(rows).scalars())
    return [one for one in hashes if one not in shared]


def list_(
    tx: Transaction,
    project_id: ProjectId,
    split: Split | None = None,
    after: ItemId | None = None,
    limit: int | None = None,
) -> list[Item]:
    """Items by id, those of one split or all; the next page starts `after` the last id of this one."""
    rows = select(tables.item).where(_of(project_id, split), tables.item.c.id > (after or 0))
    return [Item(**row) for row in tx.execute(rows.order_by(tables.item.c.id).limit(limit)).mappings()]


def ids(tx: Transaction, project_id: ProjectId, split: Split | None = None) -> list[ItemId]:
    """The ids alone, in order."""
    rows = select(tables.item.c.id).where(_of(project_id, split)).order_by(tables.item.c.id)
    return list(tx.execute(rows).scalars())


def columns(tx: Transaction, project_id: ProjectId) -> Columns:
    """Every item's id, split and known class, without its place and size."""
    item = tables.item
    number = case({split.value: place for place, split in enumerate(SPLITS)}, value=item.c.split)
    rows = select(item.c.id, number, func.coalesce(item.c.truth, 0)).where(_of(project_id, None)).order_by(item.c.id)
    found = [
        tuple(row) for row in tx.execute(rows)
    ]  # of rows as they are, NumPy asks each what it is: ten times as long
    table = np.array(found, dtype=np.int64).reshape(-1, 3)
    return Columns(table[:, 0].copy(), table[:, 1].astype(np.int8), table[:, 2].copy())


def by_ids(tx: Transaction, item_ids: Sequence[ItemId]) -> list[Item]:
    """These items, in the order asked for.

    Raises:
        NotFoundError: one of them does not exist.
    """
    found: dict[ItemId, Item] = {}
    for chunk in chunks(list(item_ids)):
        rows = tx.execute(select(tables.item).where(tables.item.c.id.in_(chunk))).mappings()
        found.update((row["id"], Item(**row)) for row in rows)
    if missing := [one for one in item_ids if one not in found]:
        others = f", nor have {len(missing) - 1:,} others theirs" if len(missing) > 1 else ""
        raise NotFoundError(f"no image has the number {missing[0]}{others}: take one that a page shows")
    return [found[one] for one in item_ids]


def of_candidates(tx: Transaction, candidate_ids: Sequence[CandidateId]) -> dict[CandidateId, Item]:
    """Candidate id -> the image it asks about, for the candidates that there are."""
    candidate, item = tables.candidate, tables.item
    found: dict[CandidateId, Item] = {}
    for chunk in chunks(candidate_ids):
        rows = select(candidate.c.id.label("candidate"), item).join(item, item.c.id == candidate.c.item_id)
        for row in tx.execute(rows.where(candidate.c.id.in_(chunk))).mappings():
            found[row["candidate"]] = Item(**{name: value for name, value in row.items() if name != "candidate"})
    return found


def unasked(
    tx: Transaction, project_id: ProjectId, after: ItemId | None = None, limit: int | None = None
) -> list[ItemId]:
    """Ids of the pool items that no round waits for and that have no label: what may be acquired.

    Those of a reserve are among them until they are answered. With a limit the first of them; the next page starts
    `after` the last id of this one.
    """
    item, candidate = tables.item, tables.candidate
    queued = (candidate.c.item_id == item.c.id, is_queued(candidate))
    asked = select(candidate.c.id).where(*queued).exists()
    labelled = select(tables.label.c.id).where(
        tables.label.c.item_id == item.c.id, tables.label.c.withdrawn_at.is_(None), is_answer(tables.label)
    )
    rows = select(item.c.id).where(_of(project_id, Split.POOL), item.c.id > (after or 0), ~asked, ~labelled.exists())
    return list(tx.execute(rows.order_by(item.c.id).limit(limit)).scalars())


def is_all_asked(tx: Transaction, project_id: ProjectId) -> bool:
    """Whether nothing of the pool may be acquired any more; does not read it all."""
    return not unasked(tx, project_id, limit=1)


def asked(tx: Transaction, round_id: RoundId) -> set[ItemId]:
    """Ids of the items that the round asks about."""
    table = tables.candidate
    return set(tx.execute(select(table.c.item_id).where(table.c.round_id == round_id, is_asked(table))).scalars())


def truths(tx: Transaction, project_id: ProjectId, split: Split | None = None) -> dict[ItemId, ClassId]:
    """Item id -> known class id, where one is known."""
    item = tables.item
    rows = tx.execute(select(item.c.id, item.c.truth).where(_of(project_id, split), item.c.truth.is_not(None)))
    return {item_id: truth for item_id, truth in rows.tuples() if truth is not None}


def change(tx: Transaction, changed: Sequence[Item]) -> None:
    """Update the place, the known class and the group of these items."""
    if changed:
        table = tables.item
        statement = update(table).where(table.c.id == bindparam("item"))
        statement = statement.values(uri=bindparam("place"), truth=bindparam("class"), group=bindparam("of"))
        in_order = sorted(changed, key=lambda item: item.id)  # two imports at once must not wait for each other
        new = [{"item": one.id, "place": one.uri, "class": one.truth, "of": one.group} for one in in_order]
        tx.execute(statement, new)


def sides(tx: Transaction, project_id: ProjectId, groups: Sequence[str]) -> dict[str, bool]:
    """Group -> whether its images are of the test split, for the groups that there are."""
    item, found = tables.item, dict[str, bool]()
    for chunk in chunks(groups):
        rows = select(item.c.group, item.c.split).where(_of(project_id, None), item.c.group.in_(chunk)).distinct()
        found |= {group: split is Split.TEST for group, split in tx.execute(rows).tuples()}
    return found


def counts(tx: Transaction, project_id: ProjectId) -> dict[Split, int]:
    """Items per split, zero where there are none; takes no longer for a large pool."""
    table = tables.item_count
    rows = tx.execute(select(table.c.split, table.c.count).where(table.c.project_id == project_id)).tuples()
    return dict.fromkeys(Split, 0) | dict(rows.all())


def reject(tx: Transaction, project_id: ProjectId, rejected: Sequence[Rejection]) -> None:
    """Record files that were not imported; a file rejected again keeps the newest reason."""
    statement = upsert(tx, tables.rejection)
    newest = {"reason": statement.excluded.reason, "at": statement.excluded.at}
    statement = statement.on_conflict_do_update(index_elements=["project_id", "uri"], set_=newest)
    for chunk in chunks(list({one.uri: one for one in rejected}.values())):
        tx.execute(statement, [asdict(row) | {"project_id": project_id} for row in chunk])


def forget_rejections(tx: Transaction, project_id: ProjectId, uris: Sequence[str]) -> None:
    """Delete the rejections of files that can be used now."""
    table = tables.rejection
    for chunk in chunks(uris):
        tx.execute(delete(table).where(table.c.project_id == project_id, table.c.uri.in_(chunk)))


def forget_rejections_like(tx: Transaction, project_id: ProjectId, uri: str, reason: str) -> None:
    """Delete the rejections whose place and reason begin so, before the source is read anew; none without a place."""
    if not uri:
        return
    table = tables.rejection
    begins = [
        func.substr(column, 1, len(text)) == text for column, text in ((table.c.uri, uri), (table.c.reason, reason))
    ]
    tx.execute(delete(table).where(table.c.project_id == project_id, *begins))


def rejections(tx: Transaction, project_id: ProjectId) -> list[Rejection]:
    """The files that were rejected, newest first."""
    table = tables.rejection
    rows = select(table.c.uri, table.c.reason, table.c.at).where(table.c.project_id == project_id)
    return [Rejection(**row) for row in tx.execute(rows.order_by(table.c.at.desc(), table.c.id.desc())).mappings()]


def n_rejections(tx: Transaction, project_id: ProjectId) -> int:
    """How many files were rejected."""
    table = tables.rejection
    return tx.execute(select(func.count()).where(table.c.project_id == project_id)).scalar_one()


def _count(tx: Transaction, project_id: ProjectId, added: Mapping[Split, int]) -> None:
    table, statement = tables.item_count, upsert(tx, tables.item_count)
    statement = statement.on_conflict_do_update(
        index_elements=["project_id", "split"], set_={"count": table.c.count + statement.excluded.count}
    )
    rows = [{"project_id": project_id, "split": split, "count": added[split]} for split in Split if added.get(split)]
    if rows:
        tx.execute(statement, rows)


def _of(project_id: ProjectId, split: Split | None) -> ColumnElement[bool]:
    mine = tables.item.c.project_id == project_id
    return mine if split is None else mine & (tables.item.c.split == split)
