"""The triggers that write the history of labels, and those that protect it.

They are made anew after every migration (see `migrations/env.py`): one that rebuilds a table on SQLite takes its
triggers with it, and one that adds a column to `label` would make a written-out list of columns out of date.

They refuse, for everybody: to change or delete a row of `label_history` or `screen` (but the history of a project that
is no more may go: with the project went its labels, and its number is not used again), to add a row to
`label_history` by hand, to give a label another id, and on SQLite to replace a label (`INSERT OR REPLACE`), since that
deletes a row without a delete trigger; on PostgreSQL also to truncate. Somebody with the right to change the schema can
drop a trigger: `alflow labels check` compares the labels with the history.
"""

from sqlalchemy import JSON, Connection, inspect

WRITTEN_ONCE = ("label_history", "screen")

_POSTGRESQL = (
    """
CREATE OR REPLACE FUNCTION alflow_label_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO label_history (label_id, project_id, item_id, operation, at, before, after) VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
        CASE WHEN TG_OP = 'DELETE' THEN OLD.project_id ELSE NEW.project_id END,
        CASE WHEN TG_OP = 'DELETE' THEN OLD.item_id ELSE NEW.item_id END,
        lower(TG_OP),
        clock_timestamp(),
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    );
    RETURN NULL;
END $$
""",
    """
CREATE OR REPLACE FUNCTION alflow_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'label_history' THEN
        IF NOT EXISTS (SELECT FROM project WHERE id = OLD.project_id) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        MESSAGE = TG_TABLE_NAME || ' is written once: ' || lower(TG_OP) || ' is refused',
        ERRCODE = 'integrity_constraint_violation';
END $$
""",
    """
CREATE OR REPLACE FUNCTION alflow_by_trigger_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a change of a label writes its history'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
""",
    """
CREATE OR REPLACE FUNCTION alflow_keeps_its_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a label keeps its id' USING ERRCODE = 'integrity_constraint_violation';
END $$
""",
    """
CREATE TRIGGER label_keeps_its_id BEFORE UPDATE OF id ON label
FOR EACH ROW WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION alflow_keeps_its_id()
""",
    """
CREATE TRIGGER label_history AFTER INSERT OR UPDATE OR DELETE ON label
FOR EACH ROW EXECUTE FUNCTION alflow_label_history()
""",
    """
CREATE TRIGGER label_not_truncated BEFORE TRUNCATE ON label
FOR EACH STATEMENT EXECUTE FUNCTION alflow_written_once()
""",
    """
CREATE TRIGGER label_history_by_trigger BEFORE INSERT ON label_history
FOR EACH ROW EXECUTE FUNCTION alflow_by_trigger_only()
""",
    *(
        f"CREATE TRIGGER {table}_{what} BEFORE {when} EXECUTE FUNCTION alflow_written_once()"
        for table in WRITTEN_ONCE
        for what, when in (
            ("kept", f"UPDATE OR DELETE ON {table} FOR EACH ROW"),
            ("not_truncated", f"TRUNCATE ON {table} FOR EACH STATEMENT"),
        )
    ),
)
_FUNCTIONS = ("alflow_label_history", "alflow_written_once", "alflow_by_trigger_only", "alflow_keeps_its_id")

