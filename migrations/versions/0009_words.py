"""Strategies that are combined of several, whose text is longer than a name; one Unicode form for names of classes.

Revision: 0009
"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBERED_ONCE = {"sqlite_autoincrement": True}  # SQLite does not tell whether a table has it: a rebuild would lose it


def upgrade() -> None:
    """From 0008."""
    with op.batch_alter_table("round", table_kwargs=NUMBERED_ONCE) as batch:
        batch.alter_column("strategy", existing_type=sa.String(length=64), type_=sa.Text(), existing_nullable=False)
    _name_in_one_form(op.get_bind())


def _name_in_one_form(connection: sa.Connection) -> None:
    """Labels of an import are found in form NFC; a name that another class has already stays as it is."""
    table = sa.table("class_label", sa.column("id"), sa.column("project_id"), sa.column("name"))
    rows = connection.execute(sa.select(table)).all()
    taken = {(row.project_id, row.name) for row in rows}
    for row in rows:
        name = normalize("NFC", row.name)
        if (row.project_id, name) not in taken:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(name=name))
            taken.add((row.project_id, name))


def downgrade() -> None:
    """Back to 0008, where a longer text is cut."""
    op.execute(sa.text('UPDATE "round" SET strategy = substr(strategy, 1, 64)'))
    with op.batch_alter_table("round", table_kwargs=NUMBERED_ONCE) as batch:
        batch.alter_column("strategy", existing_type=sa.Text(), type_=sa.String(length=64), existing_nullable=False)
