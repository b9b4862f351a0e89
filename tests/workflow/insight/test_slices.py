"""Slices: named, of one project, and evaluated on what no model could have learnt from."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.metrics import accuracy, nlpd
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embed import load_embeddings
from alflow.workflow.insight import prepare
from alflow.workflow.insight.slices import (
    evaluate_slices,
    find_slice,
    make_slice,
    remove_slice,
    slice_reports,
)
from alflow.workflow.model.model import load_model
from alflow.workflow.model.source import last_fit
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import answer

pytestmark = pytest.mark.slow


@pytest.fixture
def by(workspace: Workspace) -> int:
    return sign_in(workspace, "eve").id


def of_split(workspace: Workspace, project: Project, split: Split) -> dict[int, int]:
    """Item -> class of its folder; the tests import with ImageFolder labels."""
    with workspace.database.read() as tx:
        return {one.id: one.truth or 0 for one in items.list_(tx, project.id, split)}


def one_round(workspace: Workspace, project: Project) -> list[int]:
    """Open, answer, close; the items that were asked."""
    opened = open_round(workspace, project.id)
    with workspace.database.read() as tx:
        asked = sorted(items.asked(tx, opened.id))
    answer(workspace, project)
    close_round(workspace, project.id, opened.id)
    return asked


def test_each_round_is_evaluated_on_tests_and_on_what_came_after_it(
    workspace: Workspace, project: Project, by: int
) -> None:
    pool, test = (of_split(workspace, project, split) for split in (Split.POOL, Split.TEST))
    some_test = sorted(test)[::2]
    make_slice(
        workspace, project.id, by, "  odd   ones ", [*pool, *some_test, *of_split(workspace, project, Split.TARGET)]
    )
    asked = [one_round(workspace, project), one_round(workspace, project)]
    assert evaluate_slices(workspace, project.id) == 3
    (report,) = slice_reports(workspace, project.id)
    assert (report.slice.name, report.images) == ("odd ones", 12 + 6 + 12)
    later = [asked[0] + asked[1], asked[1], []]
    assert [(one.round_number, one.n_test, one.n_later) for one in report.evaluations] == [
        (number, 6, len(each)) for number, each in enumerate(later)
    ]
    with workspace.database.read() as tx:
        past = rounds.all_(tx, project.id)
    for number, found in enumerate(report.evaluations):  # against the written-out form
        model = load_model(workspace, project, last_fit(past[:number]))
        judged = [*some_test, *later[number]]
        rows = load_embeddings(workspace, project, judged)
        probabilities = model.believe(rows.activations).probabilities
        truth = model.columns([(pool | test)[item] for item in judged])
        assert found.metrics["accuracy"][0] == pytest.approx(float(accuracy(probabilities, truth)))
        assert found.metrics["nlpd"][0] == pytest.approx(float(nlpd(probabilities, truth)), rel=1e-5)
        low, high = found.metrics["accuracy"][1:]
        assert 0 <= low <= found.metrics["accuracy"][0] <= high <= 1
    assert evaluate_slices(workspace, project.id) == 0  # nothing is due
    make_slice(workspace, project.id, by, "tests", some_test)
    assert evaluate_slices(workspace, project.id) == 3  # of the new one, of rounds long closed too


def test_an_old_answer_that_came_late_was_not_seen_and_one_that_was_there_stays_seen(
    workspace: Workspace, project: Project, by: int
) -> None:
    """By when it was stored, not by its own time; an answer that was taken back and given anew does not count."""
    pool = of_split(workspace, project, Split.POOL)
    make_slice(workspace, project.id, by, "pool", sorted(pool))
    asked = one_round(workspace, project)
    late = next(item for item in pool if item not in asked)

    def label(item: int, token: str, at: datetime) -> None:
        given = NewLabel(project.id, item, None, None, by, Verdict.CLASS, pool[item], at, 1.0, token, {})
        with workspace.database.begin() as tx:
            labels.submit(tx, given)

    label(late, "brought", datetime.now(UTC) - timedelta(days=400))
    with workspace.database.begin() as tx:
        (first,) = (one for one in labels.of_project(tx, project.id) if one.item_id == asked[0])
        labels.withdraw(tx, first.id, datetime.now(UTC))
    label(asked[0], "anew", datetime.now(UTC))
    evaluate_slices(workspace, project.id)
    (report,) = slice_reports(workspace, project.id)
    assert [(one.n_test, one.n_later) for one in report.evaluations] == [(0, len(asked) + 1), (0, 1)]


def test_without_any_known_class_there_is_nothing_to_say(workspace: Workspace, project: Project, by: int) -> None:
    make_slice(workspace, project.id, by, "targets", sorted(of_split(workspace, project, Split.TARGET)))
    assert evaluate_slices(workspace, project.id) == 1
    (report,) = slice_reports(workspace, project.id)
    assert [(one.n_test, one.n_later, dict(one.metrics)) for one in report.evaluations] == [(0, 0, {})]


def test_a_class_that_came_since_and_one_alone(workspace: Workspace, project: Project, by: int) -> None:
    """Metrics that are not defined are left out; a model of more classes is another model."""
    test = of_split(workspace, project, Split.TEST)
    first = min(test.values())
    make_slice(workspace, project.id, by, "one class", [item for item, one in test.items() if one == first])
    one_round(workspace, project)
    assert evaluate_slices(workspace, project.id) == 2
    with workspace.database.begin() as tx:
        known = [NewClass(one.name, one.display_name, one.prompts) for one in projects.classes(tx, project.id)]
        projects.put_classes(tx, project.id, [*known, NewClass("green", "green", ("a green picture",))])
    assert evaluate_slices(workspace, project.id) == 2
    (report,) = slice_reports(workspace, project.id)
    for each in report.evaluations:
        assert all(math.isfinite(value) for three in each.metrics.values() for value in three)


def test_the_flow_evaluates_them(workspace: Workspace, project: Project, by: int) -> None:
    make_slice(workspace, project.id, by, "tests", sorted(of_split(workspace, project, Split.TEST)))
    assert prepare.prepare(workspace, project.id) == ()
    assert len(slice_reports(workspace, project.id)[0].evaluations) == 1


def test_what_cannot_be_a_slice_says_why(workspace: Workspace, project: Project, by: int) -> None:
    pool = sorted(of_split(workspace, project, Split.POOL))
    made = make_slice(workspace, project.id, by, "dark", [pool[0], pool[0], pool[1]])
    other = create_project(workspace, "other", project.model, "fp32", name_classes(["a", "b"]))
    cases: list[tuple[Project, str, list[int], type[AlflowError], str]] = [
        (project, "dark", pool[:1], ConflictError, "already a slice called 'dark': choose another name"),
        (project, "empty", [], InvalidInputError, "no image is selected: select those"),
        (project, " ", pool, InvalidInputError, "a slice's name"),
        (project, "x" * 201, pool, InvalidInputError, "may have 200 visible characters"),
        (project, "gone", [10**9], NotFoundError, "no image has the number"),
        (other, "theirs", pool[:1], NotFoundError, "no item of this project has the id"),
    ]
    for where, name, ids, kind, words in cases:
        with pytest.raises(kind, match=words):
            make_slice(workspace, where.id, by, name, ids)
    assert [(one.slice, one.images) for one in slice_reports(workspace, project.id)] == [(made, 2)]
    assert slice_reports(workspace, other.id) == []
    with pytest.raises(NotFoundError, match="no slice 'light': choose one of 'dark'"):
        find_slice(workspace, project.id, "light")
    remove_slice(workspace, project.id, "dark")
    assert slice_reports(workspace, project.id) == []
    with pytest.raises(NotFoundError, match="there is none yet"):
        remove_slice(workspace, project.id, "dark")


def test_a_project_without_slices_costs_nothing(workspace: Workspace, pets: Project) -> None:
    assert evaluate_slices(workspace, pets.id) == 0
    assert not workspace.holds_encoder(pets)


def test_what_is_answered_while_a_round_is_open(workspace: Workspace, project: Project, by: int) -> None:
    """What is answered in a round that is not closed counts for the models of all rounds before it."""
    make_slice(workspace, project.id, by, "pool", sorted(of_split(workspace, project, Split.POOL)))
    one_round(workspace, project)
    open_round(workspace, project.id)
    evaluate_slices(workspace, project.id)
    before = slice_reports(workspace, project.id)[0].evaluations[1].n_later
    answer(workspace, project)
    assert evaluate_slices(workspace, project.id) == 2
    after = slice_reports(workspace, project.id)[0].evaluations[1].n_later
    assert (before, after) == (0, 4)
