"""`alflow people erase`: forget a person for good."""

from typing import Annotated

import typer

from alflow.commands.console import note, say
from alflow.commands.options import open_workspace
from alflow.text import plural, visible

_Name = Annotated[str, typer.Argument(help="Name of the person, as they sign in.")]


def erase(
    name: _Name,
    comments: Annotated[
        bool, typer.Option("--comments", help="Empty also the comments, notes and reasons that the person wrote.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget somebody for good: their answers stay under a pseudonym, all else about them goes."""
    from alflow.workflow.people.erase import erase as forget
    from alflow.workflow.people.erase import find_person

    workspace = open_workspace()
    person = find_person(workspace, name)
    if not yes:
        typer.confirm(visible(f"Forget {person.name} for good? This cannot be undone"), abort=True, err=True)
    done = forget(workspace, person.id, comments=comments)
    say(
        f"{person.name} is forgotten: name, login, e-mail address, password, sessions and roles are gone; "
        f"{plural(done.answers, 'answer')} of {done.name} stay"
    )
    if done.invitations:
        note(f"{plural(done.invitations, 'invitation')} to or from this person cannot be used any more")
    _explain_remarks(done.remarks, done.name, emptied=comments)
    if not done.rewritten:
        note(f"the database is in use and still holds deleted bytes: later run `alflow people erase {done.name} --yes`")
    note(
        "not erased: files that were exported, copies of the database, guidelines and other people's comments, "
        f"and the logs in {workspace.settings.home / 'logs'}; look there for the name yourself"
    )


def _explain_remarks(count: int, name: str, *, emptied: bool) -> None:
    if not count:
        return
    what = plural(count, "comment, note or reason", "comments, notes and reasons")
    if emptied:
        note(f"{what} emptied; the history of labels, which nobody can change, keeps what comments on labels said")
    else:
        note(f"{what} of {name} stay; empty them with `alflow people erase {name} --comments`")
