"""The reserve behind a round: nobody waits, nothing is asked twice, and no round is another for it."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Candidate, Origin, Round, RoundState
from alflow.ids import AnnotatorId, CandidateId, ItemId
from alflow.store.answers import outcomes
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.rounds import candidates, reserve, rounds
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.relabel import request_votes
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.messages import Wish
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings, find_project
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.chosen import send_to_queue
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.replay import Outcome, replay
from alflow.workflow.rounds.review import round_candidates, round_summaries
from alflow.workflow.rounds.rollback import drop_round, reopen_round, what_dropping_does
from alflow.workflow.rounds.stopping import project_history
from alflow.workspace import Workspace
from tests import colours
from tests.at_desk import undo, visit
from tests.queues import World, all_candidates, new_candidate, open_queue
from tests.queues import open_round as open_empty
from tests.workflow.desk.answering import answer, close, ranks, state


def ask(workspace: Workspace, world: World, who: int = 0, count: int = 6) -> list[int]:
    return ranks(next_candidates(workspace, world.project.id, world.annotators[who].id, count))


def open_next(workspace: Workspace, world: World, wanted: Sequence[int], behind: Sequence[int] = ()) -> Round:
    """A round after the first, planned from what has no label: of the items with these numbers."""
    with workspace.database.begin() as tx:
        pool, round_ = items.unasked(tx, world.project.id), open_empty(tx, world.project)
        _plan(tx, world, round_, pool, wanted, behind)
    return round_


def _plan(
    tx: Transaction, world: World, round_: Round, pool: list[ItemId], wanted: Sequence[int], behind: Sequence[int]
) -> None:
    votes = world.project.settings.votes
    every = [
        new_candidate(world.items[item], rank, world.classes, votes) for rank, item in enumerate([*wanted, *behind])
    ]
    planned = [
        *every[: len(wanted)],
        *(replace(one, origin=Origin.RESERVE) for one in every[len(wanted) :]),
    ]
    candidates.add(tx, round_.id, reserve.hand_on(tx, world.project.id, round_.id, planned, pool))


def test_the_reserve_is_for_who_finds_nothing_in_the_queue(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 10, n_annotators=2, reserve=6)
    ada, bob = (one.id for one in world.annotators)
    assert ask(each_workspace, world, 0, 4) == [0, 1, 2, 3]
    assert ask(each_workspace, world, 0) == [0, 1, 2, 3, 4, 5]  # held ready for when the queue is answered
    assert ask(each_workspace, world, 1) == [6, 7]
    assert ask(each_workspace, world, 0) == [0, 1, 4, 5]  # shared like the last images of a round
    assert ask(each_workspace, world, 1) == [2, 3, 6, 7]
    for rank in (0, 1):
        submit(each_workspace, world.project.id, ada, answer(world, rank))
    assert ask(each_workspace, world, 0) == [4, 5]  # the last images of the round are with bob
    for rank in (2, 3):
        submit(each_workspace, world.project.id, bob, answer(world, rank))
    assert state(each_workspace, world) is RoundState.LABELLED
    assert ask(each_workspace, world, 0) == [4, 5]
    assert ask(each_workspace, world, 1) == [6, 7]


def test_a_round_neither_waits_for_its_reserve_nor_is_closed_anew_for_it(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 4, reserve=3)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 1))
    assert state(each_workspace, world) is RoundState.OPEN
    submit(each_workspace, world.project.id, who, answer(world, 0))
    with each_workspace.database.read() as tx:
        labelled = rounds.by_id(tx, world.round.id)
        assert rounds.answered(tx, world.round.id) == (1, 1)
    assert labelled.state is RoundState.LABELLED
    submit(each_workspace, world.project.id, who, answer(world, 2))
    with each_workspace.database.read() as tx:
        assert rounds.by_id(tx, world.round.id) == labelled
        assert [one.rank for one in candidates.of_round(tx, world.round.id)] == [0, 1, 2]
        assert candidates.information(tx, world.project.id)[world.round.id] == (1, 1.0)
        assert [round(one.score, 6) for one in reserve.answered(tx, world.project.id)] == [0.5, 0.333333]
    (summary,) = round_summaries(each_workspace, world.project.id)
    assert (summary.answered, summary.total, summary.extra) == (1, 1, 2)


def test_what_is_on_screen_stays_there_when_the_next_round_opens(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 6, reserve=3)
    who = world.annotators[0].id
    for rank in range(3):
        submit(each_workspace, world.project.id, who, answer(world, rank))
    assert ask(each_workspace, world) == [3, 4, 5]
    close(each_workspace, world)
    assert ask(each_workspace, world) == [3, 4, 5]
    after = open_next(each_workspace, world, [5])
    entries = next_candidates(each_workspace, world.project.id, who, 1, showing=world.candidates[3].id)
    assert [one.candidate.id for one in entries] == [world.candidates[3].id, world.candidates[5].id]
    assert [one.candidate.origin for one in entries] == [Origin.RESERVE, Origin.STRATEGY]
    given = submit(each_workspace, world.project.id, who, answer(world, 3))
    assert given.round_id == after.id
    with each_workspace.database.read() as tx:
        assert rounds.by_id(tx, after.id).state is RoundState.OPEN
        assert rounds.answered(tx, after.id) == (0, 1)


def test_what_came_while_the_next_round_was_planned_is_not_asked_again(each_workspace: Workspace) -> None:
    """Leases and answers stay with the image; the plan is what it was."""
    world = open_queue(each_workspace.database, 8, n_annotators=2, reserve=7)
    ada, bob = (one.id for one in world.annotators)
    submit(each_workspace, world.project.id, ada, answer(world, 0))
    submit(each_workspace, world.project.id, ada, answer(world, 1))
    with each_workspace.database.read() as tx:
        pool = items.unasked(tx, world.project.id)
    assert len(pool) == 6  # what is not answered of a reserve may be planned
    submit(each_workspace, world.project.id, ada, answer(world, 2))
    submit(each_workspace, world.project.id, ada, answer(world, 3))
    held = next_candidates(each_workspace, world.project.id, bob, 2, showing=None)
    assert ranks(held) == [4, 5]
    close(each_workspace, world)
    with each_workspace.database.begin() as tx:
        round_ = open_empty(tx, world.project)
        _plan(tx, world, round_, pool, [2, 4, 7], [6])
        rounds.settle(tx, round_)
        now, before = all_candidates(tx, round_.id), all_candidates(tx, world.round.id)
        given = labels.of_project(tx, world.project.id)
    wanted = [world.items[number].id for number in (2, 4, 7, 6)]
    assert [one.item_id for one in now[:4]] == wanted
    assert [one.origin for one in now[:4]] == [*[Origin.STRATEGY] * 3, Origin.RESERVE]
    assert {one.item_id for one in now[4:]} == {world.items[3].id, world.items[5].id}  # answered, and on a screen
    assert [one.item_id for one in before] == [world.items[0].id, world.items[1].id]  # answered before the plan
    assert Counter(one.round_id for one in given) == {world.round.id: 2, round_.id: 2}
    assert next_candidates(each_workspace, world.project.id, bob, 2)[0].candidate.id == held[0].candidate.id
    assert check_history(each_workspace, world.project.id) == []


def test_a_round_that_was_answered_while_it_was_planned_is_labelled(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, reserve=1)
    who = world.annotators[0].id
    submit(each_workspace, world.project.id, who, answer(world, 0))
    close(each_workspace, world)
    with each_workspace.database.read() as tx:
        pool = items.unasked(tx, world.project.id)
    submit(each_workspace, world.project.id, who, answer(world, 1))
    with each_workspace.database.begin() as tx:
        round_ = open_empty(tx, world.project)
        _plan(tx, world, round_, pool, [1], [])
        assert rounds.settle(tx, round_).state is RoundState.LABELLED


def test_an_image_of_the_reserve_gets_all_its_votes(each_workspace: Workspace) -> None:
    """Also after its round: it counts once it has them, and comes before what nobody has seen."""
    world = open_queue(each_workspace.database, 5, votes=2, n_annotators=2, reserve=4)
    ada, bob = (one.id for one in world.annotators)
    for who in (ada, bob):
        submit(each_workspace, world.project.id, who, answer(world, 0, token=f"{who}"))
    submit(each_workspace, world.project.id, ada, answer(world, 2, token="once"))
    close(each_workspace, world)
    open_next(each_workspace, world, [1], [3, 4])
    with each_workspace.database.read() as tx:
        assert world.items[2].id not in outcomes.settled(tx, world.project.id)
    for who in (ada, bob):
        submit(each_workspace, world.project.id, who, answer(world, 1, token=f"next {who}"))
    assert next(one.item.id for one in next_candidates(each_workspace, world.project.id, bob)) == world.items[2].id
    assert world.items[2].id not in [one.item.id for one in next_candidates(each_workspace, world.project.id, ada)]
    submit(each_workspace, world.project.id, bob, answer(world, 2, token="twice"))
    with each_workspace.database.read() as tx:
        assert world.items[2].id in outcomes.settled(tx, world.project.id)


def test_no_more_is_asked_than_a_next_round_would(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 9, n_annotators=2, reserve=8)
    ada = world.annotators[0].id

    def change(**changes: object) -> None:
        now = find_project(each_workspace, world.project.name)
        change_settings(each_workspace, now.id, replace(now.settings, **changes))  # type: ignore[arg-type]

    change(max_labels=4)
    submit(each_workspace, world.project.id, ada, answer(world, 0))
    assert ask(each_workspace, world) == [1, 2, 3]
    assert ask(each_workspace, world, 1) == []  # ada may bring the last of them
    submit(each_workspace, world.project.id, ada, answer(world, 1))
    assert ask(each_workspace, world) == [2, 3]
    change(max_labels=None, reserve=0)
    assert ask(each_workspace, world) == []
    change(reserve=8)
    close(each_workspace, world)
    assert ask(each_workspace, world) == [2, 3, 4]
    with each_workspace.database.begin() as tx:
        rounds.note_stop(tx, rounds.by_id(tx, world.round.id), "there are enough labels")
    assert ask(each_workspace, world) == []


def test_an_extra_answer_is_taken_back_even_when_the_round_was_closed(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 4, reserve=3)
    who = world.annotators[0].id
    for rank in range(2):
        submit(each_workspace, world.project.id, who, answer(world, rank))
    close(each_workspace, world)
    undo(each_workspace, world.project.id, who, "token-1")
    assert ask(each_workspace, world)[0] == 1
    newest, first = visit(each_workspace, world.project.id, who, wish=Wish()).recent[0], world.candidates[0]
    assert (newest.label.candidate_id, newest.final) == (first.id, True)


@pytest.mark.slow
def test_sent_to_the_queue_it_is_asked_about_in_this_round(ready: tuple[Workspace, Project]) -> None:
    workspace, project = ready
    round_ = open_round(workspace, project.id)
    who = sign_in(workspace, "eve").id
    with workspace.database.read() as tx:
        behind = [one for one in all_candidates(tx, round_.id) if one.origin is Origin.RESERVE]
    assert send_to_queue(workspace, project.id, who, [behind[0].item_id], "odd").queued == (behind[0].item_id,)
    with workspace.database.read() as tx:
        sent = candidates.by_id(tx, behind[0].id)
        assert rounds.answered(tx, round_.id) == (0, 4)
    assert (sent.origin, sent.reason, sent.rank > behind[-1].rank) == (Origin.PERSON, "odd", True)
    colours.answer(workspace, project)
    submit(workspace, project.id, who, extra(project, behind[1], who))
    assert request_votes(workspace, project.id, [behind[1].item_id]) == 1
    with workspace.database.read() as tx:
        assert candidates.by_id(tx, behind[1].id).origin is Origin.STRATEGY  # the round waits for what people ask for
        assert rounds.by_id(tx, round_.id).state is RoundState.OPEN


def extra(project: Project, one: Candidate, who: AnnotatorId) -> Submission:
    return Submission(f"extra {one.id} {who} {project.id}", one.id, Verdict.CLASS, one.predicted_class_id, 1.0)


@pytest.fixture
def ready(each_workspace: Workspace, tmp_path: Path) -> tuple[Workspace, Project]:
    project = colours.colour_project(each_workspace, tmp_path, budget=3)
    embed_missing(each_workspace, project)
    return each_workspace, project


def behind_queue(workspace: Workspace, project: Project, who: AnnotatorId) -> list[QueueEntry]:
    entries = next_candidates(workspace, project.id, who)
    return [one for one in entries if one.candidate.origin is Origin.RESERVE]


@pytest.mark.slow
def test_rounds_with_a_reserve(ready: tuple[Workspace, Project]) -> None:
    """Planned behind the batch; answered, fitted, replayed, reopened and dropped with it."""
    workspace, project = ready
    first = open_round(workspace, project.id)
    with workspace.database.read() as tx:
        planned = all_candidates(tx, first.id)
        assert len(items.unasked(tx, project.id)) == 9
    assert [one.origin for one in planned[3:]] == [Origin.RESERVE] * 3  # as many as the budget
    assert len({one.item_id for one in planned}) == 6
    assert "3 of its 3 images" in what_dropping_does(workspace, project.id)
    colours.answer(workspace, project)
    who = sign_in(workspace, "tester").id
    one, other, *_ = behind_queue(workspace, project, who)
    submit(workspace, project.id, who, extra(project, one.candidate, who))
    closed = close_round(workspace, project.id, first.id)
    assert closed.state is RoundState.CLOSED
    late = submit(workspace, project.id, who, extra(project, other.candidate, who))
    second = open_round(workspace, project.id)
    with workspace.database.read() as tx:
        asked = {each.item_id for each in candidates.of_round(tx, second.id)}
        history = project_history(tx, project.id)
        assert labels.by_token(tx, late.token) is not None
    assert not asked & {each.item_id for each in planned[:3]} | {one.item.id, other.item.id} & asked
    scores = [each.score or 0 for each in (*planned[:3], one.candidate, other.candidate)]
    assert (history.labels[1], history.information[1]) == (5, pytest.approx(sum(scores)))
    assert [each.candidate.origin for each in round_candidates(workspace, first.id)][3:] == [Origin.RESERVE] * 2
    for number in (1, 2):
        assert replay(workspace, project.id, number).outcome is Outcome.IDENTICAL
    assert drop_round(workspace, project.id, who).removed == 3
    reopen_round(workspace, project.id)
    assert behind_queue(workspace, project, who) == []  # no next round is prepared meanwhile
    close_round(workspace, project.id, first.id)
    assert open_round(workspace, project.id).configuration["n_labels"] == 5


@pytest.mark.slow
def test_what_was_skipped_as_extra_can_be_sent_to_a_later_round(workspace: Workspace, project: Project) -> None:
    first = open_round(workspace, project.id)
    colours.answer(workspace, project)
    who = sign_in(workspace, "tester").id
    one, *_ = behind_queue(workspace, project, who)
    submit(workspace, project.id, who, Submission("skip", one.candidate.id, Verdict.SKIP, None, 1.0))
    close_round(workspace, project.id, first.id)
    second = open_round(workspace, project.id)
    assert send_to_queue(workspace, project.id, who, [one.item.id], "look again").queued == (one.item.id,)
    with workspace.database.read() as tx:
        (sent,) = candidates.of_origin(tx, project.id, Origin.PERSON)
    assert (sent.round_id, sent.answers, sent.id != one.candidate.id) == (second.id, 0, True)


@pytest.mark.slow
def test_a_reserve_that_nobody_answers_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    found = []
    for size in (0, 100):
        project = colours.colour_project(workspace, tmp_path, f"with {size}", budget=3)
        change_settings(workspace, project.id, replace(project.settings, reserve=size))
        embed_missing(workspace, project)
        queues = []
        for _ in range(3):
            round_ = open_round(workspace, project.id)
            with workspace.database.read() as tx:
                start, queue = min(items.ids(tx, project.id)), candidates.of_round(tx, round_.id)
            told = [(one.item_id - start, one.origin, one.score, *one.probabilities.values()) for one in queue]
            queues.append(told)
            colours.answer(workspace, project)
            close_round(workspace, project.id, round_.id)
        found.append(queues)
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize("votes", [1, 2])
def test_two_race_with_the_schedule(ready: tuple[Workspace, Project], votes: int) -> None:
    """Two people answer whatever they are given while rounds close, are planned and open, until nothing is left."""
    workspace, project = ready
    change_settings(workspace, project.id, replace(project.settings, votes=votes))
    open_round(workspace, project.id)
    over, people = Event(), [sign_in(workspace, name).id for name in ("ada", "bob")]
    given: dict[AnnotatorId, list[tuple[ItemId, CandidateId]]] = {who: [] for who in people}

    def label(who: AnnotatorId) -> None:
        showing = None
        while not over.is_set():
            entries = next_candidates(workspace, project.id, who, 4, showing=showing)
            if not entries:
                over.wait(0.02)
                continue
            entry, showing = entries[0], entries[1].candidate.id if len(entries) > 1 else None
            given[who].append((entry.item.id, entry.candidate.id))
            chosen = Submission(f"{who} {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 0.1)
            submit(workspace, project.id, who, chosen)

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(label, who) for who in people]
        try:
            for _ in range(400):
                if "all of the pool" in advance(workspace, project.id).waiting_for:
                    break
                over.wait(0.02)
        finally:
            over.set()
        for each in running:
            each.result()
    with workspace.database.read() as tx:
        standing, every = labels.of_project(tx, project.id), rounds.all_(tx, project.id)
        rows = [one for round_ in every for one in all_candidates(tx, round_.id)]
        pool_size = len(items.ids(tx, project.id)) - 24
    assert all(len(each) == len({item for item, _ in each}) for each in given.values())  # nobody is asked twice
    times = Counter(one.item_id for one in standing)
    assert len(times) == pool_size
    assert set(times.values()) == {votes}  # nor is anything answered more often than wanted
    assert set(Counter(one.item_id for one in rows).values()) == {1}
    assert all(one.answers == one.votes_needed for one in rows)
    assert {one.candidate_id: one.round_id for one in standing} == {one.id: one.round_id for one in rows}
    assert all(one.state is RoundState.CLOSED for one in every)
    assert all(replay(workspace, project.id, one.number).outcome is Outcome.IDENTICAL for one in every)
