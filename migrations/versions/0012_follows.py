"""An answer can follow another one of the same person, about a near copy: it is withdrawn with that.

Revision: 0012_follows, after 0011_project_states
"""

import sqlalchemy as sa
from alembic import op

from alflow.store.tables import triggers

revision = "0012_follows"
down_revision = "0011_project_states"
branch_labels = None
depends_on = None

INDEX = "ix_label_follows"


def upgrade() -> None:
    """Forward: every answer so far stands for itself."""
    op.execute("ALTER TABLE label ADD COLUMN follows INTEGER CONSTRAINT fk_label_follows REFERENCES label (id)")
    where = sa.text("follows IS NOT NULL")
    op.create_index(INDEX, "label", ["follows"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back: all answers stay, as answers of their own."""
    triggers.remove(op.get_bind())  # on SQLite they name the column; they are made anew in the end
    op.drop_index(INDEX, "label")
    numbered_once = {"sqlite_autoincrement": True}
    named = {"fk": "fk_%(table_name)s_%(column_0_name)s"}  # SQLite does not tell the name beside a column
    with op.batch_alter_table("label", table_kwargs=numbered_once, naming_convention=named) as table:
        table.drop_constraint("fk_label_follows", type_="foreignkey")
        table.drop_column("follows")
