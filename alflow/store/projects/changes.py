"""Whether anything was stored since: a few figures that change with it, each read from the end of an index."""

from datetime import datetime

from sqlalchemy import Select, func, select

from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction


def mark(tx: Transaction, project_id: ProjectId, now: datetime) -> tuple[tuple[int, ...], bool]:
    """Figures that change when images, classes, labels or rounds do, or when a failed image is due again.

    The last says whether somebody asks for a run. Those of labels and images are of all projects: the newest id needs
    no index of one. Apart from them, whether messages wait that may be sent now: it would cost a statement of its own.
    """
    newest = [select(func.coalesce(func.max(table.c.id), 0)) for table in (tables.item, tables.label_history)]
    classes = select(func.count()).where(tables.class_label.c.project_id == project_id)
    rounds = select(func.count()).where(tables.round_.c.project_id == project_id)
    failure = tables.embed_failure
    failed = [select(func.count()).select_from(failure), select(func.count()).where(failure.c.next_at <= now)]
    asked = select(func.count()).where(tables.asked_run.c.project_id == project_id)
    figures = (*newest, classes, rounds, *failed, asked, _waiting(project_id, now))
    *found, waiting = tx.execute(select(*(figure.scalar_subquery() for figure in figures))).one()
    return tuple(found), waiting > 0


def _waiting(project_id: ProjectId, now: datetime) -> Select[tuple[int]]:
    channel, message = tables.channel, tables.message
    waits = select(message.c.id).where(message.c.channel_id == channel.c.id, message.c.sent_at.is_(None)).exists()
    return select(func.count()).where(channel.c.project_id == project_id, channel.c.next_at <= now, waits)
