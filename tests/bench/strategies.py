"""`make bench-acquisition`: every strategy on the feature packs of ALFLOW_PACKS, curves and paired differences.

    python -m tests.bench.strategies [--seeds 10] [--first-seed 0] [--rounds 5] [--batch 20] [--processes 2]
                                      [--strategy NAME ...] [--set NAME ...]

Points are kept in build/bench-acquisition (a database): a run that was stopped goes on. After a change of the code
that matters, start with `--fresh`.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import os
import sys
from pathlib import Path

from alflow.acquisition.strategies import STRATEGIES
from alflow.settings import Settings
from alflow.workflow.backtests.comparison import Difference, Results, curves, standings
from alflow.workflow.backtests.packs import Pack
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workspace import Workspace

HOME = Path(__file__).parents[2] / "build" / "bench-acquisition"
TWEMOJI = 1
SETS = {
    "fashion": ("fashion", None),
    "emoji (all styles)": ("emoji", None),
    "emoji -> twemoji": ("emoji", TWEMOJI),
}


def main(arguments: list[str]) -> int:
    """Run what is missing and print a table for each pack."""
    chosen = _parse(arguments)
    folder = os.environ.get("ALFLOW_PACKS")
    if not folder:
        print("set ALFLOW_PACKS to the folder of the feature packs", file=sys.stderr)
        return 1
    workspace = Workspace.open(Settings(home=HOME))
    names = tuple(dict.fromkeys(chosen.strategy or STRATEGIES))
    for title in chosen.set or SETS:
        pack, domain = SETS[title]
        files = (Path(folder) / f"{file}.safetensors" for file in ("model", "pairs", pack))
        grid = Grid(names, chosen.seeds, chosen.rounds, chosen.batch, domain=domain, first_seed=chosen.first_seed)
        study = run_study(workspace, Pack(*files), grid, processes=chosen.processes, fresh=chosen.fresh)
        seeds = f"{chosen.seeds} seeds from {chosen.first_seed}"
        print(f"\n{title}: {seeds}, {chosen.rounds} rounds of {chosen.batch} labels, test accuracy\n")
        print(table(study.points), flush=True)
    return 0


def table(points: Results) -> str:
    """Curves and standings, best area first; a difference is a paired mean with its standard error."""
    curve: dict[str, list[float]] = {}
    labels = sorted({each.labels for each in curves(points)})
    for each in curves(points):
        curve.setdefault(each.strategy, []).append(each.mean)
    head = f"{'labels':<22}" + "".join(f"{n:>7}" for n in labels)
    lines = [f"{head}{'area':>8}{'se':>7}{'less random':>18}{'less best other':>18}{'needed':>8}{'seconds':>9}"]
    for one in standings(points):
        means = "".join(f"{value:>7.3f}" for value in curve[one.strategy])
        needed = "-" if one.labels_needed is None else f"{one.labels_needed:.0f}"
        lines.append(
            f"{one.strategy:<22}{means}{one.area:>8.4f}{one.standard_error:>7.4f}{_paired(one.to_reference):>18}"
            f"{_paired(one.to_best_other):>18}{needed:>8}{one.seconds:>9.3f}"
        )
    lines.append(
        "needed: labels at which the mean curve reaches what random has at the end; seconds: to choose a batch"
    )
    return "\n".join(lines)


def _paired(found: Difference | None) -> str:
    return "-" if found is None else f"{found.mean:+.4f} ({found.standard_error:.4f})"


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare strategies on the feature packs.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--strategy", action="append", help="repeatable; all of the table by default")
    parser.add_argument("--set", action="append", choices=SETS, help="repeatable; all three by default")
    parser.add_argument("--fresh", action="store_true", help="forget what is known of these trials")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
