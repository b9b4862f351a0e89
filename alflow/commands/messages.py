"""`alflow messages`: whom a project tells what happens, by webhook, e-mail or chat."""

import sys
from typing import Annotated

import typer

from alflow.commands.console import new_app, note, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.domain.messages import CHOICES, Event
from alflow.ids import ChannelId
from alflow.text import plural

_Number = Annotated[int, typer.Argument(help="Number of the channel, from `alflow messages list`.")]
_EVENTS = "; ".join(f"{event}: {words}" for event, words in CHOICES.items())


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Messages about what happens in a project, by webhook, e-mail or chat.")
    for command in (add, try_, send, remove):
        group.command(command.__name__.rstrip("_"))(command)
    group.command("list")(list_channels)
    app.add_typer(group, name="messages")


def add(
    address: Annotated[
        str,
        typer.Argument(
            help="https://... of a webhook, or an address of Apprise such as mailtos://NAME:PASSWORD@HOST?to=WHOM or "
            "slack://...; - reads it from standard input, so that no list of processes shows it."
        ),
    ],
    event: Annotated[list[Event] | None, typer.Option(help=f"Told there; all, if left out. {_EVENTS}.")] = None,
    project: ProjectName = None,
) -> None:
    """Tell a receiver what happens. Of a webhook the secret is printed, once."""
    from alflow.workflow.projects.channels import add_channel

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    given = sys.stdin.readline() if address == "-" else address
    made, secret = add_channel(workspace, chosen.id, given, event or tuple(CHOICES))
    if secret is not None:
        say(secret)
        note("this secret signs the messages; it is not shown again")
    note(f"channel {made.id} of {chosen.name}, {made.shown}, is told: {', '.join(made.events)}")


def list_channels(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show the channels of a project, without their secrets, and how each goes."""
    from alflow.workflow.projects import channels

    workspace = open_workspace()
    found = channels.list_channels(workspace, choose_project(workspace, project).id)
    if as_json:
        show_json(found)
        return
    rows = [(one.id, one.shown, ", ".join(one.events), one.made_by or "command line", one.words) for one in found]
    show_table(["number", "where", "told", "made by", "how it goes"], rows)


def try_(number: _Number, project: ProjectName = None) -> None:
    """Send a trial message now."""
    from alflow.workflow.projects.channels import try_channel

    workspace = open_workspace()
    shown = try_channel(workspace, choose_project(workspace, project).id, ChannelId(number))
    say(f"a trial message arrived at {shown}")


def send(project: ProjectName = None) -> None:
    """Send now what waits; `alflow up` does this by itself."""
    from alflow.workflow.projects.sending import due_channels, send_waiting

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    arrived = sum(send_waiting(workspace, one) for one in due_channels(workspace, [chosen.id]))
    say(f"{plural(arrived, 'message')} arrived")


def remove(number: _Number, project: ProjectName = None) -> None:
    """Send there no more, what waits neither."""
    from alflow.workflow.projects.channels import remove_channel

    workspace = open_workspace()
    shown = remove_channel(workspace, choose_project(workspace, project).id, ChannelId(number))
    say(f"nothing is sent to {shown} any more")
