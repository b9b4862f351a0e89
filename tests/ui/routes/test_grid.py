"""The grid's exchange: what is stored, what is refused and why, and which page comes next."""

from pathlib import Path
from typing import Any

import pytest

from alflow.domain.projects import Project
from alflow.errors import UnavailableError
from alflow.store.desk import labels
from alflow.ui.routes import grid
from alflow.workflow.people import annotators
from alflow.workspace import Workspace
from tests.browser import world


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Twelve images in an open round, of four predicted classes in turn; the tenth is a control."""
    project, _ = world.build(workspace, tmp_path, "grid", 12)
    return project


@pytest.fixture
def ada(workspace: Workspace) -> int:
    """Somebody who labels."""
    return annotators.sign_in(workspace, "Ada").id


def answered(page: dict[str, Any], wrong: int = 0) -> dict[str, Any]:
    shown = [image["candidate_id"] for image in page["images"]]
    about = {"token": page["token"], "class_id": page["class_id"], "seconds": 6.0}
    return about | {"accepted": shown[wrong:], "wrong": shown[:wrong]}


def test_the_class_with_most_images_comes_first_and_the_next_follows(
    workspace: Workspace, project: Project, ada: int
) -> None:
    first = grid.exchange(workspace, project.id, ada, {"class_id": None})
    assert sorted(first["waiting"].values()) == [2, 3, 3, 3]  # eleven without the control
    assert len(first["page"]["images"]) == 3
    sent = {"class_id": first["page"]["class_id"], "accept": answered(first["page"], wrong=1)}
    second = grid.exchange(workspace, project.id, ada, sent)
    assert second["reason"] is None
    assert second["page"]["class_id"] != first["page"]["class_id"]
    assert (second["last"]["accepted"], second["last"]["wrong"]) == (2, 1)
    again = grid.exchange(workspace, project.id, ada, sent)  # no answer was heard: the same is sent again
    assert (again["reason"], again["page"]) == (None, second["page"])
    third = grid.exchange(
        workspace, project.id, ada, {"class_id": first["page"]["class_id"], "undo": sent["accept"]["token"]}
    )
    assert third["last"] is None
    assert {image["item_id"] for image in third["page"]["images"]} == {
        image["item_id"] for image in first["page"]["images"]
    }
    with workspace.database.read() as tx:
        assert labels.of_project(tx, project.id) == []


@pytest.mark.parametrize(
    "change",
    [
        {"token": ""},
        {"accepted": "x"},
        {"accepted": None},
        {"class_id": None},
        {"seconds": "fast"},
        {"wrong": [999]},
        {"wrong": list(range(999))},
        {"accepted": [True]},
        {"class_id": 1.5},
    ],
)
def test_a_broken_page_is_refused_with_a_reason(
    workspace: Workspace, project: Project, ada: int, change: dict[str, Any]
) -> None:
    page = grid.exchange(workspace, project.id, ada, {})["page"]
    reply = grid.exchange(workspace, project.id, ada, {"accept": answered(page) | change})
    assert reply["reason"]
    assert reply["page"]["token"] == page["token"]
    with workspace.database.read() as tx:
        assert labels.of_project(tx, project.id) == []


def test_to_accept_and_to_take_back_are_two_requests(workspace: Workspace, project: Project, ada: int) -> None:
    page = grid.exchange(workspace, project.id, ada, {})["page"]
    reply = grid.exchange(workspace, project.id, ada, {"accept": answered(page), "undo": page["token"]})
    assert "not both" in reply["reason"]
    assert reply["page"]["token"] == page["token"]


def test_a_database_that_does_not_answer_refuses_nothing(workspace: Workspace, project: Project, ada: int) -> None:
    """A refusal would be final: the page would forget what was marked."""
    page = grid.exchange(workspace, project.id, ada, {})["page"]
    file = workspace.settings.home / "alflow.db"
    workspace.database.close()
    file.rename(file.with_suffix(".away"))
    file.mkdir()
    with pytest.raises(UnavailableError):
        grid.exchange(workspace, project.id, ada, {"accept": answered(page)})
