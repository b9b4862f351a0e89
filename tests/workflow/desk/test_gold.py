"""Gold checks: met once, never a label, told when the project says so."""

from dataclasses import replace
from typing import Any

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Suggestion
from alflow.domain.rounds import RoundState
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.answers import outcomes
from alflow.store.desk import gold as store
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.ui.routes import desk
from alflow.workflow.answers import quality
from alflow.workflow.desk import gold, guidelines
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.projects.projects import change_settings
from alflow.workspace import Workspace
from tests.at_desk import answer_check, due_check, next_check, undo, visit
from tests.queues import World, new_item, open_queue, open_round


def checked(workspace: Workspace, size: int = 40, checks: int = 30, **settings: Any) -> World:
    """A queue, and test images, cats and dogs in turn."""
    world = open_queue(workspace.database, size, n_annotators=2)
    with workspace.database.begin() as tx:
        known = [new_item(1000 + n, Split.TEST, world.classes[n % 2].id) for n in range(checks)]
        items.add(tx, world.project.id, known)
        changed = replace(world.project.settings, **{"gold_rate": 0.25, **settings})
        projects.update_settings(tx, world.project.id, changed)
    return world


def say(token: str, world: World, place: int | None, verdict: Verdict = Verdict.CLASS) -> Submission:
    return Submission(token, -1, verdict, None if place is None else world.classes[place].id, 2.0)


def skip(entry: QueueEntry) -> Submission:
    return Submission(f"{entry.candidate.id}", entry.candidate.id, Verdict.SKIP, None, 1.0)


def position(workspace: Workspace, project_id: int, annotator_id: int) -> int:
    """How many images come before the check that is due."""
    due = due_check(workspace, project_id, annotator_id)
    assert due is not None
    return due[0]


@pytest.mark.slow
def test_checks_come_at_the_rate_and_never_as_labels(each_workspace: Workspace) -> None:
    """Work through the queue as the deck does: one answer, one exchange."""
    world = checked(each_workspace, gold_feedback=True)
    project, who = world.project.id, world.annotators[0].id
    told: list[bool] = []
    shown: list[int] = []
    reply = desk.sync(each_workspace, project, who, [])
    while queue := reply["queue"]:
        assert {frozenset(entry) for entry in queue} == {frozenset({"candidate_id", "item_id", "rank", "width"})}
        event = {"kind": "answer", "key": len(shown), "token": f"t{len(shown)}", "verdict": "class", "seconds": 1.0}
        event |= {"candidate_id": queue[0]["candidate_id"], "class_id": world.classes[0].id, "shown": {}}
        shown.append(queue[0]["item_id"])
        reply = desk.sync(each_workspace, project, who, [event])
        told += [each["check"]["right"] for each in reply["acknowledgements"] if "check" in each]
    assert 40 + 8 <= len(shown) <= 40 + 19  # 13.3, give or take three standard deviations of 1.7
    assert len(shown) == len(set(shown))
    assert len(told) == len(shown) - 40
    assert reply["round"]["checks"] == (sum(told), len(told))
    with each_workspace.database.read() as tx:
        assert len(labels.of_project(tx, project, withdrawn=True)) == 40
        assert rounds.answered(tx, world.round.id) == (40, 40)
        assert set(outcomes.settled(tx, project)) == {item.id for item in world.items}
    (row,) = quality.quality_report(each_workspace, project).annotators
    assert (row.answers, row.checks, row.gold.value) == (40, len(told), sum(told) / len(told))
    assert row.gold.low < row.gold.value < row.gold.high


