"""`alflow backtest`: what each strategy would have brought where the labels are known already."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, progress_bar, show_table
from alflow.domain import Trial, TrialMode, TrialPoint

if TYPE_CHECKING:
    from alflow.workflow.comparison import Difference

_TRIAL = Trial("default", 0)
_REFERENCE = "random"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("backtest")(backtest)


def backtest(
    pack: Annotated[Path | None, typer.Option(help="Labelled activations to try on (safetensors).")] = None,
    model: Annotated[Path | None, typer.Option(help="Last layers of the pack's model (safetensors).")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Image-text pairs for its posterior (safetensors).")] = None,
    domain: Annotated[int | None, typer.Option(help="Judge and aim at this domain of the pack only.")] = None,
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", help="What to try; repeatable. See `alflow strategies`.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Splits and draws to try each strategy on.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds a trial.")] = 5,
    batch: Annotated[int, typer.Option(min=1, help="Labels a round.")] = _TRIAL.batch,
    pool: Annotated[int, typer.Option(min=1, help="Items of the pool at most.")] = _TRIAL.pool,
    mode: Annotated[
        TrialMode, typer.Option(help="Are labels known after a whole batch, as in a round, or after every pick?")
    ] = _TRIAL.mode,
    control_fraction: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of a batch drawn at random.")
    ] = _TRIAL.control_fraction,
    processes: Annotated[int, typer.Option(min=1, help="Trials side by side.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the points of all trials here.")] = None,
) -> None:
    """Try strategies on labelled items: a feature pack."""
    from alflow.workflow.comparison import standings
    from alflow.workflow.packs import Pack
    from alflow.workflow.trials import Plan, run_trials

    if pack is None or model is None or pairs is None:
        fail("a feature pack needs its three files: --pack, --model and --pairs")
    names = strategies or ["default", _REFERENCE]
    trials = [
        Trial(name, seed, batch, pool, domain, mode, control_fraction)
        for seed in range(seeds)
        for name in dict.fromkeys(names)
    ]
    results: dict[Trial, list[TrialPoint]] = {trial: [] for trial in trials}
    with progress_bar("trying strategies") as progress:
        plan = Plan(Pack(model, pairs, pack), trials, rounds, {})
        run_trials(plan, lambda trial, point: results[trial].append(point), processes, progress)
    if json_file is not None:
        json_file.write_text(json.dumps(_rows(results), indent=1) + "\n", encoding="utf-8")
    reference = _REFERENCE if _REFERENCE in names else names[0]
    show_table(
        ["strategy", "area", "se", f"less {reference}", "less best other", "labels needed", "s a batch"],
        [
            (
                one.strategy,
                one.area,
                one.standard_error,
                _difference(one.to_reference),
                _difference(one.to_best_other),
                one.labels_needed,
                one.seconds,
            )
            for one in standings(results, reference=reference)
        ],
        title=f"Mean accuracy over {rounds} rounds, {seeds} seeds",
    )


def _rows(results: dict[Trial, list[TrialPoint]]) -> list[dict[str, object]]:
    return [
        {
            "strategy": trial.strategy,
            "seed": trial.seed,
            "labels": point.labels,
            "accuracy": point.accuracy,
            "nlpd": point.nlpd,
            "ece": point.ece,
            "seconds": point.seconds,
        }
        for trial, points in results.items()
        for point in points
    ]


def _difference(found: "Difference | None") -> str | None:
    return None if found is None else f"{found.mean:+.4f} ± {found.standard_error:.4f}"
