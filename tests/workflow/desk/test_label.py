import math
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from alflow.domain import Label, RoundState, Verdict
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.settings import Settings
from alflow.store.answers import outcomes
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.messages import Wish
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace
from tests.at_desk import undo, visit
from tests.hands import Hands
from tests.queues import World, open_queue


def answer(world: World, rank: int, class_: int | None = 0, token: str = "") -> Submission:
    """The answer to the candidate at `rank`: class number `class_`, or None for a skip."""
    return Submission(
        token=token or f"token-{rank}",
        candidate_id=world.candidates[rank].id,
        verdict=Verdict.SKIP if class_ is None else Verdict.CLASS,
        class_id=None if class_ is None else world.classes[class_].id,
        seconds=1.25,
        shown={"suggestion": None},
    )


def state(workspace: Workspace, world: World) -> RoundState:
    with workspace.database.read() as tx:
        return rounds.by_id(tx, world.round.id).state


def standing(workspace: Workspace, world: World) -> list[Label]:
    with workspace.database.read() as tx:
        return labels.of_round(tx, world.round.id)


def progress(workspace: Workspace, world: World, who: int) -> tuple[int, int, int, int, RoundState]:
    """Candidates with all their answers, candidates, this annotator's own answers; the round's number and state."""
    found = visit(workspace, world.project.id, who).progress
    assert found is not None
    mine = sum(label.annotator_id == who for label in standing(workspace, world))
    return found.answered, found.total, mine, found.round.number, found.round.state


def close(workspace: Workspace, world: World) -> None:
    with workspace.database.begin() as tx:
        for step in (RoundState.LABELLED, RoundState.CLOSED):
            rounds.set_state(tx, world.round.id, step)


def ranks(entries: list[QueueEntry]) -> list[int]:
    return [entry.candidate.rank for entry in entries]


# Sign in, look, answer.


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


def test_strangers_and_strange_projects_are_turned_away(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    who, strange = world.annotators[0].id, replace(answer(world, 0), candidate_id=99)
    calls: list[Callable[[], Any]] = [
        lambda: next_candidates(each_workspace, world.project.id, 99),
        lambda: next_candidates(each_workspace, 99, who),
        lambda: submit(each_workspace, world.project.id, 99, answer(world, 0)),
        lambda: submit(each_workspace, world.project.id, who, strange),
        lambda: undo(each_workspace, world.project.id, who, "never given"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()


def test_an_answer_is_stored_under_the_candidate_that_was_on_screen(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3)
    label = submit(each_workspace, world.project.id, world.annotators[0].id, answer(world, 2, 1))
    assert standing(each_workspace, world) == [label]
    assert label.item_id == world.items[2].id
    assert (label.class_id, label.verdict, label.seconds) == (world.classes[1].id, Verdict.CLASS, 1.25)
    assert label.shown == {"suggestion": None}
    assert abs(label.at - datetime.now(UTC)) < timedelta(seconds=10)


def test_a_skip_is_an_answer_that_does_not_come_back_and_supports_nothing(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 0, None))
    assert ranks(next_candidates(each_workspace, world.project.id, who)) == [1]
    submit(each_workspace, world.project.id, who, answer(world, 1, 1))
    with each_workspace.database.read() as tx:
        assert outcomes.settled(tx, world.project.id) == {world.items[1].id: world.classes[1].id}
    assert state(each_workspace, world) is RoundState.LABELLED


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.SKIP},
        {"class_id": None},
        {"class_id": 99},
        {"token": ""},
        {"token": "x" * 101},
        {"comment": "x" * 2_001},
        {"proposed_class": "seal"},
    ],
)
def test_answers_that_say_nothing_are_refused(workspace: Workspace, changes: dict[str, Any]) -> None:
    world = open_queue(workspace.database, 1)
    with pytest.raises(InvalidInputError):
        submit(workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), **changes))
    assert standing(workspace, world) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"comment": "a\0b"},
        {"comment": "\ud83d"},
        {"token": "a\0"},
        {"token": "\udc00"},
        {"shown": {"image": "a\0b"}},
        {"shown": {"\udfff": 1}},
        {"shown": {"zoom": math.nan}},
        {"shown": {"all": "x" * 20_000}},
        {"candidate_id": 10**25},
        {"candidate_id": 2**31},
        {"class_id": 10**25},
        {"verdict": Verdict.NONE, "class_id": None, "proposed_class": "\0"},
        {"verdict": Verdict.NONE, "class_id": None, "proposed_class": "x" * 201},
    ],
)
def test_an_answer_that_can_never_be_stored_is_refused_for_good(
    each_workspace: Workspace, changes: dict[str, Any]
) -> None:
    world = open_queue(each_workspace.database, 1)
    with pytest.raises(InvalidInputError):
        submit(each_workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), **changes))
    assert standing(each_workspace, world) == []


