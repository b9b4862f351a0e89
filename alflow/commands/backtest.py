"""`alflow backtest`: what each strategy would have brought where the labels are known already."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, note, progress_bar, show_table
from alflow.commands.options import ProjectName, choose_project, limits, open_workspace
from alflow.domain.trials import Trial, TrialMode

if TYPE_CHECKING:
    from alflow.workflow.backtests.comparison import Difference, Results
    from alflow.workflow.backtests.trials import Source
    from alflow.workspace import Workspace

_TRIAL = Trial("default", 0)
_REFERENCE = "random"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("backtest")(backtest)


def backtest(
    pack: Annotated[Path | None, typer.Option(help="Labelled activations to test on (safetensors).")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Last layers of the pack's model (safetensors), if it has texts.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(help="Image-text pairs for its posterior (safetensors).")] = None,
    domain: Annotated[
        int | None, typer.Option(help="Take targets and test images from this domain of the pack.")
    ] = None,
    strategies: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy", "-s", help="Strategy to test; repeatable. See `alflow strategies`; `boss` is an oracle."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=1_000, help="Number of seeds: each strategy runs once per seed.")
    ] = 5,
    first_seed: Annotated[
        int, typer.Option(min=0, help="First seed. Do not evaluate on the seeds on which you tuned settings.")
    ] = 0,
    rounds: Annotated[int, typer.Option(min=1, max=1_000, help="Rounds per trial.")] = 5,
    batch: Annotated[
        int | None,
        typer.Option(
            **limits("batch", Trial),
            help=f"Labels per round; by default {_TRIAL.batch}, or one per class for a pack without texts.",
        ),
    ] = None,
    pool: Annotated[
        int, typer.Option(**limits("pool", Trial), help="Largest number of items in the pool.")
    ] = _TRIAL.pool,
    mode: Annotated[
        TrialMode,
        typer.Option(help="When labels are revealed: after a whole batch, as in a round, or after every pick."),
    ] = _TRIAL.mode,
    control_fraction: Annotated[
        float, typer.Option(**limits("control_fraction", Trial), help="Share of a batch drawn at random.")
    ] = _TRIAL.control_fraction,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Trials that run in parallel.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run these trials again, even if their results are known.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the points of all trials here.")] = None,
    project: ProjectName = None,
) -> None:
    """Try strategies where labels are known: on a project's own labelled images, or on a feature pack.

    Results are stored as they arrive: a run that was stopped continues where it ended.
    """
    from alflow.workflow.backtests.study import Grid, run_study, warning

    workspace = open_workspace()
    names = tuple(strategies or ("default", _REFERENCE))
    source = _source(workspace, project, (pack, model, pairs))
    each_round = source.about().usual_batch if batch is None else batch
    grid = Grid(names, seeds, rounds, each_round, pool, domain, mode, control_fraction, first_seed)
    with progress_bar("running trials") as progress:
        study = run_study(workspace, source, grid, processes=processes, fresh=fresh, progress=progress)
    if json_file is not None:
        json_file.write_text(json.dumps(_rows(study.points), indent=1) + "\n", encoding="utf-8")
    _show(study.points, _REFERENCE if _REFERENCE in names else names[0], f"{rounds} rounds, {seeds} seeds")
    if problem := warning(study.backtest):
        note(f"warning: {problem}")


def _source(
    workspace: "Workspace", project: str | None, files: tuple[Path | None, Path | None, Path | None]
) -> "Source":
    """A pack where its files are given, else the project's labelled images."""
    from alflow.workflow.backtests.labelled import LabelledItems
    from alflow.workflow.backtests.packs import pack_of

    pack, model, pairs = files
    if not any(files):
        return LabelledItems(workspace, choose_project(workspace, project).id)
    if pack is None or project is not None:
        fail("give either --project, or a feature pack: --pack, with --model and --pairs where it has class texts")
    return pack_of(pack, model, pairs)


def _show(points: "Results", reference: str, title: str) -> None:
    from alflow.workflow.backtests.comparison import standings

    show_table(
        ["strategy", "area", "se", f"minus {reference}", "minus best other", "labels needed", "s per batch"],
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
            for one in standings(points, reference=reference)
        ],
        title=f"Mean accuracy, {title}; labels needed to reach the final accuracy of {reference}",
    )


def _rows(results: "Results") -> list[dict[str, object]]:
    return [
        {
            "strategy": trial.strategy,
            "seed": trial.seed,
            "labels": point.labels,
            "accuracy": point.accuracy,
            "nlpd": point.nlpd,
            "ece": point.ece,
            "total": point.total,
            "aleatoric": point.aleatoric,
            "epistemic": point.epistemic,
            "seconds": point.seconds,
        }
        for trial, points in results.items()
        for point in points
    ]


def _difference(found: "Difference | None") -> str | None:
    return None if found is None else f"{found.mean:+.4f} ± {found.standard_error:.4f}"