_SQLITE_WRITE = """
CREATE TRIGGER label_history_{operation} AFTER {operation} ON label
BEGIN
    INSERT INTO label_history (label_id, project_id, item_id, operation, at, before, after)
    VALUES (
        {row}.id, {row}.project_id, {row}.item_id, '{operation}', strftime('%Y-%m-%d %H:%M:%f000', 'now'),
        {before}, {after}
    );
END
"""
_SQLITE_NOT_REPLACED = """
CREATE TRIGGER label_not_replaced_{operation} BEFORE {operation} ON label
BEGIN
    SELECT RAISE(ABORT, 'UNIQUE constraint failed: a label is never replaced')
    WHERE EXISTS (SELECT 1 FROM label WHERE id = NEW.id{other})
        OR EXISTS (SELECT 1 FROM label WHERE token = NEW.token{other})
        OR NEW.withdrawn_at IS NULL AND EXISTS (
            SELECT 1 FROM label
            WHERE candidate_id = NEW.candidate_id AND annotator_id = NEW.annotator_id AND withdrawn_at IS NULL{other}
        );
END
"""
_SQLITE_KEEPS_ITS_ID = """
CREATE TRIGGER label_keeps_its_id BEFORE UPDATE OF id ON label WHEN NEW.id <> OLD.id
BEGIN SELECT RAISE(ABORT, 'a label keeps its id'); END
"""
_SQLITE_KEPT = """
CREATE TRIGGER {table}_kept_{operation} BEFORE {operation} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is written once: {operation} is refused'){where}; END
"""
_SQLITE_OF_A_PROJECT = " WHERE EXISTS (SELECT 1 FROM project WHERE id = OLD.project_id)"
_SQLITE_SCREEN_NOT_REPLACED = """
CREATE TRIGGER screen_not_replaced BEFORE INSERT ON screen
WHEN EXISTS (SELECT 1 FROM screen WHERE hash = NEW.hash AND content IS NOT NEW.content)
BEGIN SELECT RAISE(ABORT, 'screen is written once: replace is refused'); END
"""
_SQLITE_BY_TRIGGER = """
CREATE TRIGGER label_history_by_trigger BEFORE INSERT ON label_history
BEGIN
    SELECT RAISE(ABORT, 'only a change of a label writes its history')
    WHERE EXISTS (SELECT 1 FROM label_history WHERE id = NEW.id)
        OR NEW.after IS NOT (SELECT {row} FROM label WHERE id = NEW.label_id);
END
"""


def install(connection: Connection) -> None:
    """Make the triggers for the tables as they are now; those that are there are replaced."""
    remove(connection)
    if connection.dialect.name == "postgresql":
        statements = list(_POSTGRESQL)
    else:
        statements = [_sqlite_write(connection, operation) for operation in ("insert", "update", "delete")]
        statements += [
            _SQLITE_NOT_REPLACED.format(operation="insert", other=""),
            _SQLITE_NOT_REPLACED.format(operation="update", other=" AND id <> OLD.id"),
            _SQLITE_KEEPS_ITS_ID,
            _SQLITE_SCREEN_NOT_REPLACED,
            _SQLITE_BY_TRIGGER.format(row=_sqlite_json(connection)),
        ]
        pairs = [(table, operation) for table in WRITTEN_ONCE for operation in ("update", "delete")]
        statements += [
            _SQLITE_KEPT.format(
                table=table,
                operation=operation,
                where=_SQLITE_OF_A_PROJECT if (table, operation) == ("label_history", "delete") else "",
            )
            for table, operation in pairs
        ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def loosen(connection: Connection) -> None:
    """Before migrations: SQLite rebuilds no table that a trigger on another one reads."""
    if connection.dialect.name == "sqlite":
        for name in ("label_history_by_trigger", "label_history_kept_delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def remove(connection: Connection) -> None:
    """Drop the triggers, and on PostgreSQL their functions."""
    if connection.dialect.name == "postgresql":
        for function in _FUNCTIONS:
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}() CASCADE")
        return
    tables = ", ".join(f"'{table}'" for table in ("label", *WRITTEN_ONCE))
    found = connection.exec_driver_sql(
        f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({tables})"
    )
    for (name,) in found.all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def _sqlite_write(connection: Connection, operation: str) -> str:
    before = "NULL" if operation == "insert" else _sqlite_json(connection, "OLD.")
    after = "NULL" if operation == "delete" else _sqlite_json(connection, "NEW.")
    row = "OLD" if operation == "delete" else "NEW"
    return _SQLITE_WRITE.format(operation=operation, row=row, before=before, after=after)


def _sqlite_json(connection: Connection, row: str = "") -> str:
    """A row of `label` as a JSON object; columns that hold JSON are nested as such."""
    columns = inspect(connection).get_columns("label")
    pairs = (
        f"'{column['name']}', "
        + (f"json({row}{column['name']})" if isinstance(column["type"], JSON) else f"{row}{column['name']}")
        for column in columns
    )
    return f"json_object({', '.join(pairs)})"
