"""`alflow backtest`: what each strategy would have brought where the labels are known already."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, note, progress_bar, show_table
from alflow.commands.options import ProjectName, choose_project, limits, open_workspace
from alflow.domain import Trial, TrialMode

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
    pack: Annotated[Path | None, typer.Option(help="Labelled activations to try on (safetensors).")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Last layers of the pack's model (safetensors), if it has texts.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(help="Image-text pairs for its posterior (safetensors).")] = None,
    domain: Annotated[int | None, typer.Option(help="Evaluate on, and aim at, this domain of the pack only.")] = None,
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", help="What to try; repeatable. See `alflow strategies`.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1_000, help="Splits and draws to try each strategy on.")] = 5,
    first_seed: Annotated[
        int, typer.Option(min=0, help="The first seed: judge on seeds other than those you chose settings by.")
    ] = 0,
    rounds: Annotated[int, typer.Option(min=1, max=1_000, help="Rounds a trial.")] = 5,
    batch: Annotated[
        int | None,
        typer.Option(
            **limits("batch", Trial),
            help=f"Labels a round; if not given {_TRIAL.batch}, of a pack without texts one a class.",
        ),
    ] = None,
    pool: Annotated[
        int, typer.Option(**limits("pool", Trial), help="Largest number of items in the pool.")
    ] = _TRIAL.pool,
    mode: Annotated[
        TrialMode, typer.Option(help="Are labels known after a whole batch, as in a round, or after every pick?")
    ] = _TRIAL.mode,
    control_fraction: Annotated[
        float, typer.Option(**limits("control_fraction", Trial), help="Share of a batch drawn at random.")
    ] = _TRIAL.control_fraction,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Trials side by side.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run these trials again, even if their results are known.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the points of all trials here.")] = None,
    project: ProjectName = None,
) -> None:
    """Try strategies where labels are known: on a project's own labelled images, or on a feature pack.

    Points are kept as they come: a run that was stopped goes on where it was.
    """
    from alflow.workflow.backtests.study import Grid, run_study, warning

    workspace = open_workspace()
    names = tuple(strategies or ("default", _REFERENCE))
    source = _source(workspace, project, (pack, model, pairs))
    each_round = source.about().usual_batch if batch is None else batch
    grid = Grid(names, seeds, rounds, each_round, pool, domain, mode, control_fraction, first_seed)
    with progress_bar("trying strategies") as progress:
        study = run_study(workspace, source, grid, processes=processes, fresh=fresh, progress=progress)
    if json_file is not None:
        json_file.write_text(json.dumps(_rows(study.points), indent=1) + "\n", encoding="utf-8")
    _show(study.points, _REFERENCE if _REFERENCE in names else names[0], f"{rounds} rounds, {seeds} seeds")
    if told := warning(study.backtest):
        note(f"warning: {told}")


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
            for one in standings(points, reference=reference)
        ],
        title=f"Mean accuracy, {title}; labels needed for what {reference} has at the end",
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
