"""Shards on the workers of a cluster: the same bits as in one process, and nothing lost when a worker is killed."""

import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from alflow.errors import UnavailableError
from alflow.flows.rounds import advance
from alflow.flows.spreading import as_tasks, task_runner
from alflow.settings import Settings
from alflow.store.images import claims, items
from alflow.store.rounds import candidates, rounds
from alflow.workflow.images import embed
from alflow.workflow.model import kept
from alflow.workflow.model.kept import outlook
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.advance import advance as advance_here
from alflow.workspace import Workspace

PATIENCE = 420.0  # seconds; a busy machine is slow, not broken


@pytest.mark.parametrize("kind", ["ray", "dask"])
def test_a_runner_that_is_not_installed_is_named_with_its_extra(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, f"prefect_{kind}", raising=False)
    with pytest.raises(
        UnavailableError, match=rf"^ALFLOW_TASK_RUNNER={kind} needs .*: pip install 'alflow\[{kind}\]'$"
    ):
        task_runner(Settings(task_runner=kind))


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thread", "ray", "dask"])
def test_two_workers_one_of_which_is_killed_make_the_same_bits_and_picks_as_one_process(
    workspace: Workspace, project: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind != "thread":
        pytest.importorskip(f"prefect_{kind}", reason=f"not installed: pip install 'alflow[{kind}]'")
    monkeypatch.setattr(embed, "SHARD_ITEMS", 4)
    monkeypatch.setattr(kept, "SHARDS_AT_ONCE", 2)
    alone = copy_of(workspace, tmp_path / "alone")
    advance_here(alone, find_project(alone, project).id)
    outlook(alone, find_project(alone, project).id)

    monkeypatch.setenv("ALFLOW_TASK_RUNNER", kind)
    killed: list[int] = []
    if kind != "thread":
        Thread(target=kill_a_worker, args=(workspace, killed), daemon=True).start()
    state = advance(project, return_state=True)
    assert "opened round 1" in (state.message or "")
    assert made(workspace) == made(alone)
    assert len([name for name in made(alone) if "/embeddings/" in name]) == 9
    assert picks(workspace, project) == picks(alone, project)
    assert len(killed) == (kind != "thread")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask", reason="not installed: pip install 'alflow[dask]'")
    monkeypatch.setenv("ALFLOW_TASK_RUNNER", "dask")
    monkeypatch.setenv("ALFLOW_TASK_RUNNER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    with pytest.raises(UnavailableError, match=r"^the Dask cluster at tcp://127.0.0.1:9 cannot be used \(.*$"):
        list(as_tasks(len_of, ["a"], lambda *_: None))


def len_of(_: Workspace, unit: str, __: Callable[[int, int | None], None]) -> int:
    return len(unit)


def copy_of(workspace: Workspace, home: Path) -> Workspace:
    """A second workspace with the same rows and artifacts; the pictures stay where they are."""
    home.mkdir()
    both = (closing(sqlite3.connect(folder / "alflow.db")) for folder in (workspace.settings.home, home))
    with next(both) as here, next(both) as there:
        here.backup(there)
    shutil.copytree(workspace.settings.artifacts, home / "artifacts")
    return Workspace.open(Settings(home=home))


def made(workspace: Workspace) -> dict[str, bytes]:
    """What embedding and scoring made."""
    root = Path(workspace.settings.artifacts)
    kinds = ("embeddings", "outlooks", "frames", "scores")
    found = [path for path in root.rglob("*.safetensors") if any(f"/{kind}/" in str(path) for kind in kinds)]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def picks(workspace: Workspace, name: str) -> list[object]:
    project = find_project(workspace, name)
    with workspace.database.read() as tx:
        opened = rounds.current(tx, project.id)
        assert opened is not None
        return [(one.item_id, one.rank, one.origin, one.score) for one in candidates.of_round(tx, opened.id)]


def kill_a_worker(workspace: Workspace, killed: list[int]) -> None:
    """SIGKILL for the first worker that embeds a shard."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with workspace.database.read() as tx:
            holders = claims.holders(tx, items.ids(tx, 1))
        for process in (int(one.split("/")[1]) for one in holders):
            if process != os.getpid():
                os.kill(process, signal.SIGKILL)
                killed.append(process)
                return
        time.sleep(0.002)