def test_a_class_of_another_project_is_refused(workspace: Workspace) -> None:
    mine, other = (open_queue(workspace.database, 1, name=name) for name in ("mine", "other"))
    given = replace(answer(mine, 0), class_id=other.classes[0].id)
    with pytest.raises(InvalidInputError, match="not of this project"):
        submit(workspace, mine.project.id, mine.annotators[0].id, given)


@pytest.mark.parametrize(("seconds", "kept"), [(-5.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (7.5, 7.5)])
def test_a_clock_that_jumps_costs_no_answer(workspace: Workspace, seconds: float, kept: float) -> None:
    world = open_queue(workspace.database, 1)
    label = submit(workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), seconds=seconds))
    assert label.seconds == kept


@pytest.mark.parametrize("verdict", [Verdict.UNSURE, Verdict.NONE, Verdict.BAD])
def test_answers_beyond_a_class_are_kept_with_their_words(each_workspace: Workspace, verdict: Verdict) -> None:
    world = open_queue(each_workspace.database, 1)
    proposed = " sea   lion " if verdict is Verdict.NONE else ""
    said = replace(answer(world, 0, None), verdict=verdict, comment=" blurred ", proposed_class=proposed)
    label = submit(each_workspace, world.project.id, world.annotators[0].id, said)
    assert (label.verdict, label.class_id, label.comment) == (verdict, None, "blurred")
    assert label.proposed_class == ("sea lion" if proposed else "")
    assert visit(each_workspace, world.project.id, world.annotators[0].id).set_aside[verdict] == 1
    assert state(each_workspace, world) is RoundState.LABELLED


def test_a_bad_image_leaves_the_queue_whatever_votes_it_needed_and_comes_back_with_an_undo(
    each_workspace: Workspace,
) -> None:
    world = open_queue(each_workspace.database, 1, votes=3, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, replace(answer(world, 0, None), verdict=Verdict.BAD))
    assert next_candidates(each_workspace, world.project.id, bob) == []
    assert state(each_workspace, world) is RoundState.LABELLED
    undo(each_workspace, world.project.id, ada, "token-0")
    assert ranks(next_candidates(each_workspace, world.project.id, bob)) == [0]


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([0, 0, Verdict.NONE], True),
        ([0, Verdict.SKIP, Verdict.UNSURE], True),
        ([0, Verdict.NONE], False),
        ([0, Verdict.NONE, Verdict.NONE], False),
        ([0, Verdict.BAD, Verdict.NONE, 0], True),
    ],
)
def test_none_and_bad_are_votes_against_and_skips_are_none(
    each_workspace: Workspace, votes: list[Any], settled: bool
) -> None:
    world = open_queue(each_workspace.database, 1, n_annotators=4)
    for who, vote in zip(world.annotators, votes, strict=False):
        said = answer(world, 0, vote if vote == 0 else None, who.name)
        submit(each_workspace, world.project.id, who.id, said if vote == 0 else replace(said, verdict=vote))
    with each_workspace.database.read() as tx:
        assert outcomes.settled(tx, world.project.id) == ({world.items[0].id: world.classes[0].id} if settled else {})


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


# Once is enough.


def test_the_same_token_again_changes_nothing(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2)
    who = world.annotators[0].id
    first = submit(each_workspace, world.project.id, who, answer(world, 0))
    assert submit(each_workspace, world.project.id, who, replace(answer(world, 0), seconds=99.0)) == first
    close(each_workspace, world)
    assert submit(each_workspace, world.project.id, who, answer(world, 0)) == first
    assert len(standing(each_workspace, world)) == 1


def test_an_undone_answer_that_is_sent_again_stays_undone(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 0))
    undone = undo(each_workspace, world.project.id, who, "token-0")
    assert submit(each_workspace, world.project.id, who, answer(world, 0)) == undone
    assert standing(each_workspace, world) == []


