"""A history that nobody can change, what was on screen, who withdrew a label, and candidates that a person chose.

Revision: 0006
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import label_history

revision = "0006"
down_revision = "0005c"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
NUMBERED_ONCE = {"sqlite_autoincrement": True}  # SQLite does not tell whether a table has it: a rebuild would lose it
OWNERS = ("project_id", "item_id")
FROM_JSON = {
    "sqlite": "json_extract(coalesce(after, before), '$.{}')",
    "postgresql": "(coalesce(after, before) ->> '{}')::integer",
}


def upgrade() -> None:
    """From 0005c; changes that were recorded so far are kept."""
    label_history.remove(op.get_bind())
    _own_the_history()
    with op.batch_alter_table("label", table_kwargs=NUMBERED_ONCE) as batch:
        batch.add_column(sa.Column("withdrawn_by", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("withdrawn_why", sa.Text(), nullable=True))
        batch.create_foreign_key(op.f("fk_label_withdrawn_by"), "annotator", ["withdrawn_by"], ["id"])
    op.create_table(
        "screen",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_screen")),
    )
    with op.batch_alter_table("candidate", table_kwargs=NUMBERED_ONCE) as batch:
        batch.add_column(sa.Column("chosen_by", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.create_foreign_key(op.f("fk_candidate_chosen_by"), "annotator", ["chosen_by"], ["id"])
        batch.drop_constraint(op.f("ck_candidate_origin"), type_="check")
        batch.create_check_constraint(op.f("ck_candidate_origin"), "origin IN ('strategy', 'control', 'person')")
        batch.create_check_constraint(
            op.f("ck_candidate_person_of_origin"), "(origin = 'person') = (chosen_by IS NOT NULL)"
        )


def downgrade() -> None:
    """What was on screen and who withdrew is lost; candidates that a person chose become the strategy's."""
    label_history.remove(op.get_bind())
    with op.batch_alter_table("candidate", table_kwargs=NUMBERED_ONCE) as batch:
        batch.drop_constraint(op.f("ck_candidate_person_of_origin"), type_="check")
        batch.drop_constraint(op.f("ck_candidate_origin"), type_="check")
        batch.drop_constraint(op.f("fk_candidate_chosen_by"), type_="foreignkey")
        batch.drop_column("chosen_by")
        batch.drop_column("reason")
    op.execute("UPDATE candidate SET origin = 'strategy' WHERE origin = 'person'")
    with op.batch_alter_table("candidate", table_kwargs=NUMBERED_ONCE) as batch:
        batch.create_check_constraint(op.f("ck_candidate_origin"), "origin IN ('strategy', 'control')")
    op.drop_table("screen")
    with op.batch_alter_table("label", table_kwargs=NUMBERED_ONCE) as batch:
        batch.drop_constraint(op.f("fk_label_withdrawn_by"), type_="foreignkey")
        batch.drop_column("withdrawn_by")
        batch.drop_column("withdrawn_why")
    op.drop_index(op.f("ix_label_history_item_id"), "label_history")
    with op.batch_alter_table("label_history") as batch:
        for column in OWNERS:
            batch.drop_column(column)
    _triggers_as_before()


def _triggers_as_before() -> None:
    if op.get_bind().dialect.name == "postgresql":
        import_module("migrations.versions.0001_first_schema").keep_history()
    else:
        desk = import_module("migrations.versions.0004_desk")
        desk.make_sqlite_triggers(desk.NEW_COLUMNS)


def _own_the_history() -> None:
    """Which project and item a change is about stands in columns now; so far it stood in the row as JSON only."""
    for column in OWNERS:
        op.add_column("label_history", sa.Column(column, sa.Integer(), nullable=True))
        op.execute(f"UPDATE label_history SET {column} = {FROM_JSON[op.get_bind().dialect.name].format(column)}")
    with op.batch_alter_table("label_history") as batch:
        for column in OWNERS:
            batch.alter_column(column, existing_type=sa.Integer(), nullable=False)
    op.create_index(op.f("ix_label_history_item_id"), "label_history", ["item_id"])