def test_a_check_stays_the_same_until_it_is_answered_and_the_first_answer_stands(each_workspace: Workspace) -> None:
    world = checked(each_workspace)
    project, who = world.project.id, world.annotators[0].id
    first = next_check(each_workspace, project, who)
    assert next_check(each_workspace, project, who) == first
    right = 0 if first.item.truth == world.classes[0].id else 1
    quiet = gold.Outcome(None, None)  # nothing is told before the end
    assert answer_check(each_workspace, project, who, first.check_id, say("a", world, 1 - right)) == quiet
    assert answer_check(each_workspace, project, who, first.check_id, say("b", world, right)) == quiet
    assert visit(each_workspace, project, who).checks == (0, 1)
    second = next_check(each_workspace, project, who)
    assert second.item.id != first.item.id
    answer_check(each_workspace, project, who, second.check_id, say("c", world, None, Verdict.SKIP))
    assert visit(each_workspace, project, who).checks == (0, 1)  # who abstains is not judged
    third = next_check(each_workspace, project, who)
    answer_check(each_workspace, project, who, third.check_id, say("d", world, None, Verdict.BAD))
    assert visit(each_workspace, project, who).checks == (0, 2)


def test_a_check_comes_nearer_with_every_answer(workspace: Workspace) -> None:
    world = checked(workspace, gold_rate=0.2)
    project, who = world.project.id, world.annotators[0].id
    before = position(workspace, project, who)
    for entry in next_candidates(workspace, project, who, 40)[:before]:
        submit(workspace, project, who, skip(entry))
        after = position(workspace, project, who)
        assert after == before - 1
        before = after
    assert before == 0


@pytest.mark.parametrize("change", [{"gold_rate": 0.0}, {"suggestion": Suggestion.BEFORE}])
def test_nobody_is_checked_without_the_setting_or_where_the_suggestion_would_tell(
    workspace: Workspace, change: dict[str, Any]
) -> None:
    world = checked(workspace, **change)
    assert due_check(workspace, world.project.id, world.annotators[0].id) is None


def test_no_image_is_used_twice_for_one_person_nor_shown_as_an_example(workspace: Workspace) -> None:
    world = checked(workspace, checks=2)
    project, who = world.project.id, world.annotators[0].id
    assert not guidelines.guidelines(workspace, project).examples
    for token in "ab":
        check = next_check(workspace, project, who)
        answer_check(workspace, project, who, check.check_id, say(token, world, 0))
    assert due_check(workspace, project, who) is None
    with workspace.database.read() as tx:
        assert store.unused(tx, project, who) == []


def test_which_images_were_checks_is_told_once_the_round_is_answered(each_workspace: Workspace) -> None:
    """Before that nobody can tell which images are checks; a round that opens later hides none of them again."""
    world = checked(each_workspace, size=2, gold_rate=0.5)  # the second of three
    project, who = world.project.id, world.annotators[0].id
    check = next_check(each_workspace, project, who)
    answer_check(each_workspace, project, who, check.check_id, say("a", world, 0))
    assert gold.disclosed(each_workspace, project, who) == []
    change_settings(each_workspace, project, replace(world.project.settings, gold_feedback=True))
    ((told, item),) = gold.disclosed(each_workspace, project, who)
    assert (told.class_id, item) == (world.classes[0].id, check.item)
    assert told.right is (item.truth == world.classes[0].id)
    change_settings(each_workspace, project, world.project.settings)
    for entry in next_candidates(each_workspace, project, who, 2):
        submit(
            each_workspace,
            project,
            who,
            skip(entry),
        )
    assert gold.disclosed(each_workspace, project, who) == [(told, item)]
    assert gold.disclosed(each_workspace, project, world.annotators[1].id) == []
    undo(each_workspace, project, who, f"{world.candidates[0].id}")
    assert gold.disclosed(each_workspace, project, who) == []
    with each_workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.LABELLED)
        rounds.set_state(tx, world.round.id, RoundState.CLOSED)
        open_round(tx, world.project)
    assert gold.disclosed(each_workspace, project, who) == [(told, item)]


def test_another_persons_check_is_refused(workspace: Workspace) -> None:
    world = checked(workspace)
    check = next_check(workspace, world.project.id, world.annotators[0].id)
    with pytest.raises(NotFoundError, match="no such image"):
        answer_check(workspace, world.project.id, world.annotators[1].id, check.check_id, say("a", world, 0))
    with pytest.raises(InvalidInputError, match="names a class"):
        answer_check(workspace, world.project.id, world.annotators[0].id, check.check_id, say("a", world, None))
