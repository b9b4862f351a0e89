"""`alflow find`: images by words or by likeness, and sending them to the queue."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, misused, note, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.domain.images import Split
from alflow.ids import ClassId, ItemId
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workflow.model.find import Search
    from alflow.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("find")(find)


def find(
    text: Annotated[str | None, typer.Argument(help="What to look for, in a few words.")] = None,
    like: Annotated[int | None, typer.Option(help="Number of an image: find those most like it, instead.")] = None,
    split: Annotated[Split | None, typer.Option(help="Search this split only.")] = None,
    labelled: Annotated[
        bool | None, typer.Option("--labelled/--unlabelled", help="Search images with a label, or without.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Search images labelled as this class.")] = None,
    predicted: Annotated[
        str | None, typer.Option(help="Search images that the model predicts to be of this class.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="Images to show.")] = 20,
    queue: Annotated[
        str | None, typer.Option(help="Send the images found to the open round, with this reason.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who sends; by default the name you are logged in with.")] = None,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Find images by words or by likeness to another image; the nearest come first."""
    from alflow.workflow.model.find import Filter, find_like, find_text

    if (text is None) == (like is None):
        misused("say what to look for, or give an image with --like")
    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    classes = _class_ids(workspace, chosen)
    where = Filter(split, labelled, _class(label, classes), _class(predicted, classes))
    if like is not None:
        search = find_like(workspace, chosen, ItemId(like), where, count)
    else:
        if not workspace.holds_encoder(chosen):
            note(f"loading {chosen.model} ...")
        search = find_text(workspace, chosen, text or "", where, count)
    if as_json:
        show_json(search)
    else:
        _show(search, {id_: name for name, id_ in classes.items()})
    if queue is not None:
        _send(workspace, chosen, search, queue, by)


def _send(workspace: "Workspace", project: "Project", search: "Search", why: str, by: str | None) -> None:
    from alflow.workflow.people.annotators import sign_in
    from alflow.workflow.rounds.chosen import send_to_queue

    who = sign_in(workspace, by or getpass.getuser()).id
    report = send_to_queue(workspace, project.id, who, [one.item.id for one in search.found], why)
    note(f"{plural(len(report.queued), 'image')} sent to round {report.round_number}")
    for item, reason in report.refused.items():
        note(f"image {item} {reason}")


def _show(search: "Search", names: dict[ClassId, str]) -> None:
    say(f"the nearest of {plural(search.searched, 'image')}")
    show_table(
        ["image", "score", "split", "label", "predicted", "probability", "file"],
        [
            (
                one.item.id,
                one.score,
                one.item.split,
                None if one.class_id is None else names.get(one.class_id, "?"),
                None if one.predicted_class_id is None else names.get(one.predicted_class_id, "?"),
                one.probability,
                one.item.uri.rsplit("/", 1)[-1],
            )
            for one in search.found
        ],
    )


def _class_ids(workspace: "Workspace", project: "Project") -> dict[str, ClassId]:
    from alflow.workflow.projects.projects import project_classes

    return {each.name: each.id for each in project_classes(workspace, project.id)}


def _class(name: str | None, classes: dict[str, ClassId]) -> ClassId | None:
    if name is not None and name not in classes:
        fail(f"there is no class {name!r}: choose one of {', '.join(classes)}")
    return None if name is None else classes[name]
