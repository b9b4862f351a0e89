"""`alflow classes list|set|add|rename|edit|order|remove|try|suggest`: the classes of a project."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands import class_trials
from alflow.commands.console import misused, new_app, note, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alflow.domain.projects import ClassLabel, NewClass
    from alflow.workflow.projects.class_changes import ChangedClasses

ClassFile = Annotated[
    Path | None, typer.Option("--classes", help="A file of classes: one name per line, CSV, or JSON with prompts.")
]
Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="Prompt of classes without their own; {} is the name. Repeatable."),
]
_Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Class names, in order.")]
_Chosen = Annotated[list[str], typer.Argument(metavar="NAME...", help="Class names.")]
_Prompts = Annotated[list[str] | None, typer.Option("--prompt", help="What the model reads. Repeatable.")]
_Shown = Annotated[str | None, typer.Option("--shown", help="What people see.")]
_Key = Annotated[str | None, typer.Option("--key", help="The key that answers it: a digit or a letter.")]

_Group = Annotated[str | None, typer.Option("--group", help="What heads it in lists of classes; '' for none.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    classes = new_app("The classes of a project.")
    classes.command("list")(list_)
    classes.command("set")(set_)
    classes.command("add")(add)
    classes.command("rename")(rename)
    classes.command("edit")(edit)
    classes.command("order")(order)
    classes.command("remove")(remove)
    class_trials.register(classes)
    app.add_typer(classes, name="classes")


def list_(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show the classes: order, key, prompts."""
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    found = project_classes(workspace, choose_project(workspace, project).id)
    if as_json:
        show_json(found)
    else:
        _show(found)


def set_(
    names: _Names = None, class_file: ClassFile = None, templates: Templates = None, project: ProjectName = None
) -> None:
    """Set the classes and their order; known ones keep what is not given, and one in use cannot be removed."""
    from alflow.workflow.projects.naming import TEMPLATES
    from alflow.workflow.projects.projects import project_classes, set_classes

    wanted = given_classes(names, class_file, templates, required=True)
    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    before = {entry.name for entry in project_classes(workspace, chosen.id)}
    stored = set_classes(workspace, chosen.id, wanted, templates or TEMPLATES)
    say(f"{plural(len(stored), 'class', 'classes')}: {', '.join(entry.name for entry in stored)}")
    if gone := before - {entry.name for entry in stored}:
        note(f"removed: {', '.join(sorted(gone))}")


def add(
    names: _Names = None,
    class_file: ClassFile = None,
    templates: Templates = None,
    prompts: _Prompts = None,
    shown: _Shown = None,
    key: _Key = None,
    group: _Group = None,
    project: ProjectName = None,
) -> None:
    """Add classes after the existing ones."""
    from alflow.domain.projects import NewClass
    from alflow.workflow.projects.class_changes import add_classes
    from alflow.workflow.projects.naming import TEMPLATES

    new = given_classes(names, class_file, templates, required=True)
    if prompts or shown or key:
        if len(new) > 1:
            misused("--prompt, --shown and --key apply to one class: add it by itself")
        new = [NewClass(new[0].name, shown or "", tuple(prompts or ()), key)]
    if group:
        new = [replace(each, group=group) for each in new]
    workspace = open_workspace()
    done = add_classes(workspace, choose_project(workspace, project).id, new, templates or TEMPLATES)
    _tell(f"{plural(len(done.changed), 'class', 'classes')} added, {len(done.classes)} in all", done)


def rename(
    name: Annotated[str, typer.Argument(metavar="OLD", help="Name of the class.")],
    to: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    project: ProjectName = None,
) -> None:
    """Rename a class; it keeps its labels, history and key, and whatever was written by hand."""
    from alflow.workflow.projects.class_changes import rename_class
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    before = {entry.id: entry.prompts for entry in project_classes(workspace, chosen.id)}
    done = rename_class(workspace, chosen.id, name, to)
    (renamed,) = done.changed
    kept = [prompt for prompt in renamed.prompts if prompt in before.get(renamed.id, ())]
    _tell(f"{name} is renamed to {renamed.name}, shown as {renamed.display_name}", done)
    if kept:
        note(f"unchanged, because they were written by hand: {'; '.join(kept)} (see `alflow classes edit`)")


def edit(
    names: _Chosen,
    prompts: _Prompts = None,
    templates: Annotated[
        list[str] | None,
        typer.Option("--template", help="Make the prompts from the shown name, put in place of {}. Repeatable."),
    ] = None,
    shown: _Shown = None,
    key: _Key = None,
    group: _Group = None,
    project: ProjectName = None,
) -> None:
    """Change the shown name, prompts or key of a class, or of several the group, or the prompts by a template."""
    from alflow.workflow.projects.class_changes import edit_classes
    from alflow.workflow.projects.class_edits import Edit

    if prompts and templates:
        misused("give prompts or a template, not both")
    if len(names) > 1 and (prompts or shown or key):
        misused("--prompt, --shown and --key apply to one class: edit the classes one by one")
    workspace = open_workspace()
    wanted = Edit(shown, prompts or None, templates or None, key, group=group)
    done = edit_classes(workspace, choose_project(workspace, project).id, names, wanted)
    _tell(f"{plural(len(done.changed), 'class', 'classes')} changed", done)


def order(names: _Chosen, project: ProjectName = None) -> None:
    """Put these classes first, in this order; the others follow, and keys stay with their classes."""
    from alflow.workflow.projects.class_changes import order_classes

    workspace = open_workspace()
    done = order_classes(workspace, choose_project(workspace, project).id, names)
    say(f"in order: {', '.join(entry.name for entry in done.classes)}")


def remove(names: _Chosen, project: ProjectName = None) -> None:
    """Remove classes that no label and no image uses."""
    from alflow.workflow.projects.class_changes import remove_classes

    workspace = open_workspace()
    done = remove_classes(workspace, choose_project(workspace, project).id, names)
    say(f"{', '.join(names)} removed, {plural(len(done.classes), 'class', 'classes')} left")


def given_classes(
    names: list[str] | None, file: Path | None, templates: list[str] | None, *, required: bool = False
) -> "list[NewClass]":
    """The classes named on the command line or in a file, with nothing but what is given there.

    Raises:
        BadParameter: both were given, or none and one is required.
    """
    from alflow.domain.projects import NewClass
    from alflow.workflow.projects.classes import read_given
    from alflow.workflow.projects.naming import TEMPLATES

    if names and file:
        raise typer.BadParameter("give class names or a file of classes, not both")
    if required and not (names or file):
        raise typer.BadParameter("name the classes, or give a file of them")
    if file is not None:
        return read_given(file, templates or TEMPLATES)
    return [NewClass(name, "", ()) for name in names or []]


def _tell(what: str, done: "ChangedClasses") -> None:
    say(what)
    _show(done.changed)
    if done.open_round is not None:
        note(
            f"round {done.open_round} stays open: its predictions were made with the previous classes; answers can use "
            "the new ones at once"
        )


def _show(classes: "Sequence[ClassLabel]") -> None:
    rows = [[each.position, each.hot_key, each.name, each.display_name, "; ".join(each.prompts)] for each in classes]
    head = ["order", "key", "name", "shown as", "prompts"]
    if any(each.group for each in classes):
        rows, head = [[*row, each.group] for row, each in zip(rows, classes, strict=True)], [*head, "group"]
    show_table(head, rows)
