"""`make bench`: run every case of every theme, print a table, write build/bench.json.

    python -m tests.bench [NAME ...] [--list] [--small]

A name is a theme (`numerics`) or a case (`rescoring`); its rows take the place of those of the same name in the report,
and all others stay. `--small` runs an eighth of the size once, to see that a case works: nothing is kept, and the
ratios mean nothing. Else run it on a machine that does nothing besides. The exit status is 1 where a row does not reach
its floor.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import importlib
import json
import sys
from pathlib import Path

import torch

from tests.bench import harness
from tests.bench.harness import CASES, Case, Row, peak

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "build" / "bench.json"
OWN = {"__main__", "harness"}

Record = dict[str, str | float | None]


def main(arguments: list[str]) -> int:
    """Run the named themes and cases, or all of them; returns the exit status."""
    asked = _parse(arguments)
    if asked.small:
        harness.make_small()
    for theme in sorted(file.stem for file in HERE.glob("*.py") if file.stem not in OWN):
        importlib.import_module(f"tests.bench.{theme}")
    if asked.list:
        print("\n".join(f"{_theme(case):<14}{case.__name__}" for case in CASES))
        return 0
    if unknown := set(asked.names) - {name for case in CASES for name in (_theme(case), case.__name__)}:
        print(f"there is no theme or case {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 2
    rows = _run([case for case in CASES if not asked.names or {_theme(case), case.__name__} & set(asked.names)])
    if asked.small:
        return 0
    _keep(rows, fresh=not asked.names)
    print(f"\n{len(rows)} rows, kept in {REPORT}")
    missed = [row for row in rows if not row.good]
    for row in missed:
        print(f"below its floor: {row.name}")
    return 1 if missed else 0


def _run(cases: list[Case]) -> list[Row]:
    threads = torch.get_num_threads()
    print(f"{threads} threads; a float32 product reaches {peak() / 1e9:.0f} gigaflop a second\n")
    print(f"{'':<74}{'ratio':>10}{'floor':>8}{'of peak':>9}{'seconds':>10}")
    rows = []
    for case in cases:
        for row in case():
            rows.append(row)
            print(_line(row), flush=True)
    return rows


def _keep(rows: list[Row], *, fresh: bool) -> None:
    """Write the report; unless it is `fresh`, with what else it held."""
    known: list[Record] = []
    if not fresh and REPORT.exists():
        known = json.loads(REPORT.read_text(encoding="utf-8"))
    made = {row.name: _record(row) for row in rows}
    kept = [made.pop(str(record["name"]), record) for record in known]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(kept + list(made.values()), indent=1), encoding="utf-8")


def _theme(case: Case) -> str:
    return case.__module__.rpartition(".")[2]


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure against written-out forms.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a theme or a case; all of them by default")
    parser.add_argument("--list", action="store_true", help="show themes and cases")
    parser.add_argument("--small", action="store_true", help="an eighth of the size, once, to see that it works")
    return parser.parse_args(arguments)


def _line(row: Row) -> str:
    floor = "" if row.floor is None else f"{row.floor:g}"
    share = "" if row.share_of_peak is None else f"{row.share_of_peak:.0%}"
    taken = "" if row.seconds is None else f"{row.seconds:.4f}"
    return f"{row.name:<74}{row.ratio:>10.3g}{floor:>8}{share:>9}{taken:>10}{'' if row.good else '  <'}"


def _record(row: Row) -> Record:
    return {"name": row.name, "ratio": row.ratio, "floor": row.floor, "share_of_peak": row.share_of_peak}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
