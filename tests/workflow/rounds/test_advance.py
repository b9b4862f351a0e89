"""A whole life of a project, step by step: advance decides what is due, and people answer."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, RoundState
from alflow.errors import ConflictError
from alflow.store.answers import outcomes
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.model.model import load_model
from alflow.workflow.model.source import last_fit
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds import evaluate
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import learning_curve, overview, round_candidates, round_summaries
from alflow.workflow.rounds.stopping import project_history
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


def states(workspace: Workspace, project: Project) -> list[RoundState]:
    return [summary.round.state for summary in round_summaries(workspace, project.id)]


def skip_all(workspace: Workspace, project: Project) -> None:
    annotator = sign_in(workspace, "tester")
    while queue := next_candidates(workspace, project.id, annotator.id, extra=False):
        for entry in queue:
            one = entry.candidate.id
            submit(workspace, project.id, annotator.id, Submission(f"skip {one}", one, Verdict.SKIP, None, 1.0))


def test_from_import_to_exhaustion(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path, budget=6)
    first = advance(workspace, project.id)
    assert first.done == ("embedded 36 images", "opened round 1")
    assert first.waiting_for == "annotators: 0 of 6 images of round 1 are answered"
    assert advance(workspace, project.id).done == ()
    assert answer(workspace, project) == 6
    assert "it will fit and evaluate" in overview(workspace, project.id).waiting_for
    assert advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    answer(workspace, project)
    last = advance(workspace, project.id)
    assert last.done == ("closed round 2",)
    assert last.waiting_for == "images: all of the pool have been asked about, import more"
    assert advance(workspace, project.id).done == ()
    assert states(workspace, project) == [RoundState.CLOSED, RoundState.CLOSED]
    asked = [
        row.item.id for s in round_summaries(workspace, project.id) for row in round_candidates(workspace, s.round.id)
    ]
    assert len(asked) == len(set(asked)) == 12


def test_the_curve_starts_before_the_first_label(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    assert [(e.round_number, e.split, e.n_labels, e.n_items) for e in learning_curve(workspace, project.id)] == [
        (0, "test", 0, 12)
    ]
    answer(workspace, project)
    advance(workspace, project.id)
    found = {(e.round_number, e.split): e for e in learning_curve(workspace, project.id)}
    assert set(found) == {(0, "test"), (1, "test"), (1, "control")}
    assert (found[1, "test"].n_labels, found[1, "control"].n_labels, found[1, "control"].n_items) == (4, 0, 1)
    answer(workspace, project)
    advance(workspace, project.id)  # four labels of two classes may say nothing, eight say enough
    found = {(e.round_number, e.split): e for e in learning_curve(workspace, project.id)}
    assert found[2, "test"].metrics["nlpd"][0] < found[0, "test"].metrics["nlpd"][0]
    for evaluation in found.values():
        for value, low, high in evaluation.metrics.values():
            assert not low > high
            assert not math.isnan(value) or evaluation.n_items < 12


def test_the_control_slice_is_judged_by_what_was_believed_before(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    summary = round_summaries(workspace, project.id)[0]
    (control,) = [
        row for row in round_candidates(workspace, summary.round.id) if row.candidate.origin is Origin.CONTROL
    ]
    (evaluation,) = [e for e in learning_curve(workspace, project.id) if e.split == "control"]
    believed = control.candidate.probabilities[control.item.truth]  # type: ignore[index]
    assert evaluation.metrics["nlpd"][0] == pytest.approx(-torch.tensor(believed).log().item(), abs=1e-5)


def test_killed_between_fit_and_close(workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    advance(workspace, project.id)
    answer(workspace, project)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "evaluate_control", killed)
        with pytest.raises(KeyboardInterrupt):
            advance(workspace, project.id)
    assert states(workspace, project) == [RoundState.LABELLED]
    assert advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    assert advance(workspace, project.id).done == ()


def test_a_fit_is_restored_as_it_was_made(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    past = [summary.round for summary in round_summaries(workspace, project.id)]
    fitted, zero_shot = load_model(workspace, project, last_fit(past)), load_model(workspace, project)
    assert load_model(workspace, project, last_fit(past)) is fitted  # made once
    assert fitted.hashes["fit"] == past[0].hashes["fit"]
    assert zero_shot.model.learnt is None
    assert fitted.model.field.weight.any()
    assert len(fitted.model.field.seen) == 4  # the covariance has seen four images


def test_the_limit_of_labels_stops_the_rounds(workspace: Workspace, project: Project) -> None:
    change_settings(workspace, project.id, replace(project.settings, max_labels=4))
    advance(workspace, project.id)
    answer(workspace, project)
    report = advance(workspace, project.id)
    assert report.done == ("closed round 1",)
    assert report.waiting_for == "nobody: 4 images are labelled, the limit is 4"


def test_an_open_round_is_closed_only_on_purpose(workspace: Workspace, project: Project) -> None:
    round_ = open_round(workspace, project.id)
    with pytest.raises(ConflictError, match=r"still being labelled.*--early"):
        close_round(workspace, project.id, round_.id)
    annotator = sign_in(workspace, "tester")
    entry = next_candidates(workspace, project.id, annotator.id, 1)[0]
    given = Submission("one", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0)
    submit(workspace, project.id, annotator.id, given)
    closed = close_round(workspace, project.id, round_.id, early=True)
    assert closed.state is RoundState.CLOSED
    assert close_round(workspace, project.id, round_.id) == closed


def test_a_round_that_everybody_skipped_teaches_nothing_and_blocks_nothing(
    workspace: Workspace, project: Project
) -> None:
    advance(workspace, project.id)
    skip_all(workspace, project)
    assert advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    assert "fit" not in round_summaries(workspace, project.id)[0].round.hashes
    with workspace.database.read() as tx:
        assert outcomes.settled(tx, project.id) == {}
    assert round_summaries(workspace, project.id)[0].skipped == 4


def test_the_overview_counts(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    seen = overview(workspace, project.id)
    assert dict(seen.counts) == {"pool": 12, "target": 12, "test": 12}
    assert (seen.n_settled, sum(seen.labels_per_class.values()), seen.rejections) == (4, 4, ())


def test_a_rule_stops_the_project_and_its_reason_is_told(workspace: Workspace, project: Project) -> None:
    """Accuracy cannot rise by a whole point of one: the first round is a plateau."""
    change_settings(workspace, project.id, replace(project.settings, plateau_rounds=1, plateau_gain=0.99))
    assert advance(workspace, project.id).done == ("opened round 1",)
    answer(workspace, project)
    report = advance(workspace, project.id)
    assert report.done == ("closed round 1",)
    assert report.waiting_for.startswith("nobody: the last 1 rounds brought accuracy from")
    assert overview(workspace, project.id).waiting_for == report.waiting_for
    change_settings(workspace, project.id, project.settings)
    assert advance(workspace, project.id).done == ("opened round 2",)


def test_the_history_of_a_project_is_that_of_its_closed_rounds(workspace: Workspace, project: Project) -> None:
    for _ in range(2):
        advance(workspace, project.id)
        answer(workspace, project)
    advance(workspace, project.id)
    curve = [each for each in learning_curve(workspace, project.id) if each.split == "test"]
    with workspace.database.read() as tx:
        history = project_history(tx, project.id)
    assert history.labels == (0, 4, 8)
    assert history.quality == tuple(each.metrics["accuracy"][0] for each in curve)
    scores = [
        each.candidate.score for each in round_candidates(workspace, round_summaries(workspace, project.id)[0].round.id)
    ]
    assert history.information[1] == pytest.approx(sum(score for score in scores if score is not None))
