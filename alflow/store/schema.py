"""The version of the schema: which one a database has, whether this alflow can work with it, and how it gets there."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

import alflow
from alflow.errors import UnavailableError
from alflow.store.tables import metadata

MIGRATION_OPTIONS: Final[dict[str, Any]] = {
    "version_table": "alflow_version",  # a name of its own: others who use Alembic may live in the same database
    "transactional_ddl": True,  # on SQLite too, where our transactions are real ones
    "render_as_batch": True,
}
EARLIER: Final = ("0007", "0008", "0009")
"""Revisions from before the first schema, which `alflow.migrations.earlier` brings to it."""

_TOO_EARLY: Final = ("0001", "0002", "0003", "0004", "0005", "0005b", "0005c", "0006")
_MIGRATIONS: Final = Path(alflow.__file__).resolve().parent / "migrations"
_LOCK: Final = 0x616C666C6F77  # "alflow": PostgreSQL advisory lock for changes of the schema


def revision(connection: Connection) -> str | None:
    """The revision of the schema; None when there is no schema yet.

    Raises:
        UnavailableError: the database holds tables of another program.
    """
    context = MigrationContext.configure(connection, opts=MIGRATION_OPTIONS)
    if (found := context.get_current_revision()) is not None:
        return found
    if taken := sorted(set(inspect(connection).get_table_names()) & set(metadata.tables)):
        raise UnavailableError(
            f"the database holds tables that alflow did not make ({', '.join(taken)}): name an empty one"
        )
    return None


def check(found: str, url: URL) -> None:
    """Refuse a database whose revision is not the newest one.

    Raises:
        UnavailableError: it is older or newer; the message says what to do.
    """
    if found == _newest(_MIGRATIONS):
        return
    where = url.render_as_string(hide_password=True)
    if found in _known(ScriptDirectory.from_config(config())):
        raise UnavailableError(f"the database {where} is of an older alflow: run `alflow db upgrade`")
    if found in _TOO_EARLY:
        raise UnavailableError(
            f"the database {where} is of an early alflow (revision {found}) that this one cannot upgrade: "
            "export its labels with that version, and start with an empty database"
        )
    raise UnavailableError(f"the database {where} is of a newer alflow (revision {found}): upgrade alflow")


def age(found: str) -> str:
    """`newest`, `older` (that can be upgraded), or `unknown` to this alflow: of a newer one, or too old."""
    if found == _newest(_MIGRATIONS):
        return "newest"
    return "older" if found in _known(ScriptDirectory.from_config(config())) else "unknown"


def migrate(engine: Engine) -> str:
    """Upgrade in one transaction, one process at a time; one that waited finds the work done. Returns the revision.

    Raises:
        UnavailableError: the schema is too old or too new, or tables of another program are there.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        scripts = ScriptDirectory.from_config(config())
        found = revision(connection)
        if found is not None and found not in _known(scripts):
            check(found, engine.url)
        command.upgrade(config(connection), "head")
    return str(scripts.get_current_head())


def config(connection: Connection | None = None) -> Config:
    """The configuration of Alembic for these migrations on this connection."""
    made = Config()
    made.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


@cache
def _newest(folder: Path) -> str | None:
    """The revision that the migrations in this folder lead to; read once, since all of them are imported for it."""
    return ScriptDirectory(folder).get_current_head()


def _known(scripts: ScriptDirectory) -> set[str]:
    return {*EARLIER, *(script.revision for script in scripts.walk_revisions())}
