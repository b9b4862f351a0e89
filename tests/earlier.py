"""The demo's database as it was at revision 0007, before the first schema."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from alflow.store.engines import make_engine

_DATA: Final = Path(__file__).parent / "data"


def fill(url: str) -> None:
    """Bring the dump into an empty database."""
    engine = make_engine(url)
    dump = (_DATA / f"demo_0007.{engine.dialect.name}.sql").read_text(encoding="utf-8")
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            connection.executescript(dump)
    else:
        with engine.begin() as connection_:
            connection_.exec_driver_sql(dump)
    engine.dispose()
