"""What waits and why: images that could not be embedded, by image, and what stops the runs of a project.

Until now the former were rejections of a path, for ever. They become due at once.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TO_FAILURES = """
INSERT INTO embed_failure (item_id, reason, attempts, at, next_at)
SELECT item.id, substr(rejection.reason, 15), 1, rejection.at, rejection.at
FROM rejection JOIN item ON item.project_id = rejection.project_id AND item.uri = rejection.uri
WHERE rejection.reason LIKE 'not embedded: %'
"""

TO_REJECTIONS = """
INSERT INTO rejection (project_id, uri, reason, at)
SELECT item.project_id, item.uri, 'not embedded: ' || min(embed_failure.reason), max(embed_failure.at)
FROM embed_failure JOIN item ON item.id = embed_failure.item_id
WHERE NOT EXISTS (SELECT 1 FROM rejection WHERE rejection.project_id = item.project_id AND rejection.uri = item.uri)
GROUP BY item.project_id, item.uri
"""


def upgrade() -> None:
    """From 0007."""
    op.create_table(
        "embed_failure",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_embed_failure_item_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_embed_failure")),
    )
    op.create_table(
        "trouble",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_trouble_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_trouble")),
    )
    op.create_table(
        "look",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_look_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_look")),
    )
    op.execute(TO_FAILURES)
    op.execute("DELETE FROM rejection WHERE reason LIKE 'not embedded: %'")


def downgrade() -> None:
    """Back to 0007; how often something was tried is lost."""
    op.execute(TO_REJECTIONS)
    for table in ("look", "trouble", "embed_failure"):
        op.drop_table(table)