def test_a_token_says_one_thing(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, answer(world, 0, token="t"))
    for who, other in (
        (ada, answer(world, 1, token="t")),
        (ada, answer(world, 0, 1, "t")),
        (bob, answer(world, 0, token="t")),
    ):
        with pytest.raises(ConflictError, match="token"):
            submit(each_workspace, world.project.id, who, other)


def test_many_retries_at_once_are_one_answer(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    who = world.annotators[0].id
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: submit(each_workspace, world.project.id, who, answer(world, 0)), range(24)))
    assert len({label.id for label in found}) == 1
    assert len(standing(each_workspace, world)) == 1


def test_two_tabs_of_one_person_see_the_same_and_the_later_answer_counts(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 9)
    who = world.annotators[0].id
    with ThreadPoolExecutor(4) as pool:
        tabs = list(pool.map(lambda _: next_candidates(each_workspace, world.project.id, who, 3), range(8)))
    assert [ranks(tab) for tab in tabs] == [[0, 1, 2]] * 8
    submit(each_workspace, world.project.id, who, answer(world, 0, 0, "left tab"))
    submit(each_workspace, world.project.id, who, answer(world, 0, 1, "right tab"))
    (label,) = standing(each_workspace, world)
    assert (label.token, label.class_id) == ("right tab", world.classes[1].id)
    assert progress(each_workspace, world, who) == (1, 9, 1, 1, RoundState.OPEN)


# Late is not lost.


def test_an_answer_after_its_lease_expired_is_kept_as_a_further_vote(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, n_annotators=2, lease_minutes=0.001)
    ada, bob = (one.id for one in world.annotators)
    assert ranks(next_candidates(each_workspace, world.project.id, ada, 1)) == [0]
    time.sleep(0.1)
    assert ranks(next_candidates(each_workspace, world.project.id, bob, 1)) == [0]
    submit(each_workspace, world.project.id, bob, answer(world, 0, 0, "bob"))
    submit(each_workspace, world.project.id, ada, answer(world, 0, 0, "ada"))
    assert {label.token for label in standing(each_workspace, world)} == {"ada", "bob"}
    assert progress(each_workspace, world, ada) == (1, 2, 1, 1, RoundState.OPEN)


def test_an_answer_to_a_closed_round_is_kept_and_leaves_it_closed(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2)
    close(each_workspace, world)
    label = submit(each_workspace, world.project.id, world.annotators[0].id, answer(world, 0))
    assert standing(each_workspace, world) == [label]
    assert state(each_workspace, world) is RoundState.CLOSED


def test_an_answer_while_the_round_is_being_fitted_calls_for_another_fit(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, answer(world, 0, 0, "ada"))
    with each_workspace.database.read() as tx:
        read_at = rounds.by_id(tx, world.round.id).labelled_at
    submit(each_workspace, world.project.id, bob, answer(world, 0, 1, "bob"))
    with pytest.raises(ConflictError, match="changed in the meantime"), each_workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.CLOSED, labelled_at=read_at)


# The round follows its answers.


def test_the_last_vote_makes_the_round_labelled(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, votes=2, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    for who, rank in ((ada, 0), (ada, 1), (bob, 1)):
        submit(each_workspace, world.project.id, who, answer(world, rank, token=f"{who}-{rank}"))
        assert state(each_workspace, world) is RoundState.OPEN
    submit(each_workspace, world.project.id, bob, answer(world, 0, token="last"))
    assert state(each_workspace, world) is RoundState.LABELLED


def test_undo_gives_the_item_back_and_opens_the_round_again(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    for rank in range(2):
        submit(each_workspace, world.project.id, ada, answer(world, rank))
    undone = undo(each_workspace, world.project.id, ada, "token-0")
    assert undone.withdrawn_at is not None
    assert undo(each_workspace, world.project.id, ada, "token-0") == undone
    assert state(each_workspace, world) is RoundState.OPEN
    assert next_candidates(each_workspace, world.project.id, bob) == []
    assert ranks(next_candidates(each_workspace, world.project.id, ada)) == [0]
    submit(each_workspace, world.project.id, ada, answer(world, 0, 1, "again"))
    assert state(each_workspace, world) is RoundState.LABELLED
    assert [label.token for label in standing(each_workspace, world)] == ["token-1", "again"]


def test_undo_is_for_ones_own_answers(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, answer(world, 0))
    with pytest.raises(NotFoundError, match="of yours"):
        undo(each_workspace, world.project.id, bob, "token-0")
    assert len(standing(each_workspace, world)) == 1


def test_undo_in_a_closed_round_is_refused(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 0))
    close(each_workspace, world)
    with pytest.raises(ConflictError, match="learned"):
        undo(each_workspace, world.project.id, who, "token-0")
    assert len(standing(each_workspace, world)) == 1


def test_an_answer_that_came_after_its_round_was_closed_can_be_taken_back(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 0))
    close(each_workspace, world)
    submit(each_workspace, world.project.id, who, answer(world, 1))
    recent = visit(each_workspace, world.project.id, who).recent
    assert [past.final for past in recent] == [False, True]
    undo(each_workspace, world.project.id, who, "token-1")
    assert [label.token for label in standing(each_workspace, world)] == ["token-0"]
    assert state(each_workspace, world) is RoundState.CLOSED


