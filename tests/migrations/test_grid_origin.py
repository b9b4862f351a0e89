"""0017: images of the grid's pages through the pool, which an older alflow does not know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alembic import command
from sqlalchemy import Engine, text

from alflow.domain.answers import GridPage, Verdict
from alflow.domain.rounds import Origin
from alflow.ids import PageId
from alflow.store import schema
from alflow.store.database import Database
from alflow.store.desk import grid, labels, pool_pages, queue
from alflow.store.engines import make_engine
from alflow.store.images import items
from tests.queues import new_candidate, new_item, open_queue

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_answers_stay_when_the_origin_goes(database_url: str) -> None:
    database = Database.open(database_url)
    world = open_queue(database, 2)
    who, class_id = world.annotators[0].id, world.classes[0].id
    with database.begin() as tx:
        more = items.add(tx, world.project.id, [new_item(100 + number) for number in range(3)])
        new = [replace(new_candidate(item, 0, world.classes), origin=Origin.GRID) for item in more]
        offered = pool_pages.offer(tx, world.project.id, world.round.id, new)
        answered, marked, held = offered.values()
        ids = (world.project.id, more[0].id, answered, world.round.id, who)
        labels.submit(tx, labels.NewLabel(*ids, Verdict.CLASS, class_id, NOON, 1.0, "page:1", {}))
        page = GridPage(PageId(0), world.round.id, who, class_id, "page", 1.0, NOON)
        grid.add(tx, page, [grid.Cell(answered, 0.75, accepted=True), grid.Cell(marked, 0.75, accepted=False)])
        assert queue.take(tx, who, [held], NOON + timedelta(hours=1), NOON, "next") == [held]
    database.close()
    engine = make_engine(database_url, foreign_keys=False)  # as alflow upgrades
    with engine.begin() as connection:
        command.downgrade(schema.config(connection), "0016_hints")
    assert _found(engine) == [("reserve", 1), ("strategy", 2)]
    assert _count(engine, "label") == _count(engine, "grid_cell") == 1
    assert _count(engine, "lease") == 0
    with engine.begin() as connection:
        command.upgrade(schema.config(connection), "head")
    assert _found(engine) == [("reserve", 1), ("strategy", 2)]
    engine.dispose()


def _found(engine: Engine) -> list[tuple[str, int]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT origin, count(*) FROM candidate GROUP BY origin ORDER BY origin"))
        return [(str(origin), int(n)) for origin, n in rows]


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
