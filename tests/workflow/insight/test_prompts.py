"""A trial of prompts: what it says is what saving brings, and nothing is stored before."""

from pathlib import Path

import pytest
import torch

from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project, ProjectSettings
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.metrics import accuracy, nlpd
from alflow.store.images import items
from alflow.workflow.images.embed import class_rows, embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.insight.prompts import Trial, save_prompts, try_prompts
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workflow.projects.class_changes import add_classes, edit_classes
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import COLOURS, answer, captions, colour_project, paint
from tests.tiny import write_model

pytestmark = pytest.mark.slow

CRIMSON, SEA = Edit(prompts=("crimson, as blood", "a warm colour")), Edit(display_name="the sea", templates=["{}!"])


@pytest.fixture
def closed(workspace: Workspace, project: Project) -> Project:
    """With one closed round, and the second open."""
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return project


def everything(workspace: Workspace, project: Project) -> object:
    """All that is stored, but for what no prompt makes: predictions of the present model and lengths of embeddings."""
    files = [name for name in workspace.artifacts.list("") if "/lengths/" not in name and "/outlooks/" not in name]
    return files, project_classes(workspace, project.id)


def tried(workspace: Workspace, project: Project, *edits: Edit) -> Trial:
    classes = project_classes(workspace, project.id)
    return try_prompts(workspace, project.id, {label.id: edit for label, edit in zip(classes, edits, strict=False)})


def check_turns(trial: Trial, before: Outlook, after: Outlook) -> None:
    """The trial against the predictions of before, and those made anew after it was saved."""
    assert torch.equal(before.item_ids, after.item_ids)
    was, is_ = before.probabilities.argmax(dim=1), after.probabilities.argmax(dim=1)
    assert sum(trial.effects.turned.values()) == int((was != is_).sum())
    pairs = {(turn.before, turn.after): turn for turn in trial.effects.turns}
    for old in range(2):
        own = (was == old) & (is_ == 1 - old)
        turn = pairs.get((before.class_ids[old], before.class_ids[1 - old]))
        assert (0 if turn is None else turn.count) == int(own.sum())
        for image in () if turn is None else turn.images:
            (row,), _ = before.rows([image.item_id])
            assert own[row]
            assert image.before == pytest.approx(float(before.probabilities[row, old]), abs=1e-6)
            assert image.after == pytest.approx(float(after.probabilities[row, 1 - old]), abs=1e-5)


def test_a_trial_is_what_saving_brings(each_workspace: Workspace, tmp_path: Path) -> None:
    workspace, project = each_workspace, colour_project(each_workspace, tmp_path)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    before = outlook(workspace, project.id)
    stored = everything(workspace, project)
    trial = tried(workspace, project, CRIMSON, SEA)
    assert everything(workspace, project) == stored
    done = save_prompts(workspace, project.id, trial)
    assert done.classes == trial.after
    assert [label.prompts for label in done.classes] == [CRIMSON.prompts, ("the sea!",)]
    another = Workspace.open(workspace.settings)  # nothing of the trial is in its memory
    after = outlook(another, project.id)
    kept = class_rows(another, project, encoder_in_use(another, project), done.classes)
    assert torch.equal(kept.values, trial.rows.values)
    assert not torch.allclose(before.probabilities, after.probabilities, atol=1e-4)
    check_turns(trial, before, after)
    with another.database.read() as tx:
        truths, pool = items.truths(tx, project.id, Split.TEST), items.ids(tx, project.id, Split.POOL)
    rows, _ = after.rows(pool)
    for column, effect in enumerate(trial.effects.classes):
        assert effect.share_before == pytest.approx(float(before.probabilities[rows, column].mean()), abs=1e-5)
        assert effect.share_after == pytest.approx(float(after.probabilities[rows, column].mean()), abs=1e-5)
    rows, _ = after.rows(list(truths))
    known = torch.tensor([after.class_ids.index(one) for one in truths.values()])
    test = trial.effects.test
    assert test is not None
    assert test.images == len(truths) == 12
    for told, said in (
        ((test.accuracy_before, test.nlpd_before), before.probabilities[rows]),
        ((test.accuracy_after, test.nlpd_after), after.probabilities[rows]),
    ):
        assert told[0] == pytest.approx(float(accuracy(said, known)), abs=1e-6)
        assert told[1] == pytest.approx(float(nlpd(said, known)), abs=1e-4)
    assert test.nlpd.value == pytest.approx(test.nlpd_after - test.nlpd_before, abs=1e-5)
    assert test.nlpd.low <= test.nlpd.value <= test.nlpd.high
    another.database.close()


def test_what_is_told_of_the_fit(workspace: Workspace, closed: Project) -> None:
    found = tried(workspace, closed, CRIMSON).effects
    assert (found.changed, found.number, found.labels, found.fitted_again) == (("red",), 1, 4, True)
    assert (found.images["pool"], found.images["target"], found.images["test"]) == (12, 12, 12)
    assert found.labelled is not None
    assert found.labelled.images == 4
    assert found.classes[0].deviation_after != found.classes[0].deviation_before
    assert found.classes[1].deviation_after == pytest.approx(found.classes[1].deviation_before)