def test_undo_of_an_extra_vote_leaves_the_round_labelled(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1, n_annotators=2)
    for one in world.annotators:
        submit(each_workspace, world.project.id, one.id, answer(world, 0, token=one.name))
    undo(each_workspace, world.project.id, world.annotators[1].id, world.annotators[1].name)
    assert state(each_workspace, world) is RoundState.LABELLED


def test_progress_and_last_answers(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3, n_annotators=2)
    ada, bob = (one.id for one in world.annotators)
    for rank, who in enumerate((ada, bob, ada)):
        submit(each_workspace, world.project.id, who, answer(world, rank))
    undo(each_workspace, world.project.id, ada, "token-2")
    assert progress(each_workspace, world, ada) == (2, 3, 1, 1, RoundState.OPEN)
    (past,) = visit(each_workspace, world.project.id, ada).recent
    assert (past.label.token, past.item) == ("token-0", world.items[0])
    with each_workspace.database.begin() as tx:
        other = projects.create(tx, "other", "demo", "float32", world.project.settings)
    assert visit(each_workspace, other.id, ada).progress is None


# Many at once.


def cost(workspace: Workspace, work: Callable[[], Any]) -> tuple[list[Any], int]:
    """The statements that run, and on SQLite how many steps they take, in tens."""
    ran: list[Any] = []
    steps = count()

    def note(connection: Any, statement: Any, *_: Any) -> None:
        ran.append(statement)
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.set_progress_handler(lambda: next(steps) * 0, 10)

    event.listen(workspace.database._engine, "before_execute", note)
    work()
    event.remove(workspace.database._engine, "before_execute", note)
    return ran, next(steps)


def test_an_answer_costs_the_same_however_many_were_given(each_workspace: Workspace) -> None:
    """Every statement was built before, there are no more of them, and none passes what is answered."""
    world = open_queue(each_workspace.database, 400, votes=2, n_annotators=3)
    ada, bob, eve = (one.id for one in world.annotators)

    def give(who: int, rank: int) -> None:
        assert ranks(next_candidates(each_workspace, world.project.id, who, 3))[0] == rank
        submit(each_workspace, world.project.id, who, answer(world, rank, token=f"{who}-{rank}"))

    for rank in range(3):
        give(eve, rank)
    known, early = cost(each_workspace, lambda: give(eve, 3))
    with each_workspace.database.begin() as tx:
        for one in world.candidates[4:380]:
            for who in (ada, bob):
                ids = (world.project.id, one.item_id, one.id, world.round.id, who)
                labels.submit(tx, labels.NewLabel(*ids, Verdict.SKIP, None, datetime.now(UTC), 1.0, f"{ids}", {}))
    next_candidates(each_workspace, world.project.id, eve, 3)
    ran, late = cost(each_workspace, lambda: give(eve, 380))
    assert {id(one) for one in ran} <= {id(one) for one in known}
    assert len(ran) <= len(known)
    assert late <= 1.2 * early


