"""Alembic's entry: runs the migrations on the connection that `alflow.store.database` hands over.

Called by hand (`alembic revision --autogenerate -m "..."`) it connects to the database of the settings, or to the one
of `alembic -x url=...`. The triggers of the history are made anew at the end, whatever was done to the tables.
"""

from alembic import context
from sqlalchemy import Connection, inspect

from alflow.migrations import earlier
from alflow.settings import Settings
from alflow.store.engines import make_engine
from alflow.store.schema import MIGRATION_OPTIONS
from alflow.store.tables import metadata, triggers


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, **MIGRATION_OPTIONS)
    with context.begin_transaction():
        triggers.loosen(connection)
        earlier.bring_to_first(context.get_context(), context.script.get_revision("0001_first_schema"))
        context.run_migrations()
        if inspect(connection).has_table("label"):
            triggers.install(connection)


def _run_by_hand() -> None:
    url = context.get_x_argument(as_dictionary=True).get("url") or Settings().database
    with make_engine(url).begin() as connection:
        _run(connection)


if (given := context.config.attributes.get("connection")) is not None:
    _run(given)
else:
    _run_by_hand()
