"""From the schemas before the first one (0007, 0008 and 0009 in the count of that time) to the first, in place.

Every row stays. These steps can go once nobody has such a database.
"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from alflow.store.schema import EARLIER

_TO_FAILURES = """
INSERT INTO embed_failure (item_id, reason, attempts, at, next_at)
SELECT item.id, substr(rejection.reason, 15), 1, rejection.at, rejection.at
FROM rejection JOIN item ON item.project_id = rejection.project_id AND item.uri = rejection.uri
WHERE rejection.reason LIKE 'not embedded: %'
"""


def bring_to_first(context: MigrationContext, first: Script) -> None:
    """Give a database of an earlier schema the tables of the first one, and its revision; others stay as they are."""
    found = context.get_current_revision()
    if found not in EARLIER:
        return
    operations = Operations(context)
    if found == "0007":
        _list_what_waits(operations, first.module.first)
    if found in {"0007", "0008"}:
        _make_room_for_strategies(operations)
        _name_classes_in_one_form(operations.get_bind())
    operations.execute(f"UPDATE alflow_version SET version_num = '{first.revision}'")


def _list_what_waits(operations: Operations, first: sa.MetaData) -> None:
    """Images that could not be embedded were rejections of a path, for ever: now they become due at once."""
    for name in ("embed_failure", "trouble", "look"):
        first.tables[name].create(operations.get_bind())
    operations.execute(_TO_FAILURES)
    operations.execute("DELETE FROM rejection WHERE reason LIKE 'not embedded: %'")


def _make_room_for_strategies(operations: Operations) -> None:
    """The text of a strategy that is combined of several is longer than a name."""
    numbered_once = {"sqlite_autoincrement": True}  # SQLite does not tell that a table has it: a rebuild would lose it
    with operations.batch_alter_table("round", table_kwargs=numbered_once) as batch:
        batch.alter_column("strategy", existing_type=sa.String(length=64), type_=sa.Text(), existing_nullable=False)


def _name_classes_in_one_form(connection: sa.Connection) -> None:
    """Labels of an import are found in form NFC; a name that another class has already stays as it is."""
    table = sa.table("class_label", sa.column("id"), sa.column("project_id"), sa.column("name"))
    rows = connection.execute(sa.select(table)).all()
    taken = {(row.project_id, row.name) for row in rows}
    for row in rows:
        name = normalize("NFC", row.name)
        if (row.project_id, name) not in taken:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(name=name))
            taken.add((row.project_id, name))
