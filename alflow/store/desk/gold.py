"""Gold checks: which test images an annotator was shown among the others, and whether the answers were right."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Integer, bindparam, cast, func, insert, select, update

from alflow.domain.answers import GoldCheck
from alflow.domain.images import Item, Split
from alflow.ids import AnnotatorId, CheckId, ClassId, ItemId, ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import part


def open_(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> GoldCheck | None:
    """The check that this annotator has not answered yet; there is one at most."""
    table = tables.gold_check
    mine = (table.c.project_id == project_id, table.c.annotator_id == annotator_id, table.c.answered_at.is_(None))
    row = tx.execute(select(table).where(*mine)).mappings().one_or_none()
    return None if row is None else GoldCheck(**row)


def deal(
    tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, item_id: ItemId, due: int, at: datetime
) -> GoldCheck:
    """Plan to show this annotator the item. The caller holds the annotator's lock."""
    row = {"project_id": project_id, "item_id": item_id, "annotator_id": annotator_id, "due": due, "dealt_at": at}
    made = insert(tables.gold_check).values(row).returning(tables.gold_check)
    return GoldCheck(**tx.execute(made).mappings().one())


def by_id(tx: Transaction, check_id: CheckId) -> GoldCheck | None:
    """The check of that id."""
    table = tables.gold_check
    row = tx.execute(select(table).where(table.c.id == check_id)).mappings().one_or_none()
    return None if row is None else GoldCheck(**row)


def answer(tx: Transaction, check: GoldCheck) -> GoldCheck:
    """Store what a check was answered with. The caller holds the annotator's lock."""
    table = tables.gold_check
    given = {name: getattr(check, name) for name in ("token", "class_id", "right", "seconds", "answered_at")}
    changed = update(table).where(table.c.id == check.id).values(given).returning(table)
    return GoldCheck(**tx.execute(changed).mappings().one())


def rejudge(tx: Transaction, truths: Mapping[ItemId, ClassId | None]) -> None:
    """Judge the answers that name a class by the new classes of these items: item id -> class id."""
    table = tables.gold_check
    named = (table.c.item_id == bindparam("item"), table.c.class_id.is_not(None), table.c.right.is_not(None))
    statement = update(table).where(*named).values(right=table.c.class_id == bindparam("class"))
    if truths:
        tx.execute(statement, [{"item": item, "class": truths[item]} for item in sorted(truths)])


def unused(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId) -> Sequence[ItemId]:
    """Ids of the test items with a known class that this annotator was not shown yet."""
    item, check = tables.item, tables.gold_check
    seen = select(check.c.id).where(check.c.item_id == item.c.id, check.c.annotator_id == annotator_id).exists()
    known = (item.c.project_id == project_id, item.c.split == Split.TEST, item.c.truth.is_not(None))
    return tx.execute(select(item.c.id).where(*known, ~seen).order_by(item.c.id)).scalars().all()


def item_of(tx: Transaction, check: GoldCheck) -> Item:
    """The image of a check."""
    row = tx.execute(select(tables.item).where(tables.item.c.id == check.item_id)).mappings().one()
    return Item(**row)


def answers_since(tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, most: int) -> int:
    """How many answers this annotator gave since the last check was answered, counted until `most`."""
    label, check = tables.label, tables.gold_check
    mine = (check.c.project_id == project_id, check.c.annotator_id == annotator_id)
    last = tx.execute(select(func.max(check.c.answered_at)).where(*mine)).scalar()
    given = select(label.c.at).where(label.c.project_id == project_id, label.c.annotator_id == annotator_id)
    newest = tx.execute(given.order_by(label.c.id.desc()).limit(most)).scalars().all()
    return sum(last is None or at > last for at in newest)


def answered(
    tx: Transaction, project_id: ProjectId, annotator_id: AnnotatorId, before: datetime | None
) -> list[tuple[GoldCheck, Item]]:
    """The answered checks of this annotator, newest first, with their images; with `before` only those before it."""
    check, item = tables.gold_check, tables.item
    mine = [check.c.project_id == project_id, check.c.annotator_id == annotator_id, check.c.answered_at.is_not(None)]
    mine += [] if before is None else [check.c.answered_at < before]
    rows = (
        select(check, item).join(item, item.c.id == check.c.item_id).where(*mine).order_by(check.c.answered_at.desc())
    )
    labelled = rows.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    return [(GoldCheck(**part(row, check)), Item(**part(row, item))) for row in tx.execute(labelled).mappings()]


def results(tx: Transaction, project_id: ProjectId) -> dict[AnnotatorId, tuple[int, int]]:
    """Annotator -> checks answered right, and checks answered; answers that abstain count in neither."""
    table = tables.gold_check
    rows = (
        select(table.c.annotator_id, func.sum(cast(table.c.right, Integer)), func.count())
        .where(table.c.project_id == project_id, table.c.right.is_not(None))
        .group_by(table.c.annotator_id)
    )
    return {annotator: (int(right), total) for annotator, right, total in tx.execute(rows).tuples()}
