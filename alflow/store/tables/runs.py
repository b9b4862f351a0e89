"""What the run of a project does, and what the next one is asked for: at most one row of each for a project.

`run.at` is when it was last heard of; None once it has ended.
"""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from alflow.domain.runs import Step, Wish
from alflow.store.tables.base import UtcDateTime, metadata, words

run = Table(
    "run",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("step", words(Step), nullable=False),
    Column("number", Integer),
    Column("detail", Text, nullable=False),
    Column("done", Integer),
    Column("total", Integer),
    Column("began_at", UtcDateTime, nullable=False),
    Column("step_at", UtcDateTime, nullable=False),
    Column("at", UtcDateTime),
    Column("link", Text),
)

asked_run = Table(
    "asked_run",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("wish", words(Wish), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