def empty_the_queue(
    workspace: Workspace, project_id: int, annotator_id: int, seed: int, hands: Hands | None = None
) -> Iterator[tuple[int, str]]:
    """One annotator until nothing is left: (candidate, token) of each answer, after it was acknowledged."""
    random, numbers, hands = Random(seed), count(), hands or Hands(1_000)
    with workspace.database.read() as tx:
        classes = [one.id for one in projects.classes(tx, project_id)]
    idle = 0
    while idle < 3:
        hands.asks(annotator_id)
        entries = next_candidates(workspace, project_id, annotator_id, random.randint(1, 6))
        hands.gets(annotator_id, [entry.candidate.id for entry in entries])
        idle = 0 if entries else idle + 1
        for entry in entries[: random.randint(1, len(entries))] if entries else []:
            said = random.choice([*classes, None])
            verdict = Verdict.SKIP if said is None else Verdict.CLASS
            token = f"{annotator_id}-{next(numbers)}"
            hands.answers(annotator_id, entry.candidate.id)
            submit(workspace, project_id, annotator_id, Submission(token, entry.candidate.id, verdict, said, 0.5))
            yield entry.candidate.id, token
            if random.random() < 0.05:
                hands.takes_back(annotator_id, entry.candidate.id)
                undo(workspace, project_id, annotator_id, token)
                yield -entry.candidate.id, token


def acknowledged(answers: list[tuple[int, str]]) -> set[str]:
    """Tokens of the answers that were given and not taken back."""
    undone = {token for candidate, token in answers if candidate < 0}
    return {token for candidate, token in answers if candidate > 0 and token not in undone}


@pytest.mark.parametrize("votes", [1, 2])
def test_annotators_at_once_empty_the_queue_and_nothing_is_lost_or_twice(each_workspace: Workspace, votes: int) -> None:
    world = open_queue(each_workspace.database, 100, votes=votes, n_annotators=20)
    hands = Hands(votes)

    def work(number: int) -> list[tuple[int, str]]:
        return list(empty_the_queue(each_workspace, world.project.id, world.annotators[number].id, number, hands))

    with ThreadPoolExecutor(20) as pool:
        given = [one for answers in pool.map(work, range(20)) for one in answers]
    assert (hands.again, hands.crowded) == (0, 0)
    found = standing(each_workspace, world)
    assert {label.token for label in found} == acknowledged(given)
    per_candidate = Counter(label.candidate_id for label in found)
    assert per_candidate == {candidate.id: votes for candidate in world.candidates}
    assert len({(label.candidate_id, label.annotator_id) for label in found}) == len(found)
    assert state(each_workspace, world) is RoundState.LABELLED


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


def work_apart(home: str, url: str, project_id: int, annotator_id: int) -> list[tuple[int, str]]:
    workspace = Workspace.open(Settings(home=Path(home), database_url=url))
    return list(empty_the_queue(workspace, project_id, annotator_id, annotator_id))


@pytest.mark.slow
def test_processes_at_once_empty_the_queue_too(each_workspace: Workspace, database_url: str, tmp_path: Path) -> None:
    world = open_queue(each_workspace.database, 120, votes=2, n_annotators=4)
    jobs = [(str(tmp_path), database_url, world.project.id, one.id) for one in world.annotators]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        given = [one for answers in pool.starmap(work_apart, jobs, chunksize=1) for one in answers]
    found = standing(each_workspace, world)
    assert {label.token for label in found} == acknowledged(given)
    assert Counter(label.candidate_id for label in found) == {one.id: 2 for one in world.candidates}
    assert state(each_workspace, world) is RoundState.LABELLED


def work_and_tell(home: str, url: str, project_id: int, annotator_id: int, told: Any) -> None:
    workspace = Workspace.open(Settings(home=Path(home), database_url=url))
    for _, token in empty_the_queue(workspace, project_id, annotator_id, 1):
        told.send(token)


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_killed_server(
    each_workspace: Workspace, database_url: str, tmp_path: Path
) -> None:
    world = open_queue(each_workspace.database, 500, n_annotators=2, lease_minutes=0.01)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    args = (str(tmp_path), database_url, world.project.id, world.annotators[0].id, sender)
    process = multiprocessing.get_context("spawn").Process(target=work_and_tell, args=args)
    process.start()
    told = {receiver.recv() for _ in range(50)}
    process.kill()
    process.join()
    while receiver.poll():
        told.add(receiver.recv())
    with each_workspace.database.read() as tx:
        stored = {label.token for label in labels.of_round(tx, world.round.id, withdrawn=True)}
    assert told <= stored
    assert len(stored) <= len(told) + 1  # one may have been stored and not told
    time.sleep(0.7)
    rest = list(empty_the_queue(each_workspace, world.project.id, world.annotators[1].id, 2))
    assert rest
    assert len(standing(each_workspace, world)) == 500
    assert state(each_workspace, world) is RoundState.LABELLED
