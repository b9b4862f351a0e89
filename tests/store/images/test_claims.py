from datetime import UTC, datetime, timedelta

from alflow.domain.projects import ProjectSettings
from alflow.ids import ItemId
from alflow.store import rows
from alflow.store.database import Database
from alflow.store.images import claims, items
from alflow.store.projects import projects
from tests.queues import new_item

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def some_items(database: Database, count: int) -> list[ItemId]:
    with database.begin() as tx:
        made = projects.create(tx, "pets", "demo", "float32", ProjectSettings())
        return [item.id for item in items.add(tx, made.id, [new_item(number) for number in range(count)])]


def test_what_one_holds_no_other_gets_until_it_ends(database: Database) -> None:
    a, b, c = some_items(database, 3)
    with database.begin() as tx:
        assert claims.take(tx, [b, a], "first", NOW, NOW + MINUTE) == {a, b}
        assert claims.take(tx, [a, c], "second", NOW, NOW + MINUTE) == {c}
        assert claims.take(tx, [a], "first", NOW, NOW + MINUTE) == set(), "nor itself twice"
        assert claims.holders(tx, [a, b, c]) == {"first", "second"}
    with database.begin() as tx:
        assert claims.renew(tx, "first", NOW + 3 * MINUTE) == 2
        assert claims.take(tx, [a, b, c], "third", NOW + 2 * MINUTE, NOW + 3 * MINUTE) == {c}
        assert claims.renew(tx, "second", NOW + 3 * MINUTE) == 0
    with database.begin() as tx:
        claims.release(tx, "first")
        assert claims.holders(tx, [a, b]) == set()
        assert claims.take(tx, [a, b], "third", NOW, NOW + MINUTE) == {a, b}


def test_more_claims_than_a_statement_holds(database: Database) -> None:
    many = some_items(database, rows.CHUNK + 1)
    with database.begin() as tx:
        assert claims.take(tx, many, "first", NOW, NOW + MINUTE) == set(many)
        assert claims.holders(tx, many) == {"first"}
