"""`make bench-acquisition`: every strategy on the feature packs of ALFLOW_PACKS, curves and paired differences.

    python -m tests.bench.strategies [--seeds 10] [--first-seed 0] [--rounds 5] [--batch 20] [--processes 2]
                                      [--strategy NAME ...] [--set NAME ...]

Points are kept in build/bench-acquisition (a database): a run that was stopped goes on. After a change of the code
that matters, start with `--fresh`. A pack without texts asks for one label a class and round, and leaves out strategies
that need a posterior; a set that is not at hand is left out with the reason.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import os
import sys
from pathlib import Path

from alflow.acquisition.strategies import ORACLES, STRATEGIES, find
from alflow.settings import Settings
from alflow.workflow.backtests.comparison import Difference, Results, curves, standings
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workspace import Workspace
from tests.bench import sets

HOME = Path(__file__).parents[2] / "build" / "bench-acquisition"
TWEMOJI = 1
SETS = {
    "fashion": ("fashion", None),
    "emoji (all styles)": ("emoji", None),
    "emoji -> twemoji": ("emoji", TWEMOJI),
    **{name: (name, None) for name in (*sets.CLIP, *sets.CLIP_IMAGES)},
}


def main(arguments: list[str]) -> int:
    """Run what is missing and print a table for each pack."""
    chosen = _parse(arguments)
    workspace = Workspace.open(Settings(home=HOME))
    asked = tuple(dict.fromkeys(chosen.strategy or STRATEGIES))
    measured = 0
    for title in chosen.set or SETS:
        name, domain = SETS[title]
        try:
            source = sets.pack(name)
        except sets.MissingError as why:
            print(f"{title} is left out: {why}", file=sys.stderr)
            continue
        about = source.about()
        names = tuple(
            each for each in asked if about.with_posterior or each in ORACLES or not find(each).needs_posterior
        )
        batch = chosen.batch or about.usual_batch
        grid = Grid(names, chosen.seeds, chosen.rounds, batch, domain=domain, first_seed=chosen.first_seed)
        study = run_study(workspace, source, grid, processes=chosen.processes, fresh=chosen.fresh)
        seeds = f"{chosen.seeds} seeds from {chosen.first_seed}"
        print(f"\n{title}: {seeds}, {chosen.rounds} rounds of {batch} labels, test accuracy\n")
        print(table(study.points), flush=True)
        measured += 1
    return 0 if measured else 1


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
    parser.add_argument("--batch", type=int, help="20 by default, of a pack without texts one a class")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--strategy", action="append", help="repeatable; all of the table by default; 'boss' is the oracle"
    )
    parser.add_argument("--set", action="append", choices=SETS, help="repeatable; all by default")
    parser.add_argument("--fresh", action="store_true", help="forget what is known of these trials")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
