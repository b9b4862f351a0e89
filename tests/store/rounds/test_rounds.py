from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, NotFoundError
from alflow.store.database import Database
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from tests.queues import open_queue, open_round

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LABELLED, CLOSED, OPEN = RoundState.LABELLED, RoundState.CLOSED, RoundState.OPEN


def test_a_round_comes_back_as_it_was_opened(database: Database) -> None:
    world = open_queue(database, 0)
    with database.begin() as tx:
        for state in (LABELLED, CLOSED):
            rounds.set_state(tx, world.round.id, state)
        configuration = {"votes": 2, "class_ids": [3, 1], "nested": {"x": None}}
        opened = rounds.open_(
            tx,
            world.project.id,
            strategy="bald",
            budget=9,
            seed=2**48 - 1,
            configuration=configuration,
            hashes={"model": "m" * 64},
        )
        assert (opened.number, opened.state, opened.seed) == (2, OPEN, 2**48 - 1)
        assert opened.configuration == configuration
        found = (
            rounds.by_id(tx, opened.id),
            rounds.by_number(tx, world.project.id, 2),
            rounds.current(tx, world.project.id),
            rounds.last(tx, world.project.id),
            rounds.all_(tx, world.project.id)[1],
        )
        assert all(one == opened for one in found)


def test_rounds_that_do_not_exist(database: Database) -> None:
    world = open_queue(database, 0)
    calls: list[Callable[[], object]] = []
    with database.begin() as tx:
        calls = [
            lambda: rounds.by_id(tx, 99),
            lambda: rounds.by_number(tx, world.project.id, 2),
            lambda: rounds.lock(tx, 99),
            lambda: rounds.set_state(tx, 99, CLOSED),
            lambda: rounds.add_hashes(tx, 99, {}),
        ]
        for call in calls:
            with pytest.raises(NotFoundError):
                call()
        other = projects.create(tx, "other", "demo", "float32", world.project.settings)
        assert rounds.current(tx, other.id) is rounds.last(tx, other.id) is None


@pytest.mark.parametrize("state", [OPEN, LABELLED])
def test_one_unclosed_round_a_project(database: Database, state: RoundState) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        rounds.set_state(tx, world.round.id, state)
        with pytest.raises(ConflictError, match="not closed"):
            open_round(tx, world.project)
        assert len(rounds.all_(tx, world.project.id)) == 1
    assert open_queue(database, 1, name="another project").round.number == 1


def test_of_many_who_open_at_once_one_does(database: Database) -> None:
    world = open_queue(database, 0)
    with database.begin() as tx:
        for state in (LABELLED, CLOSED):
            rounds.set_state(tx, world.round.id, state)

    def attempt(_: int) -> bool:
        try:
            with database.begin() as tx:
                open_round(tx, world.project)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(12))) == 1


def test_steps_that_lead_somewhere(database: Database) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        labelled = rounds.set_state(tx, world.round.id, LABELLED)
        assert labelled.labelled_at is not None
        assert rounds.set_state(tx, world.round.id, LABELLED) == labelled
        closed = rounds.set_state(tx, world.round.id, CLOSED, labelled_at=labelled.labelled_at)
        assert closed.closed_at is not None
        assert rounds.set_state(tx, world.round.id, CLOSED) == closed
        assert rounds.current(tx, world.project.id) is None


def test_steps_that_do_not(database: Database) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        with pytest.raises(ConflictError, match="round 1 is open: it cannot become closed"):
            rounds.set_state(tx, world.round.id, CLOSED)
        rounds.set_state(tx, world.round.id, LABELLED)
        with pytest.raises(ConflictError, match="cannot become open"):
            rounds.set_state(tx, world.round.id, OPEN)
        rounds.set_state(tx, world.round.id, CLOSED)
        with pytest.raises(ConflictError, match="round 1 is closed"):
            rounds.set_state(tx, world.round.id, LABELLED)


def test_a_round_is_not_closed_on_answers_that_changed(database: Database) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        read_at = rounds.set_state(tx, world.round.id, LABELLED).labelled_at
        rounds.settle(tx, rounds.lock(tx, world.round.id))  # a late answer
        with pytest.raises(ConflictError, match="changed in the meantime"):
            rounds.set_state(tx, world.round.id, CLOSED, labelled_at=read_at)


def test_hashes_are_added_to(database: Database) -> None:
    world = open_queue(database, 0)
    with database.begin() as tx:
        rounds.add_hashes(tx, world.round.id, {"fit": "1"})
        assert rounds.add_hashes(tx, world.round.id, {"fit": "2"}).hashes == {"posterior": "abc", "fit": "2"}
