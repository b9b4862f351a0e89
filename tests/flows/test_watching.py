"""Looks at watched sources, beside the schedule: one that hangs holds up no other."""

import os
import threading
from pathlib import Path

import pytest

from alflow.flows import watching
from alflow.flows.watching import Watchman
from alflow.ids import WatchId
from alflow.workflow.images.watching import watch, watched
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.tiny import write_picture


def test_a_source_that_hangs_holds_up_no_other(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = create_project(workspace, "pets", "demo", "fp32")
    for name in ("mute", "near"):
        write_picture(tmp_path / name / "a.png", 1)
        watch(workspace, found, str(tmp_path / name))
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE watch SET next_at = added_at, looked_at = NULL")
    released, plain = threading.Event(), os.scandir

    def scandir(path: str) -> object:
        if str(path) == str(tmp_path / "mute"):
            released.wait(60)
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    watchman = Watchman(workspace)
    watchman.look()
    watchman._looks.wait(WatchId(2), 60)
    mute, near = watched(workspace, found.id)
    assert (mute.looked_at, near.looked_at is not None) == (None, True)
    monkeypatch.setattr(watching, "_PATIENCE_SECONDS", 0.0)
    watchman.look()
    mute, _ = watched(workspace, found.id)
    assert mute.trouble is not None
    assert "does not answer" in mute.trouble
    released.set()
    watchman._looks.wait(WatchId(1), 60)
    assert watched(workspace, found.id)[0].trouble is None
