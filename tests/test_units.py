"""The systemd units of the operator's guide: systemd reads them, and what the copy of each night runs, runs here."""

import configparser
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alflow.workspace import Workspace
from tests.colours import colour_project
from tests.printed import blocks, replaced

NAMES = ("alflow.service", "alflow-backup.service", "alflow-backup.timer")
INSTALLED = "/opt/alflow/bin/alflow"
HERE = str(Path(sys.executable).with_name("alflow"))


def units() -> dict[str, str]:
    """The units as they are printed, by name."""
    return dict(zip(NAMES, blocks("alflow/guides/operator.md", "### With systemd", "ini"), strict=True))


def test_systemd_understands_them(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    for name, text in units().items():
        ours = replaced(text, {INSTALLED: HERE, "User=alflow": "User=root"}) if name.endswith(".service") else text
        (tmp_path / name).write_text(ours)
    told = subprocess.run(
        [program, "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=False
    )
    of_ours = [line for line in told.stderr.splitlines() if str(tmp_path) in line or "alflow" in line]
    assert (told.returncode, of_ours) == (0, [])


@pytest.mark.slow
def test_the_copy_of_each_night_is_made_and_old_ones_go(workspace: Workspace, tmp_path: Path) -> None:
    colour_project(workspace, tmp_path)
    folder = tmp_path / "copies"
    folder.mkdir()
    for day in range(1, 20):
        (folder / f"2020-01-{day:02}-033000.tar").touch()
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(units()["alflow-backup.service"])
    environment = os.environ | {"ALFLOW_HOME": str(workspace.settings.home)}
    for step in ("ExecStart", "ExecStartPost"):
        line = unit["Service"][step].replace("%%", "%").replace("/var/lib/alflow-backup", str(folder))
        subprocess.run(shlex.split(line.replace(INSTALLED, HERE)), env=environment, check=True, capture_output=True)
    kept = sorted(each.name for each in folder.iterdir())
    assert len(kept) == 14
    assert kept[0] == "2020-01-07-033000.tar"
    assert (folder / kept[-1]).stat().st_size > 0
