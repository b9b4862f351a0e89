"""What votes disagree about, and what a reviewer settles."""

from collections.abc import Callable
from math import isnan

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.rounds import rounds
from alflow.workflow.answers import adjudicate, export, quality
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace
from tests.at_desk import undo
from tests.queues import World, open_queue


def vote(workspace: Workspace, world: World, *rows: str) -> None:
    """One row an annotator, one character a candidate: c(at), d(og), s(kip), b(ad image) or nothing."""
    classes = {"c": world.classes[0].id, "d": world.classes[1].id, "s": None, "b": None}
    for who, row in enumerate(rows):
        for place, said in enumerate(row):
            if said in classes:
                verdict = {"s": Verdict.SKIP, "b": Verdict.BAD}.get(said, Verdict.CLASS)
                one = world.candidates[place].id
                given = Submission(f"{who}-{place}-{said}", one, verdict, classes[said], 1.0 + place)
                submit(workspace, world.project.id, world.annotators[who].id, given)


def settle(workspace: Workspace, world: World, place: int, class_id: int | None, note: str = "") -> int:
    item = world.candidates[place].item_id
    seen = adjudicate.dispute(workspace, world.project.id, item)
    return adjudicate.settle(workspace, world.project.id, world.annotators[0].id, seen, class_id, note).id


def reopen(workspace: Workspace, project: ProjectId, by: AnnotatorId, item: ItemId) -> None:
    adjudicate.reopen(workspace, project, by, adjudicate.dispute(workspace, project, item).decisions[-1])


def test_the_most_evenly_split_items_come_first_and_agreed_ones_never(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 5, votes=3, n_annotators=3)
    vote(each_workspace, world, "cccsc", "ccds.", "cddds")
    items = [candidate.item_id for candidate in world.candidates]
    assert adjudicate.disputed(each_workspace, world.project.id) == [items[1], items[2]]
    vote(each_workspace, world, ".", "...c")  # the second changes their mind: one vote each on the fourth
    assert adjudicate.disputed(each_workspace, world.project.id) == [items[3], items[1], items[2]]
    settle(each_workspace, world, 3, world.classes[0].id)
    assert adjudicate.disputed(each_workspace, world.project.id) == [items[1], items[2]]
    assert adjudicate.settled_items(each_workspace, world.project.id) == [items[3]]


def test_a_bad_image_is_a_vote_against_a_class(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 2, votes=2, n_annotators=2)
    vote(workspace, world, "cb", "bb")
    assert adjudicate.disputed(workspace, world.project.id) == [world.candidates[0].item_id]


def test_a_settled_class_is_what_fits_use_and_every_decision_is_kept(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1, votes=2, n_annotators=2)
    vote(each_workspace, world, "c", "d")
    item, dog = world.candidates[0].item_id, world.classes[1].id
    project, (mine, other) = world.project.id, [one.id for one in world.annotators]
    first = settle(each_workspace, world, 0, dog, " a tail ")
    assert settle(each_workspace, world, 0, dog, "a tail") == first  # pressed twice
    settle(each_workspace, world, 0, None)
    old, last = adjudicate.dispute(each_workspace, project, item).decisions
    with pytest.raises(ConflictError, match="nothing was taken back, for you have decided"):
        adjudicate.reopen(each_workspace, project, mine, old)
    with pytest.raises(NotFoundError, match="no such decision of yours"):
        adjudicate.reopen(each_workspace, project, other, last)
    adjudicate.reopen(each_workspace, project, mine, last)
    adjudicate.reopen(each_workspace, project, mine, last)
    found = adjudicate.dispute(each_workspace, world.project.id, item)
    assert [(one.class_id, one.note) for one in found.decisions] == [(dog, "a tail"), (None, "")]
    assert found.decision is None
    assert found.candidate == world.candidates[0] or found.candidate.answers == 2  # type: ignore[union-attr]
    settle(each_workspace, world, 0, dog)
    seen = adjudicate.dispute(each_workspace, project, item)
    adjudicate.settle(each_workspace, project, other, seen, dog)  # the same, by another reviewer
    with pytest.raises(ConflictError, match="nothing was taken back, for another reviewer has decided"):
        adjudicate.reopen(each_workspace, project, mine, seen.decisions[-1])
    with each_workspace.database.read() as tx:
        assert outcomes.settled(tx, world.project.id) == {item: dog}


