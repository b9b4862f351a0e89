"""`alflow watch`: folders and prefixes of buckets whose new images enter a project by themselves."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alflow.commands.console import new_app, say, show_json, show_table
from alflow.commands.options import AsJson, Shares, choose_project, limits, open_workspace
from alflow.domain.images import Split
from alflow.domain.watches import CHANGED, FileState, Watch
from alflow.text import plural

_Project = Annotated[str, typer.Argument(help="Name of the project.", metavar="PROJECT")]
_Source = Annotated[str, typer.Argument(help="Folder, or prefix of a bucket such as s3://bucket/birds.")]
_ADD = "add"


class _Group(TyperGroup):
    """`alflow watch PROJECT SOURCE` is short for `alflow watch add PROJECT SOURCE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [_ADD, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Watched folders and buckets: their new images enter a project by themselves.", cls=_Group)
    group.command(_ADD)(watch)
    group.command("list")(list_watched)
    group.command("stop")(stop)
    app.add_typer(group, name="watch")


def watch(
    project: _Project,
    source: _Source,
    split: Annotated[Split, typer.Option(help="What the images are for.")] = Split.POOL,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", **limits("every", Watch))] = 60.0,
    shares: Shares = "",
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Let links lead outside of the folder.")] = False,
) -> None:
    """Watch a folder or a prefix of a bucket: what is there, and what comes, enters the project by itself.

    The schedule (`alflow up`) looks, and `alflow advance`. A file on disk is taken once its size and time have not
    changed from one look to the next. What is known is not read again. (`alflow watch PROJECT SOURCE` for short.)
    """
    from alflow.workflow.images.shares import Destination, parse
    from alflow.workflow.images.watching import watch as begin

    workspace = open_workspace()
    made = begin(
        workspace,
        choose_project(workspace, project),
        source,
        Destination(split, parse(shares)),
        every,
        anywhere=anywhere,
    )
    there = sum(made.files.values()) - made.files[CHANGED]
    say(f"{made.source} is watched for {made.split}, and holds {plural(there, 'file')} now")


def list_watched(
    project: Annotated[str | None, typer.Argument(help="Name of the project; all, if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is watched, and what pages take once, with what became of its files, and why one cannot be read."""
    from alflow.workflow.images.watching import watched
    from alflow.workflow.projects.projects import find_project, listed_projects

    workspace = open_workspace()
    chosen = listed_projects(workspace) if project is None else [find_project(workspace, project)]
    found = {entry.name: watched(workspace, entry.id) for entry in chosen}
    if as_json:
        show_json(found)
    elif any(found.values()):
        show_table(_HEADINGS, (_row(name, one) for name, every in found.items() for one in every))
    else:
        say("nothing is watched yet: `alflow watch PROJECT SOURCE`")


def stop(project: _Project, source: _Source) -> None:
    """Take no more of a source, also of one that the Project page takes once; the images that came from it stay."""
    from alflow.workflow.images.watching import unwatch

    workspace = open_workspace()
    unwatch(workspace, choose_project(workspace, project), source)
    say(f"nothing more is taken of {source}; its images stay")


_COUNTS = (FileState.KNOWN, FileState.NEW, FileState.READY, FileState.REFUSED, CHANGED, FileState.GONE)
_HEADINGS = (
    "project",
    "source",
    "split",
    "taken",
    "new",
    "ready",
    "rejected",
    "changed",
    "gone",
    "looked",
    "trouble",
    "kind",
)


def _row(project: str, one: Watch) -> tuple[object, ...]:
    counts = (one.files.get(name, 0) for name in _COUNTS)
    kind = "once" if one.once else "watched"
    return (project, one.source, one.split, *counts, one.looked_at, one.trouble, kind)
