"""`alflow labels history|withdraw|change|check|import`: what happened to labels, and those from other tools."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, new_app, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.ids import ItemId, LabelId
from alflow.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alflow.workflow.answers.history import Change

_Why = Annotated[str, typer.Option("--why", help="The reason, which the history keeps.")]
_By = Annotated[str | None, typer.Option("--by", help="Who does it; by default the name you are logged in with.")]
_Label = Annotated[int, typer.Argument(help="Number of the label, from `alflow labels history`.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("What happened to labels; nothing is ever overwritten.")
    group.command("history")(show_history)
    group.command("withdraw")(withdraw)
    group.command("change")(change)
    group.command("check")(check)
    group.command("import")(bring)
    app.add_typer(group, name="labels")


def show_history(
    item: Annotated[int | None, typer.Argument(help="Number of an image; the newest changes if left out.")] = None,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened to the labels of an image, or last in the project."""
    from alflow.workflow.answers.history import item_history, recent_changes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    changes = (
        recent_changes(workspace, chosen.id)
        if item is None
        else item_history(workspace, chosen.id, ItemId(item)).changes
    )
    if as_json:
        show_json(changes)
    elif not changes:
        say("no label yet" if item is None else f"image {item} has no label yet")
    else:
        _show_changes(changes)


def withdraw(label: _Label, why: _Why, by: _By = None, project: ProjectName = None) -> None:
    """Take an answer back, even in a closed round; it stays in the history, with the person and the reason."""
    from alflow.workflow.answers.history import withdraw_label
    from alflow.workflow.people.annotators import sign_in

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    done = withdraw_label(workspace, chosen.id, sign_in(workspace, by or getpass.getuser()).id, LabelId(label), why)
    say(f"label {done.id} of image {done.item_id} is withdrawn")


def change(
    label: _Label,
    class_name: Annotated[str, typer.Argument(help="Name of the class that is right.")],
    why: _Why,
    by: _By = None,
    project: ProjectName = None,
) -> None:
    """Withdraw an answer and give another in its place."""
    from alflow.workflow.answers.history import change_label
    from alflow.workflow.people.annotators import sign_in
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    classes = {each.name: each.id for each in project_classes(workspace, chosen.id)}
    if class_name not in classes:
        fail(f"there is no class {class_name!r}: choose one of {', '.join(classes)}")
    who = sign_in(workspace, by or getpass.getuser()).id
    made = change_label(workspace, chosen.id, who, LabelId(label), classes[class_name], why)
    say(f"label {label} is withdrawn; label {made.id} says {class_name}")


def check(project: ProjectName = None) -> None:
    """Compare every label with its history; exit with code 1 where they contradict."""
    from alflow.workflow.answers.audit import check_history

    workspace = open_workspace()
    wrong = check_history(workspace, choose_project(workspace, project).id)
    for line in wrong:
        say(line)
    if wrong:
        fail(f"{plural(len(wrong), 'contradiction')} between the labels and their history")
    say("every label agrees with its history")


def bring(
    source: Annotated[
        str,
        typer.Argument(
            help="JSON of Label Studio, Argilla or FiftyOne, CVAT's XML (for images 1.1), JSONL of `export labels`; or "
            "a folder that one of them wrote."
        ),
    ],
    annotator: Annotated[str, typer.Option(help="Who gave the answers for which the file names nobody.")] = "",
    field: Annotated[
        str, typer.Option(help="Argilla's question or FiftyOne's field that holds the class, if there are several.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing unless every answer can be used.")] = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Import answers that people gave in another tool, with their names and times.

    Images are found by hash, address or file name; only those of the pool take answers. Who has answered an image here
    keeps that answer. The same file again changes nothing. What cannot be used is counted and named.

    Exit code 1: no answer is new or known, or --strict found a fault.
    """
    from alflow.workflow.answers.bring import bring_labels
    from alflow.workflow.answers.brought import remarks, summary

    workspace = open_workspace()
    report = bring_labels(workspace, choose_project(workspace, project), source, annotator, field=field, strict=strict)
    if as_json:
        show_json(report)
    else:
        for line in (summary(report), *remarks(report)):
            say(line)
    if not report.added and not report.known:
        fail(f"no label was imported from {source}")


def _show_changes(changes: "Sequence[Change]") -> None:
    show_table(
        ["at", "image", "label", "what", "answer", "annotator", "by", "why"],
        [
            (
                each.at,
                each.item_id,
                each.label_id,
                each.happening,
                each.answer,
                each.annotator,
                each.by,
                each.why or ", ".join(each.altered) or None,
            )
            for each in changes
        ],
    )