def test_a_decision_about_other_answers_than_there_are_is_refused(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 2, votes=2, n_annotators=2)
    vote(workspace, world, "c", "d")
    project, item, reviewer = world.project.id, world.candidates[0].item_id, world.annotators[0].id
    seen = adjudicate.dispute(workspace, project, item)
    vote(workspace, world, "d")
    with pytest.raises(ConflictError, match="changed in the meantime"):
        adjudicate.settle(workspace, project, reviewer, seen, None)
    seen = adjudicate.dispute(workspace, project, item)
    adjudicate.settle(workspace, project, world.annotators[1].id, seen, None)
    with pytest.raises(ConflictError, match="another reviewer has decided"):
        adjudicate.settle(workspace, project, reviewer, seen, world.classes[0].id)
    decided = adjudicate.dispute(workspace, project, item).decision
    assert decided is not None
    with pytest.raises(InvalidInputError, match="nobody has answered"):
        settle(workspace, world, 1, None)
    with pytest.raises(InvalidInputError, match="not of this project"):
        settle(workspace, world, 0, 999)
    with pytest.raises(InvalidInputError, match="2,000 characters"):
        settle(workspace, world, 0, None, "x" * 2001)
    other = open_queue(workspace.database, 0, name="other")
    with pytest.raises(NotFoundError, match="no item of this project"):
        adjudicate.reopen(workspace, other.project.id, decided.annotator_id, decided)


def test_a_round_that_is_being_fitted_is_not_closed_on_older_decisions(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1, votes=2, n_annotators=2)
    vote(workspace, world, "c", "d")
    with workspace.database.read() as tx:
        before = rounds.by_id(tx, world.round.id)
    settle(workspace, world, 0, world.classes[0].id)
    with workspace.database.begin() as tx, pytest.raises(ConflictError, match="close it once more"):
        rounds.set_state(tx, before.id, RoundState.CLOSED, labelled_at=before.labelled_at)


def test_exports_name_the_settled_class_and_who_settled_it(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3, votes=2, n_annotators=2)
    vote(each_workspace, world, "ccs", "cds")
    settle(each_workspace, world, 1, world.classes[1].id)
    rows = export.label_rows(each_workspace, world.project.id)
    told = {(row.item_id, row.settled_class, row.settled_by) for row in rows}
    one, two, three = (candidate.item_id for candidate in world.candidates)
    assert told == {(one, "cat", "votes"), (two, "dog", "annotator 0"), (three, None, None)}


def test_the_report_measures_people_against_the_others_and_against_what_is_settled(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 4, votes=3, n_annotators=3)
    vote(each_workspace, world, "ccdc", "ccd", "dccs")
    settle(each_workspace, world, 2, world.classes[0].id)  # the third alone was right
    report = quality.quality_report(each_workspace, world.project.id)
    assert [(one.annotator.name, one.answers, one.skips, one.median_seconds) for one in report.annotators] == [
        ("annotator 0", 4, 0, 2.5),
        ("annotator 2", 4, 1, 2.5),
        ("annotator 1", 3, 0, 2.0),
    ]
    judged = {one.annotator.name: (one.compared, one.agreement.value) for one in report.annotators}
    # the first and the second: tied others on the first image, right on the second, wrong on the third
    assert judged == {"annotator 0": (2, 0.5), "annotator 1": (2, 0.5), "annotator 2": (3, pytest.approx(2 / 3))}
    assert (report.shared, report.disputed, report.settled) == (3, 1, 1)
    assert len(report.pairs) == 3
    assert -1 < report.alpha.value < 1


def test_single_votes_have_no_agreement(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 2)
    vote(workspace, world, "cd")
    report = quality.quality_report(workspace, world.project.id)
    assert isnan(report.alpha.value)
    assert isnan(report.annotators[0].agreement.value)
    assert (report.shared, report.disputed, dict(report.pairs)) == (0, 0, {})


def test_a_report_is_kept_until_something_changes(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3, votes=2, n_annotators=2)
    project, item = world.project.id, world.candidates[0].item_id
    mine = world.annotators[0].id
    changes: list[Callable[[], object]] = [
        lambda: vote(each_workspace, world, "ccd", "dc"),
        lambda: undo(each_workspace, project, world.annotators[1].id, "1-1-c"),
        lambda: settle(each_workspace, world, 0, world.classes[0].id),
        lambda: reopen(each_workspace, project, mine, item),
    ]
    seen = [quality.quality_report(each_workspace, project)]
    for change in changes:
        change()
        seen.append(quality.quality_report(each_workspace, project))
        assert quality.quality_report(each_workspace, project) is seen[-1]
    assert [(len(each.annotators), each.shared, each.disputed, each.settled) for each in seen] == [
        (0, 0, 0, 0),
        (2, 2, 1, 0),
        (2, 1, 1, 0),
        (2, 1, 0, 1),
        (2, 1, 1, 0),
    ]
