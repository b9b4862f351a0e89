"""What comes next: in which order, for whom, and how the last images are shared."""

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError
from alflow.store.answers import outcomes
from alflow.store.projects import projects
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.messages import Wish
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.queues import open_queue
from tests.workflow.desk.answering import answer, close, ranks


def test_the_next_items_come_in_rank_order_with_their_image_and_lease(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 12, lease_minutes=3.0)
    before = datetime.now(UTC)
    entries = next_candidates(each_workspace, world.project.id, world.annotators[0].id)
    assert ranks(entries) == list(range(6))
    assert [entry.item for entry in entries] == list(world.items[:6])
    assert all(before <= entry.leased_until - timedelta(minutes=3) <= datetime.now(UTC) for entry in entries)


def test_nothing_is_next_without_an_open_round(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    who = world.annotators[0].id
    with each_workspace.database.begin() as tx:
        other = projects.create(tx, "other", "demo", "float32", world.project.settings)
    assert next_candidates(each_workspace, other.id, who) == []
    submit(each_workspace, world.project.id, who, answer(world, 0))
    assert next_candidates(each_workspace, world.project.id, who) == []
    close(each_workspace, world)
    assert next_candidates(each_workspace, world.project.id, who) == []


def test_the_last_images_are_shared_among_those_at_the_desk(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 8, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)

    def ask(who: int) -> list[int]:
        return ranks(next_candidates(each_workspace, world.project.id, who))

    assert ask(ada) == [0, 1, 2, 3, 4, 5]
    assert ask(bob) == [6, 7]
    assert ask(ada) == [0, 1, 2]  # what is beyond her share goes back now, not when a lease expires
    assert ask(bob) == [3, 6, 7]
    for rank in range(6):
        submit(each_workspace, world.project.id, ada, answer(world, rank))
    assert ask(ada) == []
    assert ask(bob) == [6]
    assert ask(ada) == [7]


def test_who_is_alone_holds_all_but_some_for_whoever_comes_next(each_workspace: Workspace) -> None:
    """So that a lost connection stops nobody soon, and nobody who comes waits."""
    world = open_queue(each_workspace.database, 30, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    held = [len(next_candidates(each_workspace, world.project.id, who, 40)) for who in (ada, bob, ada, bob)]
    assert held == [24, 6, 12, 12]


def test_whoever_closes_the_desk_leaves_nothing_reserved_there(each_workspace: Workspace) -> None:
    here = open_queue(each_workspace.database, 4, n_annotators=2)
    there = open_queue(each_workspace.database, 2, n_annotators=2, name="there")
    ada, bob = (one.id for one in here.annotators)
    for world in (here, there):
        next_candidates(each_workspace, world.project.id, ada)
    assert next_candidates(each_workspace, here.project.id, bob) == []
    visit(each_workspace, here.project.id, ada, wish=Wish(ahead=0, leave=True))
    assert ranks(next_candidates(each_workspace, here.project.id, bob)) == [0, 1, 2, 3]
    assert next_candidates(each_workspace, there.project.id, bob) == []


def test_what_was_set_aside_can_be_answered_later_even_when_its_round_is_closed(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, answer(world, 0, None))
    close(each_workspace, world)
    (entry,) = visit(each_workspace, world.project.id, bob, wish=Wish(queue=Verdict.SKIP)).queue
    assert isinstance(entry, QueueEntry)
    assert ranks([entry]) == [0]
    submit(each_workspace, world.project.id, bob, answer(world, 0, 1, "bob"))
    with each_workspace.database.read() as tx:
        assert outcomes.settled(tx, world.project.id) == {world.items[0].id: world.classes[1].id}
    with pytest.raises(InvalidInputError, match="skip, unsure, none, bad"):
        visit(each_workspace, world.project.id, bob, wish=Wish(queue=Verdict.CLASS))


@pytest.mark.parametrize("votes", [1, 2])
def test_no_item_is_handed_to_more_people_than_it_needs(each_workspace: Workspace, votes: int) -> None:
    """Eight grab at once, then one after the other what is left; nobody answers, no lease expires.

    At once some may be left over: what another is just taking is passed by, not waited for. Nobody asks for more than
    an equal share, so nothing goes back either.
    """
    share = math.ceil(40 * votes / 9)
    world = open_queue(each_workspace.database, 40, votes=votes, n_annotators=8)
    start = threading.Barrier(8)

    def hold(number: int, size: int) -> set[int]:
        entries = next_candidates(each_workspace, world.project.id, world.annotators[number].id, size)
        return {entry.candidate.id for entry in entries}

    def grab(number: int) -> set[int]:
        start.wait()
        return hold(number, 2) | hold(number, share - 1) | hold(number, share)

    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(grab, range(8)))
    assert max(Counter(candidate for held in at_once for candidate in held).values()) <= votes
    after = Counter(candidate for number, held in enumerate(at_once) for candidate in held | hold(number, share))
    assert max(after.values()) == votes
    assert after.total() == 8 * share
