"""A command beside this process: what it said, how it ended, and why it failed; also for who looks later."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alflow import started
from alflow.errors import ConflictError, UnavailableError
from alflow.ids import AnnotatorId, ProjectId
from alflow.settings import Settings

ADA, FIRST = AnnotatorId(3), ProjectId(1)


def ended(settings: Settings, kind: str) -> started.Started:
    while started.is_running(settings, FIRST, kind):
        time.sleep(0.05)
    found = started.last(settings, FIRST, kind)
    assert found is not None
    return found


@pytest.mark.slow
def test_what_it_said_and_why_it_failed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", log_format="json")
    assert started.last(settings, FIRST, "well") is None
    started.start(settings, FIRST, "well", ADA, ["guide", "data"])
    started.start(settings, FIRST, "badly", ADA, ["replay", "3"])
    running = started.last(settings, FIRST, "well")
    assert running is not None
    assert (running.running, running.code, running.fault, running.by) == (True, None, "", ADA)
    with pytest.raises(ConflictError, match="running already"):
        started.start(settings, FIRST, "well", ADA, ["guide", "data"])
    well, badly = ended(settings, "well"), ended(settings, "badly")
    assert (well.code, well.fault) == (0, "")
    assert well.said.startswith("# ")
    assert well.ended_at is not None
    assert well.at < well.ended_at
    assert (badly.code, badly.said) == (1, "")
    assert badly.fault.startswith("there is no project")
    assert "\n" not in badly.fault
    kept = [path for path in settings.home.rglob("*") if path.is_file()]
    assert kept
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    folder = settings.home / "logs/started" / str(FIRST)
    (folder / "well/ended.json").write_text('{"code"')
    cut = started.last(settings, FIRST, "well")
    assert cut is not None
    assert (cut.running, cut.code) == (False, None)
    (folder / "well/began.json").write_text("")
    assert started.last(settings, FIRST, "well") is None
    started.forget(settings, FIRST)
    assert started.last(settings, FIRST, "badly") is None
    folder.write_text("no folder")
    assert started.last(settings, FIRST, "badly") is None
    with pytest.raises(UnavailableError, match="logs/started"):
        started.start(settings, FIRST, "badly", ADA, ["guide"])


@pytest.mark.slow
def test_one_that_ends_with_the_pages_is_not_shown_as_running(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    lines = (
        "import time",
        "from alflow import started",
        "from alflow.settings import Settings",
        f"started.start(Settings(home={str(settings.home)!r}), {FIRST}, 'look', {ADA}, ['doctor'])",
        "time.sleep(600)",
    )
    pages = subprocess.Popen([sys.executable, "-c", "\n".join(lines)], start_new_session=True)
    while not started.is_running(settings, FIRST, "look"):
        time.sleep(0.02)
    os.killpg(pages.pid, signal.SIGKILL)
    pages.wait()
    found = ended(settings, "look")
    assert (found.by, found.running, found.code, found.ended_at) == (ADA, False, None, None)
    assert "stopped" in found.fault
