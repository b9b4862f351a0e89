from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.projects import NewClass
from alflow.errors import ConflictError
from alflow.store.answers import adjudications, outcomes
from alflow.store.answers.adjudications import NewAdjudication
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.projects import projects
from tests.queues import World, open_queue

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def vote(database: Database, world: World, who: int, place: int) -> int:
    """Annotator number `who` says class number `place` about the first candidate."""
    candidate = world.candidates[0]
    ids = (world.project.id, candidate.item_id, candidate.id, world.round.id, world.annotators[who].id)
    with database.begin() as tx:
        new = NewLabel(*ids, Verdict.CLASS, world.classes[place].id, NOON, 1.0, f"{who}-{place}", {})
        return labels.submit(tx, new).id


def settle(
    database: Database, world: World, class_id: int | None, minutes: int = 0, votes: tuple[int, ...] = ()
) -> None:
    with database.begin() as tx:
        ids = (world.project.id, world.candidates[0].item_id, world.annotators[0].id)
        at = NOON + timedelta(minutes=minutes)
        adjudications.settle(tx, NewAdjudication(*ids, class_id, "look at the ears", votes, at))


def settled(database: Database, world: World) -> dict[int, int]:
    with database.read() as tx:
        return outcomes.settled(tx, world.project.id)


def test_what_a_reviewer_settled_goes_before_the_votes(database: Database) -> None:
    world = open_queue(database, 2, votes=2, n_annotators=2)
    item, cat, dog = world.candidates[0].item_id, world.classes[0].id, world.classes[1].id
    seen = (vote(database, world, 0, 0), vote(database, world, 1, 1))
    assert settled(database, world) == {}
    settle(database, world, dog, votes=seen)
    assert settled(database, world) == {item: dog}
    settle(database, world, None, minutes=1)
    assert settled(database, world) == {}
    settle(database, world, cat, minutes=2)
    with database.begin() as tx:
        adjudications.withdraw(tx, item, NOON + timedelta(minutes=3))
    with database.read() as tx:
        found = adjudications.of_item(tx, item)
    assert [(one.class_id, one.votes) for one in found] == [(dog, seen), (None, ()), (cat, ())]
    assert [(one.withdrawn_at - NOON).seconds // 60 for one in found if one.withdrawn_at] == [1, 2, 3]
    assert settled(database, world) == {}


def test_a_decision_that_leaves_an_item_without_label_hides_a_majority(database: Database) -> None:
    world = open_queue(database, 1)
    vote(database, world, 0, 0)
    assert settled(database, world)
    settle(database, world, None)
    assert settled(database, world) == {}


def test_a_class_that_a_reviewer_named_cannot_go(database: Database) -> None:
    world = open_queue(database, 1)
    settle(database, world, world.classes[1].id)
    with database.begin() as tx, pytest.raises(ConflictError, match="dog"):
        projects.put_classes(tx, world.project.id, [NewClass("cat", "Cat", ("a cat",))])
