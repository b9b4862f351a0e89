"""The desk: answers beyond a class, queues of their own for them, who is present, and a project's guidelines.

SQLite cannot change a check in place: the table of labels is rebuilt there, and with it the triggers of its history.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0005b"
branch_labels = None
depends_on = None

OLD_WORDS = ("class", "skip")
NEW_WORDS = ("class", "skip", "unsure", "none", "bad")

OLD_COLUMNS = (
    "id", "project_id", "item_id", "candidate_id", "round_id", "annotator_id", "verdict", "class_id", "at", "seconds",
    "token", "shown", "withdrawn_at",
)  # fmt: skip
NEW_COLUMNS = (*OLD_COLUMNS, "comment", "proposed_class")

ASIDE = "verdict != 'class' AND withdrawn_at IS NULL"

SQLITE_TRIGGER = """
CREATE TRIGGER label_history_{operation} AFTER {operation} ON label
BEGIN
    INSERT INTO label_history (label_id, operation, at, before, after)
    VALUES ({row}.id, '{operation}', strftime('%Y-%m-%d %H:%M:%f000', 'now'), {before}, {after});
END
"""


def upgrade() -> None:
    """From 0005b: what there is stays as it is."""
    op.add_column("project", sa.Column("guidelines", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "presence",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_presence_annotator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_presence_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "annotator_id", name=op.f("pk_presence")),
    )
    op.create_index(op.f("ix_presence_annotator_id"), "presence", ["annotator_id"])
    _drop_sqlite_triggers()
    with op.batch_alter_table("label", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("comment", sa.Text(), server_default=sa.text("''"), nullable=False))
        table.add_column(
            sa.Column("proposed_class", sa.String(length=200), server_default=sa.text("''"), nullable=False)
        )
        table.drop_constraint(op.f("ck_label_verdict"), type_="check")
        table.create_check_constraint(op.f("ck_label_verdict"), _is_one_of(NEW_WORDS))
        table.create_check_constraint(op.f("ck_label_proposal"), "proposed_class = '' OR verdict = 'none'")
    make_sqlite_triggers(NEW_COLUMNS)
    where = sa.text(ASIDE)
    op.create_index("ix_label_aside", "label", ["project_id", "verdict"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back to 0005b: answers beyond a class become skips; comments, proposals and guidelines are lost."""
    op.drop_index("ix_label_aside", "label")
    _drop_sqlite_triggers()
    op.execute("UPDATE label SET verdict = 'skip', proposed_class = '' WHERE verdict NOT IN ('class', 'skip')")
    with op.batch_alter_table("label", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f("ck_label_proposal"), type_="check")
        table.drop_constraint(op.f("ck_label_verdict"), type_="check")
        table.create_check_constraint(op.f("ck_label_verdict"), _is_one_of(OLD_WORDS))
        table.drop_column("comment")
        table.drop_column("proposed_class")
    make_sqlite_triggers(OLD_COLUMNS)
    op.drop_table("presence")
    op.drop_column("project", "guidelines")


def _is_one_of(words: tuple[str, ...]) -> str:
    return f"verdict IN ({', '.join(map(repr, words))})"


def _drop_sqlite_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for operation in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER label_history_{operation}")


def make_sqlite_triggers(columns: tuple[str, ...]) -> None:
    """The triggers as they were until 0006, for a table of these columns."""
    if op.get_bind().dialect.name != "sqlite":
        return
    before, after = _sqlite_json("OLD", columns), _sqlite_json("NEW", columns)
    for operation, row, values in (
        ("insert", "NEW", ("NULL", after)),
        ("update", "NEW", (before, after)),
        ("delete", "OLD", (before, "NULL")),
    ):
        trigger = SQLITE_TRIGGER.format(operation=operation, row=row, before=values[0], after=values[1])
        op.get_bind().exec_driver_sql(trigger)


def _sqlite_json(row: str, columns: tuple[str, ...]) -> str:
    """The row as a JSON object; `shown` is JSON already."""
    pairs = (f"'{name}', " + (f"json({row}.{name})" if name == "shown" else f"{row}.{name}") for name in columns)
    return f"json_object({', '.join(pairs)})"
