"""`alflow settings`: look at the settings of a project, and change some."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Annotated

import typer

from alflow.bounds import meaning_of, need
from alflow.commands.console import misused, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.domain.projects import ProjectSettings
from alflow.errors import InvalidInputError
from alflow.text import quoted


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("settings")(settings)


def settings(
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="What to change, such as gold_rate=0.05.")
    ] = None,
    project: ProjectName = None,
    machine: Annotated[
        bool, typer.Option("--machine", help="Show the settings of this machine instead, and where each comes from.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the settings of a project, or change some; a round that is open keeps what it was opened with."""
    if machine:
        _show_machine(project, changes, as_json)
        return
    from alflow.workflow.projects.projects import change_settings

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    if changes:
        changed = change_settings(workspace, chosen.id, _changed(chosen.settings, changes))
        known, now = asdict(chosen.settings), asdict(changed.settings)
        differences = [
            f"{name} is {_word(now[name])}, was {_word(known[name])}" for name in now if now[name] != known[name]
        ]
        say("; ".join(differences) or "nothing changed")
    elif as_json:
        show_json(chosen.settings)
    else:
        known = asdict(chosen.settings)
        show_table(
            ["setting", "value", "meaning"],
            [(name, _word(value), meaning_of(ProjectSettings, name)) for name, value in known.items()],
        )


def _show_machine(project: str | None, changes: Sequence[str] | None, as_json: bool) -> None:
    """The settings of this machine; no workspace is opened, so that they can be read whatever is broken."""
    from alflow.settings import Settings

    if changes or project is not None:
        misused("--machine goes with no project and no change: set its variables in the environment, or in .env")
    found = Settings().in_force()
    if as_json:
        show_json(found)
    else:
        show_table(["setting", "value", "from"], [(each.name, each.value or "-", each.source) for each in found])


def _changed(known: ProjectSettings, changes: Sequence[str]) -> ProjectSettings:
    """The settings with what was typed; `none` is no value.

    Raises:
        InvalidInputError: it is not NAME=VALUE, there is no such setting, or it cannot have this value.
    """
    from pydantic import TypeAdapter, ValidationError

    parts = [each.partition("=") for each in changes]
    names = [field.name for field in fields(ProjectSettings)]
    if wrong := ["".join(part) for part in parts if not part[1] or part[0] not in names]:
        raise InvalidInputError(f"{wrong[0]!r} is not NAME=VALUE of a setting: the settings are {', '.join(names)}")
    typed = {name: value for name, _, value in parts}
    if len(typed) < len(parts):
        raise InvalidInputError("a setting is named twice: name each once")
    values = {name: None if value == "none" else value for name, value in typed.items()}
    try:
        return TypeAdapter(ProjectSettings).validate_python(asdict(known) | values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        value = quoted(typed[name]) if name in typed else "its current value"
        raise InvalidInputError(f"{name} cannot be {value}: it needs {need(ProjectSettings, name)}") from error


def _word(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
