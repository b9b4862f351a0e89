from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Rejection, Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.errors import NotFoundError
from alflow.store import rows
from alflow.store.database import Database, Transaction
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates
from tests.queues import CLASSES, new_candidate, new_item, open_round

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def project(database: Database) -> Project:
    with database.begin() as tx:
        made = projects.create(tx, "pets", "demo", "float32", ProjectSettings())
        projects.put_classes(tx, made.id, CLASSES)
        return made


def test_the_same_bytes_are_one_item(database: Database, project: Project) -> None:
    with database.begin() as tx:
        first = items.add(tx, project.id, [new_item(0), new_item(1)])
        again = items.add(tx, project.id, [new_item(1, Split.TEST), new_item(2), new_item(2)])
        assert [one.content_hash for one in first + again] == [new_item(number).content_hash for number in range(3)]
        assert items.list_(tx, project.id) == first + again
        assert items.counts(tx, project.id) == {Split.POOL: 3, Split.TARGET: 0, Split.TEST: 0}


@pytest.mark.parametrize("seed", range(3))
def test_how_many_there_are_is_what_counting_says(database: Database, project: Project, seed: int) -> None:
    """Images come in any order, again, in another split, to several projects, and in transactions that fail."""
    random = Random(seed)
    with database.begin() as tx:
        owners = [project.id, projects.create(tx, "other", "demo", "float32", ProjectSettings()).id]
    for _ in range(12):
        with suppress(ZeroDivisionError), database.begin() as tx:
            for owner in random.choices(owners, k=2):
                numbers = [random.randrange(60) for _ in range(random.randrange(12))]
                items.add(tx, owner, [new_item(number, random.choice(list(Split))) for number in numbers])
            if random.random() < 0.3:
                raise ZeroDivisionError
        with database.read() as tx:
            for owner in owners:
                counted = {split: len(items.ids(tx, owner, split)) for split in Split}
                assert items.counts(tx, owner) == counted


def test_the_same_bytes_in_two_projects_are_two_items(database: Database, project: Project) -> None:
    with database.begin() as tx:
        other = projects.create(tx, "other", "demo", "float32", ProjectSettings())
        mine, theirs = (items.add(tx, owner.id, [new_item(0)]) for owner in (project, other))
        assert mine[0].id != theirs[0].id
        assert items.by_hashes(tx, other.id, [new_item(0).content_hash, "unknown"]) == theirs


@pytest.mark.slow
def test_more_rows_than_a_statement_holds(database: Database, project: Project) -> None:
    size = 2 * rows.CHUNK + 1
    with database.begin() as tx:
        added = items.add(tx, project.id, [new_item(number) for number in range(size)])
        ids = [one.id for one in added]
        assert len(set(ids)) == size
        assert items.ids(tx, project.id) == sorted(ids)
        assert items.by_ids(tx, ids) == added
        hashes = [one.content_hash for one in added]
        assert items.by_hashes(tx, project.id, hashes) == added
        assert items.add(tx, project.id, [new_item(number) for number in range(size)]) == []


def test_pages_follow_each_other(database: Database, project: Project) -> None:
    with database.begin() as tx:
        added = items.add(tx, project.id, [new_item(number) for number in range(5)])
        items.add(tx, project.id, [new_item(9, Split.TARGET)])
        first = items.list_(tx, project.id, Split.POOL, limit=3)
        second = items.list_(tx, project.id, Split.POOL, after=first[-1].id, limit=3)
        assert first + second == added
        assert items.list_(tx, project.id, Split.POOL, after=second[-1].id) == []


def test_items_come_in_the_order_asked_for(database: Database, project: Project) -> None:
    with database.begin() as tx:
        a, b, c = items.add(tx, project.id, [new_item(number) for number in range(3)])
        assert items.by_ids(tx, [c.id, a.id, c.id]) == [c, a, c]
        with pytest.raises(NotFoundError, match="no image has the number 999"):
            items.by_ids(tx, [b.id, 999])


def test_truths_are_kept_completed_and_corrected_and_places_too(database: Database, project: Project) -> None:
    with database.begin() as tx:
        cat, dog = (one.id for one in projects.classes(tx, project.id))
        a, b, c = items.add(
            tx, project.id, [new_item(0, Split.TEST, cat), new_item(1, Split.TEST), new_item(2, truth=dog)]
        )
        assert items.truths(tx, project.id, Split.TEST) == {a.id: cat}
        items.change(tx, [replace(c, truth=cat), replace(b, truth=dog, uri="/new/place.png")])
        assert items.truths(tx, project.id) == {a.id: cat, b.id: dog, c.id: cat}
        assert [item.uri for item in items.by_ids(tx, [a.id, b.id, c.id])] == [a.uri, "/new/place.png", c.uri]


def test_a_file_that_is_taken_leaves_the_list_of_this_project_alone(database: Database, project: Project) -> None:
    with database.begin() as tx:
        other = projects.create(tx, "other", "demo", "float32", ProjectSettings())
        for owner in (project, other):
            items.reject(tx, owner.id, [Rejection("a.png", "cut", NOW), Rejection("b.png", "cut", NOW)])
        items.forget_rejections(tx, project.id, ["a.png", "never.png"])
        items.forget_rejections(tx, project.id, [])
        assert [one.uri for one in items.rejections(tx, project.id)] == ["b.png"]
        assert {one.uri for one in items.rejections(tx, other.id)} == {"a.png", "b.png"}


def label(tx: Transaction, project: Project, item_id: int, token: str) -> NewLabel:
    who = annotators.get_or_create(tx, "importer").id
    return NewLabel(project.id, item_id, None, None, who, Verdict.SKIP, None, NOW, 0.0, token, {})


def test_unasked_are_the_pool_items_without_round_or_label(database: Database, project: Project) -> None:
    with database.begin() as tx:
        a, b, c, d = items.add(tx, project.id, [new_item(number) for number in range(4)])
        items.add(tx, project.id, [new_item(8, Split.TARGET), new_item(9, Split.TEST)])
        assert items.unasked(tx, project.id) == [a.id, b.id, c.id, d.id]
        assert items.unasked(tx, project.id, limit=2) == [a.id, b.id]
        assert items.unasked(tx, project.id, b.id, 5) == [c.id, d.id]
        round_ = open_round(tx, project)
        candidates.add(tx, round_.id, [new_candidate(b, 0, projects.classes(tx, project.id))])
        taken = labels.submit(tx, label(tx, project, c.id, "c"))
        assert items.unasked(tx, project.id) == [a.id, d.id]
        labels.withdraw(tx, taken.id, NOW)
        assert items.unasked(tx, project.id) == [a.id, c.id, d.id]


def test_rejected_files_are_listed_newest_first_and_once(database: Database, project: Project) -> None:
    def at(seconds: int) -> datetime:
        return NOW + timedelta(seconds=seconds)

    with database.begin() as tx:
        first = [Rejection("a.png", "empty", at(0)), Rejection("b.png", "truncated", at(1))]
        items.reject(tx, project.id, first)
        items.reject(
            tx, project.id, [Rejection("a.png", "animated", at(2)), Rejection("a.png", "still animated", at(3))]
        )
        items.reject(tx, project.id, [])
        assert items.rejections(tx, project.id) == [Rejection("a.png", "still animated", at(3)), first[1]]
        items.forget_rejections(tx, project.id, ["a.png", "never.png"])
        assert items.rejections(tx, project.id) == [first[1]]
