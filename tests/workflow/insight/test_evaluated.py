"""What is kept of images whose class is known, against the evaluations of the rounds and the written-out form."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alflow import metrics
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.reliability import reliability
from alflow.store.images import items
from alflow.temperature import fit_temperature
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.evaluated import WAYS, closed_rounds, evaluated
from alflow.workflow.insight.prepare import prepare
from alflow.workflow.model.model import load_model, load_rows
from alflow.workflow.projects.class_changes import add_classes
from alflow.workflow.projects.projects import name_classes
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import learning_curve
from alflow.workspace import Workspace
from tests.colours import answer, colour_project, paint

pytestmark = pytest.mark.slow


def test_its_numbers_are_those_of_every_evaluation_of_the_project(workspace: Workspace, after_two: Project) -> None:
    curve = {(one.round_number, one.split): one for one in learning_curve(workspace, after_two.id)}
    assert set(curve) == {(0, "test"), (1, "test"), (2, "test"), (1, "control"), (2, "control")}
    for (number, split), stored in curve.items():
        found = evaluated(workspace, after_two.id, number, split)  # type: ignore[arg-type]
        assert found is not None
        assert len(found) == stored.n_items
        assert dict(found.metrics["shown"]) == {name: tuple(value) for name, value in stored.metrics.items()}
    assert evaluated(workspace, after_two.id, 0, "control") is None
    assert closed_rounds(workspace, after_two.id) == [2, 1, 0]


@pytest.mark.parametrize("number", [0, 2])
def test_the_ways_are_their_written_out_forms(workspace: Workspace, after_two: Project, number: int) -> None:
    found = evaluated(workspace, after_two.id, number)
    assert found is not None
    with workspace.database.read() as tx:
        truths = items.truths(tx, after_two.id, Split.TEST)
    zero_shot = load_model(workspace, after_two)
    (rows,) = load_rows(workspace, after_two, zero_shot, sorted(truths))
    labels = torch.tensor([zero_shot.class_ids.index(truths[item]) for item in rows.item_ids.tolist()])
    g, layers = rows.activations, zero_shot.model.layers
    unit = torch.nn.functional.normalize
    cosine = unit(g.embed(layers.image_weight)) @ unit(zero_shot.model.classes.embed(layers.text_weight)).T
    raw = (layers.scale * cosine).double().softmax(dim=1)
    assert found.number == number
    assert found.ways == WAYS
    assert torch.equal(found.item_ids, rows.item_ids)
    assert torch.equal(found.labels, labels)
    single = {"atol": 1e-5, "rtol": 0}  # what the model computes in
    torch.testing.assert_close(found.confidence[0], raw.amax(dim=1), **single)
    torch.testing.assert_close(found.density[0], raw.gather(1, labels[:, None])[:, 0], **single)
    assert found.metrics["raw"]["nlpd"].value == pytest.approx(float(metrics.nlpd(raw, labels)), abs=1e-5)
    for way, row in zip(found.ways, found.confidence, strict=True):
        bins = reliability(row, found.correct[found.way(way)])
        gap = sum(each.items * abs(each.accuracy - each.confidence) for each in bins) / len(found)
        assert gap == pytest.approx(found.metrics[way]["ece"].value)
        right = found.correct[found.way(way)].mean()
        assert float(right) == pytest.approx(found.metrics[way]["accuracy"].value)


def test_one_temperature_moves_no_prediction_and_is_fitted_to_the_labels(
    workspace: Workspace, after_two: Project
) -> None:
    found = evaluated(workspace, after_two.id, 0)
    assert found is not None
    assert found.temperature is not None
    raw, scaled = (found.way(name) for name in ("raw", "temperature"))
    assert torch.equal(found.predicted[raw], found.predicted[scaled])
    logits = (found.confidence[raw] / (1 - found.confidence[raw])).log()  # of two classes
    signed = torch.stack([logits, torch.zeros_like(logits)], dim=1)
    wrong = (found.predicted[raw] != found.labels).long()
    best = max(fit_temperature(signed, wrong), 0.25)
    assert found.temperature == pytest.approx(best, rel=0.5)  # each fold lacks a fifth of twelve labels


def test_it_is_made_once_and_anew_when_the_images_change(
    workspace: Workspace, after_two: Project, tmp_path: Path
) -> None:
    folder = f"projects/{after_two.id}/evaluated"
    assert prepare(workspace, after_two.id) == ()
    assert len(workspace.artifacts.list(folder)) == 3  # test and control after round 2, test before any label
    first = evaluated(workspace, after_two.id)
    again = evaluated(Workspace.open(workspace.settings), after_two.id)
    assert first is not None
    assert again is not None
    assert torch.equal(first.confidence, again.confidence)
    assert len(workspace.artifacts.list(folder)) == 3
    import_items(workspace, after_two, str(paint(tmp_path / "more", 3, seed=9)), Split.TEST)
    waiting = evaluated(workspace, after_two.id)
    assert waiting is not None
    assert len(waiting) == 12  # what is not embedded cannot be predicted
    embed_missing(workspace, after_two)
    more = evaluated(workspace, after_two.id)
    assert more is not None
    assert len(more) == 18


def test_a_class_that_came_later_is_a_column_of_the_test_split_only(workspace: Workspace, after_two: Project) -> None:
    add_classes(workspace, after_two.id, name_classes(["green"]))
    test, control = (evaluated(workspace, after_two.id, 2, split) for split in ("test", "control"))  # type: ignore[arg-type]
    assert test is not None
    assert control is not None
    assert (len(test.class_ids), len(control.class_ids)) == (3, 2)
    assert set(control.ways) == set(WAYS)
    assert len(control) == 2


def test_what_there_is_not_is_said(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path, "bare")
    with pytest.raises(NotFoundError, match="no embedded image yet"):
        evaluated(workspace, project.id)
    advance(workspace, project.id)
    with pytest.raises(NotFoundError, match="no closed round 1: see"):
        evaluated(workspace, project.id, 1)
    assert closed_rounds(workspace, project.id) == [0]
    assert evaluated(workspace, project.id, None, "control") is None


def test_without_a_test_split_there_is_the_control_slice(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path, "no-test")
    with workspace.database.begin() as tx:
        items.change(tx, [replace(one, truth=None) for one in items.list_(tx, project.id, Split.TEST)])
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    assert evaluated(workspace, project.id) is None
    control = evaluated(workspace, project.id, 1, "control")
    assert control is not None
    assert len(control) == 1
    assert control.ways == ("raw", "shown")  # one label: none is left to fit a temperature to
    assert control.temperature is None
