"""Labels that are sent to the reviewers: once, with the reason, until they are settled; nothing else changes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.answers import outcomes
from alflow.workflow.answers import adjudicate, audit, export, history, quality
from alflow.workflow.answers.refer import is_referral, refer, referred, referred_items
from alflow.workflow.desk import guidelines
from alflow.workspace import Workspace
from tests.queues import World, open_queue
from tests.workflow.answers.test_adjudicate import reopen, settle, vote


def labelled(workspace: Workspace, said: str) -> World:
    world = open_queue(workspace.database, len(said), n_annotators=2)
    vote(workspace, world, said)
    return world


def test_it_is_sent_once_and_gone_when_it_is_settled(each_workspace: Workspace) -> None:
    world = labelled(each_workspace, "cdc")
    project, reviewer = world.project.id, world.annotators[1].id
    first, second, third = (one.item_id for one in world.candidates)
    reasons = {third: "the model holds Dog, 97%", first: "the model holds Dog, 80%"}
    with each_workspace.database.read() as tx:
        before = outcomes.settled(tx, project)
    assert refer(each_workspace, project, reviewer, reasons).sent == (third, first)
    again = refer(each_workspace, project, world.annotators[0].id, {**reasons, second: "the model holds Cat"})
    assert (again.sent, again.known, again.refused) == ((second,), (third, first), {})
    assert referred_items(each_workspace, project) == [third, first, second]
    told = referred(each_workspace, project)[third]
    assert (told.comment, told.annotator_id) == (reasons[third], reviewer)
    with each_workspace.database.read() as tx:
        assert outcomes.settled(tx, project) == before  # no label is lost while it waits
    settle(each_workspace, world, 2, world.classes[1].id)
    assert referred_items(each_workspace, project) == [first, second]
    assert refer(each_workspace, project, reviewer, reasons).refused == {third: "was settled by a reviewer"}
    reopen(each_workspace, project, world.annotators[0].id, third)
    assert referred_items(each_workspace, project) == [third, first, second]
    assert audit.check_history(each_workspace, project) == []


def test_it_is_no_vote_and_no_answer_that_quality_counts(each_workspace: Workspace) -> None:
    world = labelled(each_workspace, "cd")
    project, item = world.project.id, world.candidates[0].item_id
    before = quality.quality_report(each_workspace, project)
    refer(each_workspace, project, world.annotators[1].id, {item: "the model holds Dog"})
    assert quality.quality_report(each_workspace, project) == before
    assert adjudicate.disputed(each_workspace, project) == []
    found = adjudicate.dispute(each_workspace, project, item)
    assert [is_referral(one) for one in found.votes] == [False, True]
    assert guidelines.remarks(each_workspace, project).remarks == []
    exported = [row for row in export.label_rows(each_workspace, project) if row.item_id == item]
    assert len(exported) == 1
    assert {(row.settled_class, row.settled_by) for row in exported} == {("cat", "votes")}


def test_what_is_withdrawn_can_be_sent_anew(each_workspace: Workspace) -> None:
    world = labelled(each_workspace, "c")
    project, reviewer, item = world.project.id, world.annotators[1].id, world.candidates[0].item_id
    refer(each_workspace, project, reviewer, {item: "first"})
    sent = referred(each_workspace, project)[item]
    history.withdraw_label(each_workspace, project, reviewer, sent.id, "it is a cat")
    assert referred_items(each_workspace, project) == []
    assert refer(each_workspace, project, reviewer, {item: "second"}).sent == (item,)
    assert referred(each_workspace, project)[item].comment == "second"


def test_two_at_once_send_an_image_once(each_workspace: Workspace) -> None:
    world = labelled(each_workspace, "cdcd")
    project, items = world.project.id, [one.item_id for one in world.candidates]

    def send(who: int) -> int:
        order = items if who % 2 else items[::-1]
        done = refer(each_workspace, project, world.annotators[who % 2].id, dict.fromkeys(order, "doubtful"))
        return len(done.sent)

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(send, range(4)))
    assert sum(sent) == len(items)
    assert sorted(referred_items(each_workspace, project)) == items


def test_what_cannot_be_sent_is_refused_with_the_reason(workspace: Workspace) -> None:
    world, other = labelled(workspace, "c."), open_queue(workspace.database, 1, name="other")
    project, reviewer = world.project.id, world.annotators[0].id
    unlabelled, foreign = world.candidates[1].item_id, other.items[0].id
    found = refer(workspace, project, reviewer, {unlabelled: "x", foreign: "x"})
    assert (found.sent, found.refused) == ((), {unlabelled: "has no label", foreign: "belongs to another project"})
    with pytest.raises(InvalidInputError, match="no image is selected"):
        refer(workspace, project, reviewer, {})
    with pytest.raises(InvalidInputError, match="say why"):
        refer(workspace, project, reviewer, {world.candidates[0].item_id: " "})
    with pytest.raises(NotFoundError, match="no image has the number 999"):
        refer(workspace, project, reviewer, {999: "x"})  # type: ignore[dict-item]
    with pytest.raises(NotFoundError, match="no annotator"):
        refer(workspace, project, 999, {unlabelled: "x"})  # type: ignore[arg-type]
    assert referred_items(workspace, project) == []
