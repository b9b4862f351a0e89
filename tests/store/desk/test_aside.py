"""Queues of what people set aside, on both databases."""

from datetime import UTC, datetime, timedelta

from alflow.domain.answers import Verdict
from alflow.store import tables
from alflow.store.database import Database
from alflow.store.desk import aside, labels
from alflow.store.desk.labels import NewLabel
from alflow.store.people import annotators
from tests.queues import World, open_queue

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def say(database: Database, world: World, who: int, rank: int, verdict: Verdict) -> int:
    candidate, annotator = world.candidates[rank], world.annotators[who]
    ids = (world.project.id, candidate.item_id, candidate.id, world.round.id, annotator.id)
    named = world.classes[0].id if verdict is Verdict.CLASS else None
    with database.begin() as tx:
        new = NewLabel(*ids, verdict, named, NOON, 1.0, f"{who}-{rank}-{verdict}-{datetime.now(UTC)}", {})
        return labels.submit(tx, new).id


def lease(database: Database, world: World, who: int, kind: Verdict, count: int = 6, at: datetime = NOON) -> list[int]:
    with database.begin() as tx:
        annotator = annotators.lock(tx, world.annotators[who].id)
        found = aside.lease(tx, world.project.id, annotator.id, kind, count, at + 5 * MINUTE, at)
    assert all(item.id == candidate.item_id for candidate, item in found)
    return [candidate.rank for candidate, _ in found]


def counts(database: Database, world: World) -> list[int]:
    with database.read() as tx:
        found = aside.counts(tx, world.project.id)
    return [found[kind] for kind in aside.KINDS]


def test_each_kind_has_a_queue_in_the_order_of_its_answers(database: Database) -> None:
    world = open_queue(database, 6)
    assert counts(database, world) == [0, 0, 0, 0]
    kinds = (Verdict.SKIP, Verdict.UNSURE, Verdict.CLASS, Verdict.NONE, Verdict.SKIP, Verdict.BAD)
    for rank in (4, 1, 2, 3, 0, 5):
        say(database, world, 0, rank, kinds[rank])
    assert counts(database, world) == [2, 1, 1, 1]
    queues = [lease(database, world, 0, kind) for kind in aside.KINDS]
    assert queues == [[4, 0], [1], [3], [5]]
    say(database, world, 0, 4, Verdict.SKIP)
    assert lease(database, world, 0, Verdict.SKIP) == [0, 4]  # set aside again: to the end


def test_an_answer_that_names_a_class_takes_the_item_out(database: Database) -> None:
    world = open_queue(database, 2, n_annotators=2)
    say(database, world, 0, 0, Verdict.SKIP)
    say(database, world, 0, 1, Verdict.BAD)
    say(database, world, 1, 0, Verdict.CLASS)
    label = say(database, world, 1, 1, Verdict.CLASS)
    assert counts(database, world) == [0, 0, 0, 0]
    assert lease(database, world, 0, Verdict.BAD) == []
    with database.begin() as tx:
        labels.withdraw(tx, label, NOON)
    assert lease(database, world, 0, Verdict.BAD) == [1]


def test_one_person_at_a_time(database: Database) -> None:
    world = open_queue(database, 3, n_annotators=2)
    for rank in range(3):
        say(database, world, 0, rank, Verdict.UNSURE)
    assert lease(database, world, 1, Verdict.UNSURE, 2) == [0, 1]
    assert lease(database, world, 0, Verdict.UNSURE) == [2]
    assert lease(database, world, 1, Verdict.UNSURE, 1) == [0]  # the other one goes back at once
    assert lease(database, world, 0, Verdict.UNSURE) == [1, 2]
    over = NOON + 6 * MINUTE
    assert lease(database, world, 0, Verdict.UNSURE, 6, over) == [0, 1, 2]


def test_queues_of_two_projects_do_not_mix(database: Database) -> None:
    one, two = (open_queue(database, 1, name=name) for name in ("one", "two"))
    say(database, one, 0, 0, Verdict.SKIP)
    assert counts(database, two) == [0, 0, 0, 0]
    assert lease(database, two, 0, Verdict.SKIP) == []


def test_remarks_are_comments_proposals_and_flags_that_stand(database: Database) -> None:
    world = open_queue(database, 5)
    kinds = (Verdict.SKIP, Verdict.UNSURE, Verdict.CLASS, Verdict.NONE, Verdict.BAD)
    ids = [say(database, world, 0, rank, verdict) for rank, verdict in enumerate(kinds)]
    with database.begin() as tx:
        tx.execute(tables.label.update().where(tables.label.c.id == ids[2]).values(comment="a puppy"))
        found = aside.remarks(tx, world.project.id, 10)
        assert [(one.label.id, one.item.id, one.annotator) for one in found] == [
            (ids[rank], world.items[rank].id, "annotator 0") for rank in (4, 3, 2)
        ]
        labels.withdraw(tx, ids[4], NOON)
        assert [one.label.id for one in aside.remarks(tx, world.project.id, 1)] == [ids[3]]
