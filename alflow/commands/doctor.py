"""`alflow doctor`: what is wrong with this installation, one line for each thing, with the remedy."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from alflow.commands.console import note, show_json, show_table
from alflow.commands.options import AsJson
from alflow.errors import AlflowError, InvalidInputError

if TYPE_CHECKING:
    from alflow.settings import Settings
    from alflow.workflow.operating.checks import Check


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("doctor")(doctor)


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="First make anew what is damaged and can be made anew; remove leftovers.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out to read every stored file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong, or soon will be: packages, database, disk, models, images, files, memory, clocks, ports.

    Without --repair nothing is changed. The exit code is 1 if something does not work.
    """
    from alflow.workflow.operating.checks import State

    mended, removed = (_mended(), [*_finished(), *_removed()]) if repair else ([], [])
    found = _checks(files=not quick)
    works = all(each.state is not State.ERROR for each in found)
    if as_json:
        show_json({"ok": works, "repaired": mended, "removed": removed, "checks": found})
    else:
        show_table(["check", "state", "what"], [(each.name, each.state, each.words) for each in found])
    if not works:
        _end()


def _end() -> NoReturn:
    """Exit with code 1; a `Raises` of the command would stand in its help.

    Raises:
        Exit: always.
    """
    raise typer.Exit(1)


def _mended() -> list[str]:
    """What was made anew; why nothing can be is among the checks."""
    from alflow.workflow.operating.doctor import mend

    return _done(mend, "repaired", "was damaged: it is made anew now, or by the next run that needs it")


def _removed() -> list[str]:
    """What writers that were killed had left; why it cannot be removed is among the checks."""
    from alflow.workflow.operating.doctor import tidy

    return _done(tidy, "removed", "was left unfinished by a writer that was killed: it is removed")


def _finished() -> list[str]:
    """Deleted projects of which something was left."""
    from alflow.workflow.operating.doctor import finish

    return _done(finish, "removed", "was not wholly gone: what was left of it is removed")


def _done(act: Callable[["Settings"], list[str]], done: str, became: str) -> list[str]:
    """The files that it has done something to, each of which is told, or why it could not."""
    from alflow.settings import Settings

    try:
        paths = act(Settings())
    except AlflowError as error:
        note(f"nothing was {done}: {error}")
        return []
    for path in paths:
        note(f"{path} {became}")
    return paths


def _checks(*, files: bool) -> "list[Check]":
    from alflow.settings import Settings
    from alflow.workflow.operating.checks import error
    from alflow.workflow.operating.doctor import examine

    try:
        settings = Settings()
    except InvalidInputError as wrong:
        return [error("settings", str(wrong))]  # nothing else can be known: not even where the home is
    return [*examine(settings, files=files), *_ports(settings)]


def _ports(settings: "Settings") -> "Iterator[Check]":
    """Whether `alflow up` can listen, or does."""
    from alflow.commands import clock

    yield _port(settings.host, settings.port, "pages", "/_stcore/health", "ALFLOW_PORT", needed=settings.public_url)
    if not clock.own_server():
        yield _port(clock.LOOPBACK, settings.prefect_port, "Prefect", "/api/health", "ALFLOW_PREFECT_PORT")


def _port(host: str, port: int, what: str, path: str, variable: str, *, needed: str = "") -> "Check":
    from alflow.commands.ports import is_free
    from alflow.commands.processes import answers
    from alflow.workflow.operating.checks import error, ok, warning

    name = f"port of {what}"
    try:
        if is_free(host, port):
            return ok(name, f"{port} on {host} is free")
    except AlflowError as refused:
        return error(name, str(refused))
    if answers(host, port, path):
        return ok(name, f"{port} on {host} is in use, by alflow")
    if needed:
        return error(name, f"another program listens on {port}, and {needed} leads there: stop it, or set {variable}")
    return warning(
        name, f"another program listens on {port} of {host}: `alflow up` takes the next one, or set {variable}"
    )
