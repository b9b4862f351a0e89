from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.images import EmbedFailure
from alflow.domain.projects import ProjectSettings
from alflow.store import rows
from alflow.store.database import Database
from alflow.store.images import failures, items
from alflow.store.projects import projects
from tests.queues import new_item

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_each_failure_of_an_item_makes_the_next_pause_longer(database: Database) -> None:
    with database.begin() as tx:
        made = projects.create(tx, "pets", "demo", "float32", ProjectSettings())
        a, b = items.add(tx, made.id, [new_item(0), new_item(1)])
        failures.record(tx, {a.id: "gone", b.id: "odd \0 \udcff"}, NOW)
        failures.record(tx, {a.id: "still gone"}, NOW + timedelta(minutes=5))
        later = NOW + timedelta(minutes=5)
        assert failures.of_project(tx, made.id) == [
            EmbedFailure(a.id, a.uri, "still gone", 2, later, later + 2 * failures.FIRST_AGAIN),
            EmbedFailure(b.id, b.uri, "odd \\0 \\udcff", 1, NOW, NOW + failures.FIRST_AGAIN),
        ]
        failures.forget(tx, [a.id, 999])
        assert [one.item_id for one in failures.of_project(tx, made.id)] == [b.id]
        failures.record(tx, {}, NOW)


def test_no_pause_is_longer_than_the_longest(database: Database) -> None:
    with database.begin() as tx:
        made = projects.create(tx, "pets", "demo", "float32", ProjectSettings())
        (a,) = items.add(tx, made.id, [new_item(0)])
        for _ in range(70):
            failures.record(tx, {a.id: "gone"}, NOW)
        assert failures.of_project(tx, made.id)[0].next_at == NOW + failures.LAST_AGAIN


@pytest.mark.slow
def test_more_failures_than_a_statement_holds(database: Database) -> None:
    size = rows.CHUNK + 1
    with database.begin() as tx:
        made = projects.create(tx, "pets", "demo", "float32", ProjectSettings())
        ids = [one.id for one in items.add(tx, made.id, [new_item(number) for number in range(size)])]
        failures.record(tx, dict.fromkeys(ids, "away"), NOW)
        assert [one.item_id for one in failures.of_project(tx, made.id)] == ids
        failures.forget(tx, ids)
        assert failures.of_project(tx, made.id) == []
