"""Candidates can be of the grid: images of the pool on pages of one class, for which no round waits.

Revision: 0017_grid, after 0016_hints
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_grid"
down_revision = "0016_hints"
branch_labels = None
depends_on = None

ORIGINS = "origin IN ('strategy', 'control', 'person', 'reserve'{})"


def upgrade() -> None:
    """Forward."""
    _allow(", 'grid'")


def downgrade() -> None:
    """Back: what nobody answered goes, with the marks on it; answers stay with what is of a reserve now."""
    of_grid = "FROM candidate WHERE origin = 'grid'"
    answered = "SELECT candidate_id FROM label WHERE candidate_id IS NOT NULL"
    for table in ("lease", "grid_cell"):
        op.execute(f"DELETE FROM {table} WHERE candidate_id IN (SELECT id {of_grid} AND id NOT IN ({answered}))")
    op.execute(f"DELETE {of_grid} AND id NOT IN ({answered})")
    op.execute("UPDATE candidate SET origin = 'reserve' WHERE origin = 'grid'")
    _allow("")


def _allow(more: str) -> None:
    numbered_once = {"sqlite_autoincrement": True}  # SQLite does not tell that a table has it: a rebuild would lose it
    with op.batch_alter_table("candidate", table_kwargs=numbered_once) as table:
        table.drop_constraint(op.f("ck_candidate_origin"), type_="check")
        table.create_check_constraint(op.f("ck_candidate_origin"), sa.text(ORIGINS.format(more)))
