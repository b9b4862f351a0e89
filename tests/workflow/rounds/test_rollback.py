"""The newest round is reopened or dropped; no answer is lost, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alflow.cli import app
from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Round, RoundState
from alflow.errors import ConflictError, NotFoundError
from alflow.store.answers import outcomes
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.rounds import evaluations, rounds
from alflow.workflow.answers.history import change_label
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.messages import Answer, Wish
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.replay import Outcome, replay
from alflow.workflow.rounds.review import round_candidates, round_summaries
from alflow.workflow.rounds.rollback import drop_round, reopen_round, what_dropping_does, what_reopening_does
from alflow.workflow.rounds.waiting import waiting
from alflow.workspace import Workspace
from tests import colours

pytestmark = pytest.mark.slow


@pytest.fixture
def ready(each_workspace: Workspace, tmp_path: Path) -> tuple[Workspace, Project]:
    project = colours.colour_project(each_workspace, tmp_path)
    embed_missing(each_workspace, project)
    return each_workspace, project


def answer_some(workspace: Workspace, project: Project, count: int) -> list[Submission]:
    who, given = sign_in(workspace, "tester").id, []
    for entry in next_candidates(workspace, project.id, who, 10)[:count]:
        one = Submission(f"some {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0)
        submit(workspace, project.id, who, one)
        given.append(one)
    return given


def newest(workspace: Workspace, project: Project) -> Round | None:
    with workspace.database.read() as tx:
        return rounds.last(tx, project.id)


def test_a_closed_round_is_reopened_corrected_and_closed_anew(ready: tuple[Workspace, Project]) -> None:
    workspace, project = ready
    round_ = open_round(workspace, project.id)
    colours.answer(workspace, project)
    first = close_round(workspace, project.id, round_.id)
    assert "the answers to 4 of its 4 images stay" in what_reopening_does(workspace, project.id)
    again = reopen_round(workspace, project.id)
    assert (again.state, again.closed_at, "fit" in again.hashes) == (RoundState.OPEN, None, False)
    with workspace.database.read() as tx:
        assert {one.round_number for one in evaluations.of_project(tx, project.id)} == {0}
        given = labels.of_round(tx, round_.id)
    assert advance(workspace, project.id).done == ()  # no schedule closes it under those who correct
    assert "close it when its answers are right" in waiting(workspace, project.id).words
    other = {one.class_id for one in given} - {given[0].class_id} or {1, 2} - {given[0].class_id}
    change_label(workspace, project.id, sign_in(workspace, "eve").id, given[0].id, other.pop(), "a slip")
    kept = newest(workspace, project)
    assert kept is not None
    assert kept.state is RoundState.OPEN
    closed = close_round(workspace, project.id, round_.id)
    assert closed.state is RoundState.CLOSED
    assert closed.hashes["fit"] != first.hashes["fit"]
    assert [one["fit"] for one in closed.configuration["reopened"]] == [first.hashes["fit"]]
    assert replay(workspace, project.id, 1).outcome is Outcome.IDENTICAL
    assert open_round(workspace, project.id).number == 2


def test_only_the_newest_round_is_taken_back(ready: tuple[Workspace, Project]) -> None:
    workspace, project = ready
    with pytest.raises(NotFoundError, match="no round yet"):
        reopen_round(workspace, project.id)
    round_ = open_round(workspace, project.id)
    with pytest.raises(ConflictError, match="round 1 is open: its answers can be corrected as it is"):
        reopen_round(workspace, project.id)
    colours.answer(workspace, project)
    close_round(workspace, project.id, round_.id)
    with pytest.raises(ConflictError, match="round 1 is closed: reopen it first"):
        drop_round(workspace, project.id, sign_in(workspace, "eve").id)
    open_round(workspace, project.id)
    with pytest.raises(ConflictError, match=r"round 1 is not the newest.*drop round 2 first"):
        reopen_round(workspace, project.id, 1)
    with pytest.raises(NotFoundError, match="no round 9"):
        what_dropping_does(workspace, project.id, 9)


@pytest.mark.parametrize("answered", [0, 2])
@pytest.mark.parametrize("withdraw", [False, True])
def test_a_dropped_round_gives_its_images_back(ready: tuple[Workspace, Project], answered: int, withdraw: bool) -> None:
    workspace, project = ready
    round_ = open_round(workspace, project.id)
    queue = round_candidates(workspace, round_.id)
    answer_some(workspace, project, answered)
    said = what_dropping_does(workspace, project.id, withdraw=withdraw)
    assert f"{4 - answered} of its 4 images are asked about no more" in said
    done = drop_round(workspace, project.id, sign_in(workspace, "eve").id, withdraw=withdraw)
    kept = 0 if withdraw else answered
    assert done == (4 - kept, kept)
    with workspace.database.read() as tx:
        assert len(labels.of_project(tx, project.id, withdrawn=True)) == answered  # no answer is deleted
        assert len(labels.of_project(tx, project.id)) == kept
        assert len(outcomes.settled(tx, project.id)) == kept
        assert len(items.unasked(tx, project.id)) == 12 - kept
    left = newest(workspace, project)
    assert (left is None) is (kept == 0)
    if kept:
        assert round_summaries(workspace, project.id)[0].total == kept
        with pytest.raises(ConflictError, match="it was dropped"):
            replay(workspace, project.id, 1)
        with pytest.raises(ConflictError, match="was dropped: change its answers"):
            reopen_round(workspace, project.id)
    following = open_round(workspace, project.id)
    assert following.number == (2 if kept else 1)
    if not kept:
        assert [one.item.id for one in round_candidates(workspace, following.id)] == [one.item.id for one in queue]
    colours.answer(workspace, project)
    close_round(workspace, project.id, following.id)
    assert replay(workspace, project.id, following.number).outcome is Outcome.IDENTICAL


def test_who_answers_a_dropped_image_is_told_and_goes_on(ready: tuple[Workspace, Project]) -> None:
    workspace, project = ready
    open_round(workspace, project.id)
    who = sign_in(workspace, "tester").id
    (entry, *_) = next_candidates(workspace, project.id, who)
    drop_round(workspace, project.id, sign_in(workspace, "eve").id)
    late = Answer("k", Submission("late", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0))
    state = exchange(workspace, project.id, who, [late], Wish())
    (fate,) = state.acknowledgements
    assert "its round may have been dropped: go on with the next image" in str(fate.refusal)
    assert (fate.retry, state.queue, state.progress) == (False, [], None)


def test_answers_at_the_moment_of_the_drop_are_kept_or_refused(ready: tuple[Workspace, Project]) -> None:
    """What was acknowledged stands afterwards; nothing else happens to those who answer."""
    workspace, project = ready
    open_round(workspace, project.id)
    people = [sign_in(workspace, f"tester {number}").id for number in range(3)]
    held = [(who, entry) for who in people for entry in next_candidates(workspace, project.id, who, 2, extra=False)]

    def give(one: int) -> bool:
        who, entry = held[one]
        answer = Submission(f"t{one}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0)
        (fate,) = exchange(workspace, project.id, who, [Answer("k", answer)], Wish()).acknowledgements
        told = "" if fate.refusal is None else str(fate.refusal)
        assert not told or "its round may have been dropped" in told
        return not told

    eve = sign_in(workspace, "eve").id
    with ThreadPoolExecutor(5) as pool:
        given = [pool.submit(give, one) for one in range(len(held))]
        dropped = pool.submit(drop_round, workspace, project.id, eve)
        stored = sum(one.result() for one in given)
        removed, kept = dropped.result()
    with workspace.database.read() as tx:
        assert len(labels.of_project(tx, project.id)) == stored
        assert (removed, kept) == (4 - stored, stored)
    assert open_round(workspace, project.id).number == (2 if kept else 1)


def test_the_commands_say_what_happens_first(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    open_round(workspace, project.id)
    answer_some(workspace, project, 1)
    no = CliRunner().invoke(app, ["round", "drop"], input="n\n")
    assert (
        no.exit_code,
        "3 of its 4 images are asked about no more; the answers to the other 1 stay" in no.stderr,
    ) == (
        1,
        True,
    )
    assert newest(workspace, project) is not None
    yes = CliRunner().invoke(app, ["round", "drop", "--withdraw", "--yes"])
    assert (yes.exit_code, yes.stdout) == (0, "dropped: 4 images asked about no more, 0 kept with answers\n")
    round_ = open_round(workspace, project.id)
    colours.answer(workspace, project)
    close_round(workspace, project.id, round_.id)
    reopened = CliRunner().invoke(app, ["round", "reopen", "1", "--yes"])
    assert (reopened.exit_code, reopened.stdout) == (0, "round 1 is open\n")
    assert CliRunner().invoke(app, ["round", "close"]).stdout == "round 1 is closed\n"
