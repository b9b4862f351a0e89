"""Candidates can be of the reserve behind a round, which is asked about while the next round is prepared.

Revision: 0010_reserve, after 0009_claims
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_reserve"
down_revision = "0009_claims"
branch_labels = None
depends_on = None

ORIGINS = "origin IN ('strategy', 'control', 'person'{})"


def upgrade() -> None:
    """Forward."""
    _allow(", 'reserve'")


def downgrade() -> None:
    """Back: what nobody answered goes, answers stay with what is a pick of the strategy now."""
    of_reserve = "FROM candidate WHERE origin = 'reserve'"
    answered = "SELECT candidate_id FROM label WHERE candidate_id IS NOT NULL"
    op.execute(f"DELETE FROM lease WHERE candidate_id IN (SELECT id {of_reserve} AND id NOT IN ({answered}))")
    op.execute(f"DELETE {of_reserve} AND id NOT IN ({answered})")
    op.execute("UPDATE candidate SET origin = 'strategy' WHERE origin = 'reserve'")
    _allow("")


def _allow(more: str) -> None:
    numbered_once = {"sqlite_autoincrement": True}  # SQLite does not tell that a table has it: a rebuild would lose it
    with op.batch_alter_table("candidate", table_kwargs=numbered_once) as table:
        table.drop_constraint(op.f("ck_candidate_origin"), type_="check")
        table.create_check_constraint(op.f("ck_candidate_origin"), sa.text(ORIGINS.format(more)))
