"""Slices in both databases: names, images, evaluations, and when an image was first heard of."""

from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.rounds import SliceEvaluation
from alflow.errors import ConflictError, NotFoundError
from alflow.store.answers import adjudications
from alflow.store.answers.adjudications import NewAdjudication
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.rounds import slices
from tests.queues import open_queue

NOW = datetime(2026, 5, 6, tzinfo=UTC)


def test_a_slice_is_kept_with_its_images_until_it_is_removed(database: Database) -> None:
    world, other = open_queue(database, 4), open_queue(database, 1, name="fish")
    ids = [item.id for item in world.items]
    with database.begin() as tx:
        made = slices.add(tx, world.project.id, world.annotators[0].id, "dark", ids[:3])
        rest = slices.add(tx, world.project.id, world.annotators[0].id, "apart", ids[3:])
        theirs = slices.add(tx, other.project.id, world.annotators[0].id, "dark", [other.items[0].id])
        with pytest.raises(ConflictError, match="already a slice called 'dark'"):
            slices.add(tx, world.project.id, world.annotators[0].id, "dark", ids[3:])
    evaluation = SliceEvaluation(made.id, 0, "a" * 64, 3, 0, {"accuracy": (0.5, 0.1, 0.9)}, NOW)
    newer = SliceEvaluation(made.id, 0, "b" * 64, 2, 1, {"accuracy": (0.7, 0.3, 1.0), "nlpd": (float("nan"),) * 3}, NOW)
    with database.begin() as tx:
        slices.keep(tx, evaluation)
        slices.keep(tx, newer)
        assert slices.list_(tx, world.project.id) == [rest, made]
        assert slices.find(tx, world.project.id, "dark") == made
        assert slices.item_ids(tx, world.project.id) == {made.id: ids[:3], rest.id: ids[3:]}
        assert slices.counts(tx, world.project.id) == {made.id: 3, rest.id: 1}
        (found,) = slices.evaluations(tx, world.project.id)
        assert (found.basis, found.n_test, found.n_later, found.at) == ("b" * 64, 2, 1, NOW)
        assert found.metrics == {"accuracy": (0.7, 0.3, 1.0)}
        assert slices.evaluations(tx, other.project.id) == []
    with database.begin() as tx:
        slices.remove(tx, made.id)
        slices.keep(tx, evaluation)  # it went while it was evaluated
        assert slices.evaluations(tx, world.project.id) == []
        assert slices.list_(tx, world.project.id) == [rest]
        assert slices.list_(tx, other.project.id) == [theirs]
        with pytest.raises(NotFoundError, match="no slice 'dark': choose one of 'apart'"):
            slices.find(tx, world.project.id, "dark")


def test_an_image_is_heard_of_when_its_first_answer_or_decision_was_stored(database: Database) -> None:
    world = open_queue(database, 3)
    before = datetime.now(UTC) - timedelta(seconds=2)
    answered, decided, silent = (item.id for item in world.items)
    given = NewLabel(
        world.project.id, answered, None, None, world.annotators[0].id, Verdict.CLASS, world.classes[0].id, NOW, 1.0,
        "t", {},
    )  # fmt: skip
    with database.begin() as tx:
        label = labels.submit(tx, given)
        adjudications.settle(
            tx, NewAdjudication(world.project.id, decided, world.annotators[0].id, world.classes[0].id, "", (), NOW)
        )
    with database.begin() as tx:
        labels.withdraw(tx, label.id, datetime.now(UTC))
        heard = slices.first_heard(tx, world.project.id)
    assert heard.keys() == {answered, decided}
    assert before < heard[answered] <= datetime.now(UTC)
    assert heard[decided] == NOW
    assert silent not in heard
