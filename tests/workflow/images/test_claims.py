"""Several processes that embed one project at once, on both databases."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.errors import ConflictError
from alflow.store.images import claims, items
from alflow.workflow.images.claims import _machine, claimed
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.shards import encoder_in_use, shards
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import tiny

N, SHARD = 60, 6
EMBED = f"""
import sys
from alflow.workflow.images import embed
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace

embed.SHARD_ITEMS = {SHARD}
workspace = Workspace.open()
project = find_project(workspace, "pets")
workspace.encoder(project)
print("ready", flush=True)
sys.stdin.readline()
embed.embed_missing(workspace, project)
"""


@pytest.fixture
def sixty(each_workspace: Workspace, tiny_model: str, tmp_path: Path) -> Project:
    """A project of sixty images, none of them embedded."""
    project = create_project(each_workspace, "pets", tiny_model, "fp32", name_classes(["cat", "dog"]))
    for number in range(N):
        tiny.write_picture(tmp_path / "pictures" / f"{number}.png", number)
    import_items(each_workspace, project, str(tmp_path / "pictures"))
    return project


def embedder(workspace: Workspace, script: str = EMBED) -> subprocess.Popen[str]:
    """Another process that embeds the project once it reads a line."""
    environment = os.environ | workspace.settings.as_environment()
    command = [sys.executable, "-c", script]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "ready\n"


def rows_of_items(workspace: Workspace, project: Project) -> Counter[int]:
    every = shards(workspace, project, encoder_in_use(workspace, project).hash)
    return Counter(item for shard in every for item in shard.item_ids.tolist())


def stored(workspace: Workspace, project: Project) -> list[int]:
    with workspace.database.read() as tx:
        return items.ids(tx, project.id)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_of_two_processes_at_once_one_is_killed_and_no_row_is_lost_or_made_twice(
    each_workspace: Workspace, sixty: Project
) -> None:
    wanted = stored(each_workspace, sixty)

    def holders() -> set[str]:
        with each_workspace.database.read() as tx:
            return claims.holders(tx, wanted)

    both = killed, survivor = embedder(each_workspace), embedder(each_workspace)
    assert all(map(is_ready, both))
    for process in both:
        start(process)
    wait_until(lambda: any(f"/{killed.pid}/" in one for one in holders()))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    left, began = any(f"/{killed.pid}/" in one for one in holders()), time.monotonic()
    survivor.communicate(timeout=120)
    assert survivor.returncode == 0
    assert rows_of_items(each_workspace, sixty) == dict.fromkeys(wanted, 1)
    assert not left or time.monotonic() - began < 50, "sooner than the lease ends"
    assert holders() == set()


@pytest.mark.slow
def test_what_another_machine_holds_is_waited_for_and_taken_over_when_it_is_silent(
    each_workspace: Workspace, sixty: Project
) -> None:
    mine, now = stored(each_workspace, sixty), datetime.now(UTC)
    with each_workspace.database.begin() as tx:
        claims.take(tx, mine[:5], "elsewhere/1/a", now, now + timedelta(seconds=3))
    report = embed_missing(each_workspace, sixty)
    assert datetime.now(UTC) >= now + timedelta(seconds=3)
    assert (report.embedded, report.known) == (N, 0)
    assert rows_of_items(each_workspace, sixty) == dict.fromkeys(mine, 1)


def test_who_stood_still_for_too_long_stores_nothing(each_workspace: Workspace, sixty: Project) -> None:
    mine = stored(each_workspace, sixty)
    with claimed(each_workspace, mine[:3]) as claim:
        claim.confirm()
        assert (claim.item_ids, claim.held) == (tuple(mine[:3]), ())
        with claimed(each_workspace, mine[:4]) as other:
            assert (other.item_ids, other.held) == (tuple(mine[3:4]), tuple(mine[:3]))
        later = datetime.now(UTC) + timedelta(hours=1)
        with each_workspace.database.begin() as tx:
            assert claims.take(tx, mine[:1], f"{_machine()}/1/b", later, later + timedelta(hours=1)) == {mine[0]}
        with pytest.raises(ConflictError, match="stood still while it embedded, and another took over"):
            claim.confirm()
