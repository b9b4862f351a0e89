"""What the run of a project does, and what the next one is asked for."""

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, delete, select, update

from alflow.domain.projects import Trouble
from alflow.domain.runs import Activity, Asked, Run, Wish
from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def tell(tx: Transaction, project_id: ProjectId, run: Run, now: datetime) -> None:
    """Store what a run of the project does now."""
    row = asdict(run) | {"at": now}
    statement = upsert(tx, tables.run).values(project_id=project_id, **row)
    tx.execute(statement.on_conflict_do_update(index_elements=["project_id"], set_=row))


def end(tx: Transaction, project_id: ProjectId, began_at: datetime) -> None:
    """The run that began then has ended; another one that began since goes on."""
    table = tables.run
    tx.execute(update(table).where(table.c.project_id == project_id, table.c.began_at == began_at).values(at=None))


def activity(tx: Transaction, project_id: ProjectId, since: datetime) -> Activity:
    """What is known of the runs of the project, in one statement; one goes on if it was heard of since then."""
    run, trouble, project = tables.run, tables.trouble, tables.project
    both = project.outerjoin(run, run.c.project_id == project.c.id)
    both = both.outerjoin(trouble, trouble.c.project_id == project.c.id)
    rows = select(run, trouble).select_from(both).where(project.c.id == project_id)
    rows = rows.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    row = tx.execute(rows).mappings().one_or_none()
    if row is None:
        return Activity(None, None, None)
    heard = row["run_at"] is not None and row["run_at"] >= since
    return Activity(
        Run(**{one.name: row[f"run_{one.name}"] for one in fields(Run)}) if heard else None,
        Trouble(**{one.name: row[f"trouble_{one.name}"] for one in fields(Trouble)}) if row["trouble_at"] else None,
        row["run_link"],
    )


def ask(tx: Transaction, project_id: ProjectId, asked: Asked) -> None:
    """Ask the next run for something; to open a round is never forgotten for a mere run."""
    table = tables.asked_run
    statement = upsert(tx, table).values(project_id=project_id, wish=asked.wish, at=asked.at)
    keeps = None if asked.wish is Wish.OPEN else table.c.wish != Wish.OPEN
    tx.execute(statement.on_conflict_do_update(index_elements=["project_id"], set_=asdict(asked), where=keeps))


def asked(tx: Transaction) -> dict[ProjectId, Asked]:
    """What is asked for, by project."""
    rows = tx.execute(select(tables.asked_run)).mappings()
    return {row["project_id"]: Asked(row["wish"], row["at"]) for row in rows}


def take(tx: Transaction, project_id: ProjectId) -> Wish | None:
    """What this run is asked for, which no other run does as well."""
    table = tables.asked_run
    return tx.execute(
        delete(table).where(table.c.project_id == project_id).returning(table.c.wish)
    ).scalar_one_or_none()
