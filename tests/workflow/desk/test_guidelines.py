"""What annotators read, and what they tell."""

from dataclasses import replace

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.ui.routes import desk
from alflow.workflow.desk import guidelines, label
from alflow.workflow.desk.submission import Submission
from alflow.workflow.projects import projects
from alflow.workspace import Workspace
from tests.queues import new_item, open_queue


def test_guidelines_are_kept_and_rendered_without_html_of_their_author(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    assert desk.guide(each_workspace, world.project.id) == {"html": "", "examples": {}}
    text = " # Pets\n\n<script>alert(1)</script> [x](javascript:alert(1)) **cats** "
    assert projects.set_guidelines(each_workspace, world.project.id, text).guidelines == text.strip()
    html = desk.guide(each_workspace, world.project.id)["html"]
    assert "<h1>Pets</h1>" in html
    assert "<strong>cats</strong>" in html
    assert "<script" not in html
    assert "href" not in html
    with pytest.raises(InvalidInputError, match="100,000"):
        projects.set_guidelines(each_workspace, world.project.id, "x" * 100_001)
    with pytest.raises(NotFoundError):
        guidelines.guidelines(each_workspace, 99)


def test_examples_are_settled_items_then_target_items_and_never_an_item_with_a_hidden_answer(
    each_workspace: Workspace,
) -> None:
    world = open_queue(each_workspace.database, 8)
    cat, dog = (one.id for one in world.classes)
    with each_workspace.database.begin() as tx:
        aimed, _ = items.add(tx, world.project.id, [new_item(90, Split.TARGET, dog), new_item(91, Split.TEST, dog)])
        items.change(tx, [replace(world.items[7], truth=cat)])
    for rank, candidate in enumerate(world.candidates):
        said = Submission(f"{rank}", candidate.id, Verdict.CLASS, cat, 1.0)
        label.submit(each_workspace, world.project.id, world.annotators[0].id, said)
    found = guidelines.guidelines(each_workspace, world.project.id).examples
    assert found == {cat: tuple(world.items[rank].id for rank in (6, 5, 4, 3)), dog: (aimed.id,)}


def test_proposed_classes_are_counted_whatever_their_capitals(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3)
    for rank, name in enumerate(("Seal", "seal", "")):
        said = Submission(f"{rank}", world.candidates[rank].id, Verdict.NONE, None, 1.0)
        label.submit(each_workspace, world.project.id, world.annotators[0].id, replace(said, proposed_class=name))
    told = guidelines.remarks(each_workspace, world.project.id)
    assert told.proposals == {"seal": 2}
    assert len(told.remarks) == 3
