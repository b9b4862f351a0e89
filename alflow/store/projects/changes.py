"""Whether anything was stored since: a few figures that change with it, each read from the end of an index."""

from datetime import datetime

from sqlalchemy import func, select

from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction


def mark(tx: Transaction, project_id: ProjectId, now: datetime) -> tuple[int, ...]:
    """Figures that change when images, classes, labels or rounds do, or when a failed image is due again.

    Those of labels and images are of all projects: the newest id needs no index of one.
    """
    newest = [select(func.coalesce(func.max(table.c.id), 0)) for table in (tables.item, tables.label_history)]
    classes = select(func.count()).where(tables.class_label.c.project_id == project_id)
    rounds = select(func.count()).where(tables.round_.c.project_id == project_id)
    failure = tables.embed_failure
    failed = [select(func.count()).select_from(failure), select(func.count()).where(failure.c.next_at <= now)]
    figures = (*newest, classes, rounds, *failed)
    return tuple(tx.execute(select(*(figure.scalar_subquery() for figure in figures))).one())
