from pathlib import Path

import pytest

from alflow.demo.history import CERTIFIED, DOUBTED, HISTORY, ROUNDS, SETTINGS
from alflow.demo.people import PEOPLE, REVIEWER
from alflow.demo.prepare import FRESH, prepare
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.workflow.answers import certify
from alflow.workflow.answers.adjudicate import disputed, settled_items
from alflow.workflow.answers.quality import quality_report
from alflow.workflow.answers.refer import referred_items
from alflow.workflow.backtests.study import known_grids, list_backtests
from alflow.workflow.insight.slices import slice_reports
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import learning_curve, overview, round_candidates, round_summaries
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(demo_workspace: Workspace) -> Workspace:
    return demo_workspace


@pytest.fixture
def history(workspace: Workspace) -> Project:
    return find_project(workspace, HISTORY)


def test_the_fresh_project_waits_for_its_first_answers(workspace: Workspace) -> None:
    project = find_project(workspace, FRESH)
    (summary,) = round_summaries(workspace, project.id)
    assert (summary.round.state, summary.answered, summary.total) == (RoundState.OPEN, 0, project.settings.budget)
    counts = overview(workspace, project.id).counts
    assert counts[Split.POOL] > counts[Split.TEST] > counts[Split.TARGET] > 0


def test_the_other_has_five_rounds_behind_it_and_one_open(workspace: Workspace, history: Project) -> None:
    summaries = round_summaries(workspace, history.id)
    assert [one.round.state for one in summaries] == [RoundState.CLOSED] * ROUNDS + [RoundState.OPEN]
    assert [one.round.configuration["votes"] for one in summaries] == [1, 1, 2, 2, 2, 1]
    tested = [point for point in learning_curve(workspace, history.id) if point.split == Split.TEST]
    assert len(tested) == ROUNDS + 1
    assert 0.8 * SETTINGS.budget * ROUNDS < tested[-1].n_labels < SETTINGS.budget * ROUNDS
    assert tested[-1].metrics["accuracy"][0] > tested[0].metrics["accuracy"][0]
    assert "simulated" in history.guidelines


def test_three_people_answered_and_differ(workspace: Workspace, history: Project) -> None:
    """Each shares about a third of the images with each other; some disputes are settled, the newest are not."""
    report = quality_report(workspace, history.id)
    assert [one.annotator.name for one in report.annotators] == [one.name for one in PEOPLE]
    assert all(one.checks > 5 and one.answers > 60 for one in report.annotators)
    assert sum(one.skips for one in report.annotators) > 0
    assert 0.67 < report.alpha.value < 1
    assert len(report.pairs) == 3
    assert all(pair.items > 20 for pair in report.pairs.values())
    assert len(disputed(workspace, history.id)) > 0
    assert len(settled_items(workspace, history.id)) > len(disputed(workspace, history.id))
    assert len(referred_items(workspace, history.id)) == DOUBTED


def test_some_answers_that_stand_are_wrong(workspace: Workspace, history: Project) -> None:
    reviews = [r for s in round_summaries(workspace, history.id) for r in round_candidates(workspace, s.round.id)]
    settled = [review for review in reviews if review.settled_class_id is not None]
    wrong = [review for review in settled if review.settled_class_id != review.item.truth]
    assert 0 < len(wrong) < 0.1 * len(settled)
    assert {label.shown["by"] for review in reviews for label in review.labels} == {one.name for one in PEOPLE}


def test_the_model_s_word_was_accepted_and_is_audited(workspace: Workspace, history: Project) -> None:
    (certificate,) = certify.all_certificates(workspace, history.id)
    assert (certificate.round_number, certificate.withdrawn_at) == (CERTIFIED, None)
    audit = certify.audit_of(workspace, history.id, certificate)
    assert audit.seen > 0
    assert not audit.alarm


def test_a_back_test_and_a_slice_are_there(workspace: Workspace, history: Project) -> None:
    (one,) = list_backtests(workspace, history.id)
    (grid,) = known_grids(workspace, one.id)
    assert (grid.strategies, grid.seeds, grid.rounds, one.n_chosen) == (("default", "random", "margin"), 3, 4, 0)
    (report,) = slice_reports(workspace, history.id)
    assert len({each.round_number for each in report.evaluations}) == ROUNDS + 1
    assert REVIEWER in PEOPLE


def test_a_second_run_changes_nothing(workspace: Workspace) -> None:
    before = [round_summaries(workspace, find_project(workspace, name).id) for name in (FRESH, HISTORY)]
    files = {path: path.stat().st_mtime_ns for path in Path(workspace.settings.home).rglob("*.png")}
    told: list[str] = []
    prepare(workspace, told.append)
    assert told[-1] == f"{HISTORY} is filled"
    assert [round_summaries(workspace, find_project(workspace, name).id) for name in (FRESH, HISTORY)] == before
    assert {path: path.stat().st_mtime_ns for path in Path(workspace.settings.home).rglob("*.png")} == files
