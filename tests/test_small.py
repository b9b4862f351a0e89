"""Processes that wait for months hold no PyTorch: half a gigabyte each, and seconds at every start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alflow.workspace import Workspace
from tests.colours import colour_project

LARGE = ("torch", "open_clip", "sklearn", "scipy", "prefect.server")
"""What only a process that computes may import, or the Prefect server itself."""

WAITING = {
    "the command line": "import alflow.commands.up; from alflow import cli",
    "the schedule": """
        import alflow.flows.deployments
        from alflow.flows import looking
        eyes = looking._opened()
        assert [due.step for due in looking._look(*eyes)] == ["embed images from 1 to 36"]
        """,
    "the pages": """
        from alflow.settings import Settings
        from alflow.ui.server import create_app
        create_app(Settings())
        """,
}


@pytest.mark.slow
@pytest.mark.parametrize("who", WAITING)
def test_who_waits_imports_nothing_large(who: str, workspace: Workspace, tmp_path: Path) -> None:
    colour_project(workspace, tmp_path)
    lines = [line.strip() for line in WAITING[who].splitlines()]
    check = f"import sys; print(sorted(set(sys.modules) & set({LARGE})))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*lines, check])],
        env=dict(os.environ) | workspace.settings.as_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr
