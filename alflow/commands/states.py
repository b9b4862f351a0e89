"""`alflow project list|stop|resume|archive|delete`: whether a project runs, and the end of it."""

from typing import Annotated

import typer

from alflow.commands.console import fail, new_app, note, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, choose_project, open_workspace
from alflow.domain.projects import ProjectState

_Name = Annotated[str, typer.Argument(help="Name of the project.", metavar="PROJECT")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Projects: which there are; stop, resume, archive and delete one.")
    group.command("list")(list_projects)
    group.command("stop")(stop)
    group.command("resume")(resume)
    group.command("archive")(archive)
    group.command("delete")(delete)
    app.add_typer(group, name="project")


def list_projects(as_json: AsJson = False) -> None:
    """List all projects, archived ones too, and whether they run."""
    from alflow.workflow.projects.projects import list_projects as every

    found = every(open_workspace())
    if as_json:
        show_json(found)
    elif found:
        rows = ((one.name, one.state, one.model, one.created_at) for one in found)
        show_table(["project", "state", "model", "since"], rows)
    else:
        say("no project yet: create one with `alflow init NAME --class ...`")


def stop(project: _Name) -> None:
    """Let nothing run for a project, and ask nobody, until it is resumed; answers on their way are still stored."""
    _change(project, ProjectState.STOPPED)


def resume(project: _Name) -> None:
    """Let a project go on that was stopped or archived."""
    _change(project, ProjectState.ACTIVE)


def archive(project: _Name) -> None:
    """Stop a project and take it out of all lists; nothing goes, and `alflow project resume` brings it back."""
    _change(project, ProjectState.ARCHIVED)


def delete(
    project: _Name,
    really: Annotated[
        str | None, typer.Option("--really", help="The name of the project once more, in place of the question.")
    ] = None,
) -> None:
    """Delete a project with its labels, rounds and files, for good; it says first what goes.

    The images stay where they came from. One that was killed goes on when it is run again.
    """
    from alflow.workflow.operating.deleting import begun_deletion, belongings, delete_project, finish_deletions

    workspace = open_workspace()
    with progress_bar("deleting") as progress:
        if begun_deletion(workspace, project) is not None:
            finish_deletions(workspace, progress)
            say(f"project {project} is deleted")
            return
    chosen = choose_project(workspace, project)
    note(f"what goes for good: {belongings(workspace, chosen.id).words}")
    note("what stays: the images where they came from, exported files, backups, and lines in logs")
    typed = really or typer.prompt("Type the name of the project to delete it", err=True)
    if typed != chosen.name:
        fail(f"{typed!r} is not the name of the project: nothing was deleted")
    with progress_bar("deleting") as progress:
        delete_project(workspace, chosen.id, progress)
    say(f"project {chosen.name} is deleted")


def _change(name: str, state: ProjectState) -> None:
    from alflow.workflow.projects.states import WHAT_IT_DOES, change_state

    workspace = open_workspace()
    changed = change_state(workspace, choose_project(workspace, name).id, state)
    say(f"project {changed.name} is {changed.state}: {WHAT_IT_DOES[state]}")
