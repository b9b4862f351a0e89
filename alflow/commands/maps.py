"""`alflow map` and `alflow slices`: the map of the images, and how well each round's model knows a set of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alflow.workflow.insight.slices import SliceReport


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("map")(make_map)
    app.command("slices")(slices)


def make_map(
    anew: Annotated[
        bool, typer.Option("--anew", help="Lay all images out anew: those that are on the map move.")
    ] = False,
    project: ProjectName = None,
) -> None:
    """Make the map of the images now; the schedule does so by itself, and new images never move the old ones."""
    from alflow.workflow.insight.map import make_map as make

    workspace = open_workspace()
    made = make(workspace, choose_project(workspace, project).id, anew=anew)
    say(f"{plural(len(made.item_ids), 'image')} on the map, by {made.words}; it was made of {made.made_of:,}")


def slices(
    remove: Annotated[str | None, typer.Option(help="Remove the slice of this name; its images stay.")] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Evaluate now what is due, first.")] = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """List the slices and how good the model after each round is on them; slices are made on the page Map."""
    from alflow.workflow.insight.slices import evaluate_slices, remove_slice, slice_reports

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    if remove is not None:
        remove_slice(workspace, chosen.id, remove)
    if evaluate:
        evaluate_slices(workspace, chosen.id)
    reports = slice_reports(workspace, chosen.id)
    if as_json:
        show_json(reports)
    elif reports:
        _show(reports)
    else:
        say("no slice yet: select images on the page Map and save them as a slice")


def _show(reports: "Sequence[SliceReport]") -> None:
    rows = []
    for report in reports:
        known = [
            (each.round_number, each.n_test, each.n_later, *(_interval(each.metrics.get(name)) for name in _METRICS))
            for each in report.evaluations
        ]
        rows += [(report.slice.name, report.images, *one) for one in known or [("-",) * (3 + len(_METRICS))]]
    headings = ["slice", "images", "after round", "test images", "labelled later", *_METRICS]
    show_table(headings, rows, title="Evaluated on test images, and on images that were labelled after the round")


_METRICS = ("accuracy", "nlpd", "ece")


def _interval(metric: "tuple[float, float, float] | None") -> str:
    return "-" if metric is None else f"{metric[0]:.3f} ({metric[1]:.2f}-{metric[2]:.2f})"
