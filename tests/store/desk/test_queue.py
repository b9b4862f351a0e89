from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.answers import Verdict
from alflow.store.database import Database
from alflow.store.desk import labels, queue
from alflow.store.desk.labels import NewLabel
from alflow.store.desk.queue import Wanted
from alflow.store.people import annotators
from tests.queues import World, open_queue

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def lease(database: Database, world: World, who: int, count: int, at: datetime = NOON) -> list[int]:
    """Ranks that annotator number `who` gets at a time, for five minutes."""
    with database.begin() as tx:
        annotator = annotators.lock(tx, world.annotators[who].id)
        found = queue.lease(tx, Wanted(world.round.id, annotator.id, count, at + 5 * MINUTE, at))
    assert all(item.id == candidate.item_id for candidate, item in found)
    return [candidate.rank for candidate, _ in found]


def answer(database: Database, world: World, who: int, rank: int) -> int:
    candidate, annotator = world.candidates[rank], world.annotators[who]
    ids = (world.project.id, candidate.item_id, candidate.id, world.round.id, annotator.id)
    with database.begin() as tx:
        new = NewLabel(*ids, Verdict.SKIP, None, NOON, 1.0, f"{who}-{rank}", {})
        return labels.submit(tx, new).id


def test_work_is_shared_in_rank_order(database: Database) -> None:
    world = open_queue(database, 5, n_annotators=3)
    assert lease(database, world, 0, 2) == [0, 1]
    assert lease(database, world, 1, 2) == [2, 3]
    assert lease(database, world, 2, 2) == [4]
    assert lease(database, world, 0, 2) == [0, 1]


def test_held_candidates_are_topped_up(database: Database) -> None:
    world = open_queue(database, 5, n_annotators=2)
    assert lease(database, world, 0, 3) == [0, 1, 2]
    answer(database, world, 0, 1)
    assert lease(database, world, 0, 3) == [0, 2, 3]
    assert lease(database, world, 0, 4) == [0, 2, 3, 4]


def test_two_votes_go_to_two_people_and_not_to_a_third(database: Database) -> None:
    world = open_queue(database, 2, votes=2, n_annotators=3)
    assert [lease(database, world, who, 2) for who in range(3)] == [[0, 1], [0, 1], []]
    answer(database, world, 0, 0)
    assert [lease(database, world, who, 2) for who in range(3)] == [[1], [0, 1], []]
    answer(database, world, 1, 1)
    assert lease(database, world, 2, 2) == []


def test_nobody_answers_twice_what_needs_two(database: Database) -> None:
    world = open_queue(database, 1, votes=2)
    assert lease(database, world, 0, 1) == [0]
    answer(database, world, 0, 0)
    assert lease(database, world, 0, 1) == []


def test_an_expired_lease_is_free_for_others_and_comes_back_if_nobody_took_it(database: Database) -> None:
    world = open_queue(database, 2, n_annotators=2)
    assert lease(database, world, 0, 2) == [0, 1]
    almost, over = NOON + 5 * MINUTE - timedelta(seconds=1), NOON + 5 * MINUTE
    assert lease(database, world, 1, 1, almost) == []
    assert lease(database, world, 1, 1, over) == [0]
    assert lease(database, world, 0, 2, over) == [1]


def test_leases_live_while_they_are_renewed(database: Database) -> None:
    world = open_queue(database, 1, n_annotators=2)
    for minutes in range(0, 60, 4):
        assert lease(database, world, 0, 1, NOON + minutes * MINUTE) == [0]
        assert lease(database, world, 1, 1, NOON + minutes * MINUTE) == []


def test_what_is_no_longer_asked_for_goes_back_at_once(database: Database) -> None:
    world = open_queue(database, 4, n_annotators=2)
    assert lease(database, world, 0, 4) == [0, 1, 2, 3]
    assert lease(database, world, 0, 1) == [0]
    assert lease(database, world, 1, 4) == [1, 2, 3]


def test_what_is_on_screen_is_kept_first(database: Database) -> None:
    world = open_queue(database, 4)
    assert lease(database, world, 0, 4) == [0, 1, 2, 3]
    with database.begin() as tx:
        shown = world.candidates[2].id
        wanted = Wanted(world.round.id, world.annotators[0].id, 2, NOON + 5 * MINUTE, NOON, showing=shown)
        found = queue.lease(tx, wanted)
    assert [candidate.rank for candidate, _ in found] == [0, 2]


def test_missing_votes_are_counted_until_enough_are_found(database: Database) -> None:
    world = open_queue(database, 3, votes=2)
    answer(database, world, 0, 1)
    with database.read() as tx:
        assert [queue.votes_missing(tx, world.round.id, most) for most in (1, 4, 99)] == [1, 4, 5]


def test_settled_candidates_leave_the_page_of_whoever_still_holds_them(database: Database) -> None:
    world = open_queue(database, 2, n_annotators=2)
    assert lease(database, world, 0, 1) == [0]
    answer(database, world, 1, 0)  # late: its lease had expired
    assert lease(database, world, 0, 1) == [1]


def test_a_withdrawn_answer_frees_the_candidate(database: Database) -> None:
    world = open_queue(database, 1, n_annotators=2)
    label = answer(database, world, 0, 0)
    assert lease(database, world, 1, 1) == []
    with database.begin() as tx:
        labels.withdraw(tx, label, NOON)
    assert lease(database, world, 1, 1) == [0]


@pytest.mark.parametrize("taken", [False, True])
def test_one_candidate_can_be_reserved_if_it_is_free(database: Database, taken: bool) -> None:
    world = open_queue(database, 2, n_annotators=2)
    assert lease(database, world, 1, 2 if taken else 1)
    with database.begin() as tx:
        mine, wanted = world.annotators[0].id, world.candidates[1].id
        assert queue.reserve(tx, mine, wanted, NOON + MINUTE, NOON) is not taken
    assert lease(database, world, 0, 1) == ([] if taken else [1])


def test_queues_of_two_projects_do_not_mix(database: Database) -> None:
    one, two = (open_queue(database, 2, name=name) for name in ("one", "two"))
    assert lease(database, one, 0, 5) == [0, 1]
    assert lease(database, two, 0, 5) == [0, 1]
