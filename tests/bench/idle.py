"""What `alflow up` costs while one project waits for its annotators.

    python -m tests.bench.idle [--minutes N] [--settle N] [--json FILE]

Prints, and writes to FILE, {cpu_seconds_per_minute, flow_runs_per_hour, rss_mb, pss_mb, database_mb_per_day,
log_mb_per_day, by_process}. CPU is that of all processes of `alflow up` and of those that they started and that ended
meanwhile. `rss_mb` counts pages that several processes share once for each of them, `pss_mb` once. The databases are
that of alflow and Prefect's, with what SQLite keeps beside them. Reads /proc.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import json
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.bench.up import running, settings_in
from tests.colours import colour_project

_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1e6
_DAY, _HOUR = 1440.0, 60.0  # minutes


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--settle", type=float, default=1.0, help="minutes to wait after the start")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), arguments.minutes, arguments.settle)
    print(text := json.dumps(found, indent=1))
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def measure(folder: Path, minutes: float, settle: float) -> dict[str, Any]:
    """The figures of one run of `alflow up` on a project with an open round."""
    settings = settings_in(folder / "home")
    workspace = Workspace.open(settings)
    advance(workspace, colour_project(workspace, folder).id)
    workspace.database.close()
    with running(settings) as up:
        time.sleep(60 * settle)
        before, begun = _figures(settings.home, up), time.monotonic()
        time.sleep(60 * minutes)
        after, passed = _figures(settings.home, up), (time.monotonic() - begun) / 60
        return {
            "cpu_seconds_per_minute": round((after["cpu"] - before["cpu"]) / passed, 2),
            "flow_runs_per_hour": round((after["runs"] - before["runs"]) / passed * _HOUR, 1),
            "rss_mb": round(_memory(up, "Rss")),
            "pss_mb": round(_memory(up, "Pss")),
            "database_mb_per_day": round((after["database"] - before["database"]) / passed * _DAY, 2),
            "log_mb_per_day": round((after["logs"] - before["logs"]) / passed * _DAY, 2),
            "minutes": round(passed, 1),
            "by_process": {
                name: round((used - before["each"].get(name, 0.0)) / passed, 2) for name, used in after["each"].items()
            },
        }


def _figures(home: Path, root: int) -> dict[str, Any]:
    each: dict[str, float] = {}
    for pid in _family(root):
        name = _command(pid)
        each[name] = each.get(name, 0.0) + _cpu(pid)
    return {
        "cpu": sum(each.values()),
        "each": each,
        "runs": _runs(home / "prefect" / "prefect.db"),
        "database": sum(_bytes(path) for path in (*home.glob("alflow.db*"), *home.glob("prefect/*.db*"))) / _MB,
        "logs": sum(_bytes(path) for path in home.glob("logs/*")) / _MB,
    }


def _family(root: int) -> list[int]:
    """The process and all below it."""
    children = [int(word) for task in Path(f"/proc/{root}/task").glob("*") for word in _read(task / "children").split()]
    return [root, *(pid for child in children for pid in _family(child))]


def _cpu(pid: int) -> float:
    """Seconds of a process, and of its children that have ended."""
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(word) for word in words[11:15]) / _TICKS


def _memory(root: int, kind: str) -> float:
    lines = [line for pid in _family(root) for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) * 1024 / _MB


def _command(pid: int) -> str:
    return " ".join(_read(Path(f"/proc/{pid}/cmdline")).split("\0")[1:3])


def _runs(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        begun = "SELECT count(*) FROM flow_run WHERE state_type NOT IN ('SCHEDULED')"
        return int(connection.execute(begun).fetchone()[0])


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it ended meanwhile
        return ""


if __name__ == "__main__":
    main()
