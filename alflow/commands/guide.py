"""`alflow guide`: what people of each role need to know, as text of the package."""

import sys
from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer

from alflow.commands.console import say


class Guide(StrEnum):
    """For whom there is a guide."""

    ANNOTATOR = "annotator"
    ENGINEER = "engineer"
    OPERATOR = "operator"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("guide")(guide)


def guide(role: Annotated[Guide, typer.Argument(help="Who you are.")]) -> None:
    """Read the guide for a role: for who labels, who builds the model, or who runs alflow. In a pipe it is Markdown."""
    text = files("alflow").joinpath("guides", f"{role.value}.md").read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        say_all(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(Console().width, 110)).print(Markdown(text, hyperlinks=False))


def say_all(text: str) -> None:
    """The text as it is, line by line."""
    for line in text.splitlines():
        say(line)
