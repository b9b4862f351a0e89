"""Prompts that labels prefer: chosen and told by definition, and never stored."""

from dataclasses import replace

import pytest
import torch

from alflow.bayes.fit import folds, refit
from alflow.bayes.prompts import best_prompts
from alflow.domain.projects import Project
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError
from alflow.metrics import accuracy, nlpd
from alflow.store.answers import outcomes
from alflow.workflow.insight import suggestions as module
from alflow.workflow.insight.prompts import try_prompts
from alflow.workflow.insight.suggestions import Suggested, suggest_prompts
from alflow.workflow.insight.templates import EIGHTY, TEMPLATES, eighty, templates_of
from alflow.workflow.model.kept import outlook
from alflow.workflow.model.model import load_model, load_rows
from alflow.workflow.projects.projects import project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow

FEW = {"Name": ("{}",), "Two": ("a {} thing", "something {}")}


def test_the_gain_is_that_of_choosing_and_fitting_without_the_labels_it_is_told_by(
    workspace: Workspace, after_two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = []

    def noted(*given: object) -> object:  # what is chosen by the labels of each part, in the order of the folds
        chosen.append(best_prompts(*given))  # type: ignore[arg-type]
        return replace(chosen[-1], of_class=torch.tensor([2, 1]))  # as if they said enough: so that it is used

    monkeypatch.setattr(module, "best_prompts", noted)
    found = suggest_prompts(workspace, after_two.id, templates=FEW)
    assert found.labels == 8
    assert found.classes == (
        Suggested(found.classes[0].class_id, "Two", ("a red thing", "something red")),
        Suggested(found.classes[1].class_id, "Name", ("blue",)),
    )
    with workspace.database.read() as tx:
        support = dict(sorted(outcomes.settled(tx, after_two.id).items()))
    now = load_model(workspace, after_two, outlook(workspace, after_two.id).fit)
    (rows,) = load_rows(workspace, after_two, now, list(support))
    labels = now.columns([support[item] for item in rows.item_ids.tolist()])
    present = replace(now.model, learnt=None)
    encoder = workspace.encoder(after_two)
    texts = [encoder.texts([text]) for text in ("a red thing", "something red", "blue")]
    unit = [one.values / one.embed(encoder.layers.text_weight).norm() for one in texts]
    other = replace(present, classes=Activations(torch.cat([(unit[0] + unit[1]) / 2, unit[2]])))
    dealt = folds(labels, torch.Generator().manual_seed(after_two.settings.seed))
    said: dict[str, list[torch.Tensor]] = {"before": [], "after": []}
    for fold in range(5):
        held = dealt == fold
        for name, model in (("before", present), ("after", other)):
            generator = torch.Generator().manual_seed(after_two.settings.seed)
            fitted = refit(model, rows.activations[~held], labels[~held], generator)
            said[name].append(fitted.probabilities(rows.activations[held]))
    known = torch.cat([labels[dealt == fold] for fold in range(5)])
    before, after = (torch.cat(said[name]) for name in ("before", "after"))
    assert found.gain is not None
    assert (found.gain.images, len(chosen)) == (8, 7)  # all labels; one part to see how many classes there are; five
    assert found.gain.accuracy.value == pytest.approx(float(accuracy(after, known) - accuracy(before, known)))
    assert found.gain.nlpd.value == pytest.approx(float(nlpd(after, known) - nlpd(before, known)), abs=1e-4)


def test_what_is_suggested_is_not_stored_and_can_be_tried(workspace: Workspace, after_two: Project) -> None:
    classes, files = project_classes(workspace, after_two.id), workspace.artifacts.list("")
    found = suggest_prompts(workspace, after_two.id, ["my own {}"], templates=FEW)
    assert project_classes(workspace, after_two.id) == classes
    assert [name for name in workspace.artifacts.list("") if "/outlooks/" not in name] == [
        name for name in files if "/outlooks/" not in name
    ]
    assert {one.title for one in found.fits} == {"Name", "Two", "Your own"}
    assert [one.gain.value for one in found.fits] == sorted((one.gain.value for one in found.fits), reverse=True)
    assert all(one.gain.low <= one.gain.value <= one.gain.high for one in found.fits)
    assert found.edits == {
        one.class_id: one_edit for one, one_edit in zip(found.classes, found.edits.values(), strict=True)
    }
    try_prompts(workspace, after_two.id, found.edits)


def test_without_labels_it_says_so(workspace: Workspace, project: Project) -> None:
    open_round(workspace, project.id)
    with pytest.raises(InvalidInputError, match="answer some images first"):
        suggest_prompts(workspace, project.id, templates=FEW)


@pytest.mark.parametrize(("own", "message"), [("a photo", "where the class name goes"), ("a {}\x07", "leave it out")])
def test_a_template_that_cannot_be_used_is_refused(
    workspace: Workspace, after_two: Project, own: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        suggest_prompts(workspace, after_two.id, [own], templates=FEW)


def test_what_would_be_too_many_texts_is_left_out(
    workspace: Workspace, after_two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_TEXTS", 5)
    found = suggest_prompts(workspace, after_two.id, templates=FEW)
    assert (found.left_out, [one.title for one in found.fits]) == (("Two",), ["Name"])


def test_templates_are_those_of_their_source_and_have_a_place_for_the_name() -> None:
    import open_clip

    seven = tuple(one("{}") for one in open_clip.SIMPLE_IMAGENET_TEMPLATES)
    assert TEMPLATES["Seven ways, by CLIP's authors"] == seven
    assert len(set(eighty())) == 80
    assert templates_of(EIGHTY) == eighty()
    assert all("{}" in one for made in (*TEMPLATES.values(), eighty()) for one in made)
