import logging
from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.workflow.insight import prepare as module
from alflow.workflow.insight.prepare import PREPARED, prepare
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.colours import colour_project

pytestmark = pytest.mark.slow


def test_what_pages_read_is_there_after_it(workspace: Workspace, project: Project) -> None:
    open_round(workspace, project.id)
    assert prepare(workspace, project.id) == ()
    assert workspace.artifacts.list(f"projects/{project.id}/outlooks")


def test_what_cannot_be_made_is_said_and_the_rest_goes_on(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        failed = prepare(workspace, colour_project(workspace, tmp_path, "bare").id)  # nothing is embedded
    assert "predictions: project" in failed[0]
    assert len(failed) <= len(PREPARED)
    assert "could not be prepared" in caplog.text


def test_a_fault_of_ours_ends_no_run(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    made: list[object] = []
    monkeypatch.setattr(module, "PREPARED", {"one": broken, "other": lambda *asked: made.append(asked)})
    with caplog.at_level(logging.ERROR):
        assert prepare(workspace, project.id) == (
            "one: an internal error, ZeroDivisionError: division by zero: see the log",
        )
    assert made == [(workspace, project.id)]
    assert "Traceback" in caplog.text
