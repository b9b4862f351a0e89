"""`make bench`: run every case of every theme, print a table, write build/bench.json.

`python -m tests.bench numerics` runs one theme. Run it on a machine that does nothing else. The exit status is 1 where
a row does not reach its floor.
"""
# ruff: noqa: T201 (its output is its purpose)

import importlib
import json
import sys
from pathlib import Path

import torch

from tests.bench.harness import CASES, Row, peak

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "build" / "bench.json"
OWN = {"__main__", "harness"}


def main(themes: list[str]) -> int:
    """Run the named themes, or all of them; returns the exit status."""
    for theme in themes or sorted(file.stem for file in HERE.glob("*.py") if file.stem not in OWN):
        importlib.import_module(f"tests.bench.{theme}")
    threads = torch.get_num_threads()
    print(f"{threads} threads; a float32 product reaches {peak() / 1e9:.0f} gigaflop a second\n")
    print(f"{'':<74}{'ratio':>10}{'floor':>8}{'of peak':>9}{'seconds':>10}")
    rows = []
    for case in CASES:
        for row in case():
            rows.append(row)
            print(_line(row), flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps([_record(row) for row in rows], indent=1), encoding="utf-8")
    missed = [row for row in rows if not row.good]
    print(f"\n{len(rows)} rows, kept in {REPORT}")
    for row in missed:
        print(f"below its floor: {row.name}")
    return 1 if missed else 0


def _line(row: Row) -> str:
    floor = "" if row.floor is None else f"{row.floor:g}"
    share = "" if row.share_of_peak is None else f"{row.share_of_peak:.0%}"
    taken = "" if row.seconds is None else f"{row.seconds:.4f}"
    return f"{row.name:<74}{row.ratio:>10.3g}{floor:>8}{share:>9}{taken:>10}{'' if row.good else '  <'}"


def _record(row: Row) -> dict[str, str | float | None]:
    return {"name": row.name, "ratio": row.ratio, "floor": row.floor, "share_of_peak": row.share_of_peak}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
