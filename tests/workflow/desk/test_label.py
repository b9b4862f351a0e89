"""An answer: stored once, replaced, taken back; the round follows."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.answers import outcomes
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workspace import Workspace
from tests.at_desk import undo, visit
from tests.queues import World, open_queue
from tests.workflow.desk.answering import answer, close, ranks, standing, state


def progress(workspace: Workspace, world: World, who: int) -> tuple[int, int, int, int, RoundState]:
    """Candidates with all their answers, candidates, this annotator's own answers; the round's number and state."""
    found = visit(workspace, world.project.id, who).progress
    assert found is not None
    mine = sum(label.annotator_id == who for label in standing(workspace, world))
    return found.answered, found.total, mine, found.round.number, found.round.state


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


def test_a_class_of_another_project_is_refused(workspace: Workspace) -> None:
    mine, other = (open_queue(workspace.database, 1, name=name) for name in ("mine", "other"))
    given = replace(answer(mine, 0), class_id=other.classes[0].id)
    with pytest.raises(InvalidInputError, match="not of this project"):
        submit(workspace, mine.project.id, mine.annotators[0].id, given)


def test_through_another_project_nothing_is_answered_and_nothing_taken_back(workspace: Workspace) -> None:
    mine, other = (open_queue(workspace.database, 1, name=name) for name in ("mine", "other"))
    who = mine.annotators[0].id
    with pytest.raises(NotFoundError, match="no candidate of this project"):
        submit(workspace, other.project.id, who, replace(answer(mine, 0), class_id=other.classes[0].id))
    submit(workspace, mine.project.id, who, answer(mine, 0))
    with pytest.raises(NotFoundError, match="of yours"):
        undo(workspace, other.project.id, who, "token-0")
    assert len(standing(workspace, mine)) == 1


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