def test_another_shown_name_alone_turns_nothing_and_loads_no_tower(workspace: Workspace, closed: Project) -> None:
    outlook(workspace, closed.id)
    another = Workspace.open(workspace.settings)
    found = tried(another, closed, Edit(display_name="Scarlet")).effects
    assert found.changed == ("red",)
    assert not any(found.turned.values())
    assert found.test is not None
    assert found.test.nlpd_before == found.test.nlpd_after
    assert found.labelled is not None
    assert found.labelled.accuracy.value == 0
    assert not another.holds_encoder(closed)
    another.database.close()


def test_before_any_label(workspace: Workspace, project: Project) -> None:
    open_round(workspace, project.id)
    before = outlook(workspace, project.id)
    trial = tried(workspace, project, CRIMSON)
    assert (trial.effects.number, trial.effects.labels, trial.effects.labelled) == (0, 0, None)
    save_prompts(workspace, project.id, trial)
    check_turns(trial, before, outlook(workspace, project.id))


def test_without_a_test_split_and_with_an_image_that_is_not_embedded(workspace: Workspace, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    project = create_project(workspace, "bare", model, "fp32", name_classes(list(COLOURS)), ProjectSettings(budget=4))
    import_items(workspace, project, str(paint(tmp_path / "pool", 4)), Split.POOL)
    estimate_posterior(workspace, project, str(captions(tmp_path / "pool")))
    embed_missing(workspace, project)
    open_round(workspace, project.id)
    import_items(workspace, project, str(paint(tmp_path / "late", 2, seed=9)), Split.POOL)
    found = tried(workspace, project, CRIMSON).effects
    assert found.test is None
    assert found.images == {"pool": 8, "target": 0, "test": 0}


def test_a_class_that_came_after_the_fit(workspace: Workspace, closed: Project) -> None:
    add_classes(workspace, closed.id, [NewClass("green", "", ())])
    before = outlook(workspace, closed.id)
    trial = tried(workspace, closed, CRIMSON, Edit(), Edit(prompts=("grass",)))
    save_prompts(workspace, closed.id, trial)
    after = outlook(Workspace.open(workspace.settings), closed.id)
    turned = before.probabilities.argmax(dim=1) != after.probabilities.argmax(dim=1)
    assert sum(trial.effects.turned.values()) == int(turned.sum())
    assert trial.effects.changed == ("red", "green")


def test_what_somebody_changed_meanwhile_is_not_overwritten(workspace: Workspace, closed: Project) -> None:
    trial = tried(workspace, closed, CRIMSON)
    edit_classes(workspace, closed.id, ["blue"], Edit(prompts=("the sky",)))
    stored = everything(workspace, closed)
    with pytest.raises(ConflictError, match="somebody changed the classes meanwhile"):
        save_prompts(workspace, closed.id, trial)
    assert everything(workspace, closed) == stored


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(prompts=("a photo of a blue",)), "have the same prompts"),
        (Edit(prompts=("A PHOTO of a blue",)), "have the same prompts"),
        (Edit(prompts=("one", "one")), "the same prompt twice"),
        (Edit(prompts=("one", "  ")), "has an empty prompt"),
        (Edit(prompts=("bell \x07",)), "a prompt of 'red' cannot be"),
        (Edit(prompts=("x" * 1001,)), "may have 1,000 characters"),
        (Edit(templates=["a photo"]), "needs a {} where"),
        (Edit(display_name="Blue"), "are shown alike"),
        (Edit(name="b\u200blue"), "not visible"),
        (Edit(name="blue"), "two classes have the name 'blue'"),
        (Edit(name="BLUE"), "look alike"),
    ],
)
def test_what_cannot_be_stored_is_not_tried(workspace: Workspace, closed: Project, edit: Edit, message: str) -> None:
    stored = everything(workspace, closed)
    with pytest.raises(InvalidInputError, match=message.replace("{", r"\{").replace("}", r"\}")):
        tried(workspace, closed, edit)
    assert everything(workspace, closed) == stored


def test_names_change_with_their_prompts_and_may_be_traded(workspace: Workspace, closed: Project) -> None:
    red, blue = project_classes(workspace, closed.id)
    trial = tried(workspace, closed, Edit(name="blue"), Edit(name="red"))
    assert [label.prompts for label in trial.after] == [("a photo of a blue",), ("a photo of a red",)]
    save_prompts(workspace, closed.id, trial)
    assert [(label.id, label.name) for label in project_classes(workspace, closed.id)] == [
        (red.id, "blue"),
        (blue.id, "red"),
    ]


def test_where_nothing_can_be_predicted_it_says_why(workspace: Workspace, project: Project, pets: Project) -> None:
    (cat, *_) = project_classes(workspace, pets.id)
    with pytest.raises(NotFoundError, match="no embedded image yet"):
        try_prompts(workspace, pets.id, {cat.id: CRIMSON})
    with pytest.raises(AlflowError, match="no class with the id"):
        try_prompts(workspace, project.id, {cat.id: CRIMSON})
