"""`alflow guide`: the chapters of the guide, as text of the package."""

import re
import sys
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Final

import typer

from alflow.commands.console import say

_PICTURE: Final = re.compile(r"!\[([^]]*)\]\([^)]*\)")
_LINK: Final = re.compile(r"\[([^]]*)\]\((?!https?:)(?:[\w./-]*/)?([\w-]*)(\.md)?(?:#[\w-]*)?\)")


class Chapter(StrEnum):
    """The chapters, those for a role first."""

    ANNOTATOR = "annotator"
    ENGINEER = "engineer"
    OPERATOR = "operator"
    PROJECT = "project"
    DATA = "data"
    PYTHON = "python"
    FEATURES = "features"
    RESULTS = "results"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("guide")(guide)


def guide(
    chapter: Annotated[Chapter | None, typer.Argument(help="What to read; without one, what there is.")] = None,
) -> None:
    """Read a chapter of the guide, or list them: for each role, on data, on results. In a pipe it is Markdown."""
    if chapter is None:
        for each in Chapter:
            say(f"  alflow guide {each.value:10}  {title(text_of(each))}")
        return
    text = text_of(chapter)
    if not sys.stdout.isatty():
        for line in text.splitlines():
            say(line)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(Console().width, 110)).print(Markdown(for_terminal(text), hyperlinks=False))


def text_of(chapter: Chapter) -> str:
    """The Markdown of a chapter."""
    return files("alflow").joinpath("guides", f"{chapter.value}.md").read_text(encoding="utf-8")


def title(text: str) -> str:
    """The heading of a chapter."""
    return text.splitlines()[0].removeprefix("# ")


def for_terminal(text: str) -> str:
    """The Markdown with what leads nowhere in a terminal said in words: links to chapters and files, pictures."""
    return _LINK.sub(_told, _PICTURE.sub(r"(picture: \1)", text))


def _told(link: re.Match[str]) -> str:
    words, name, markdown = link.groups()
    if not name:  # within the chapter
        return words
    if markdown and name in set(Chapter):
        return f"{words} (`alflow guide {name}`)"
    return f"{words} (`{name}{markdown or ''}`)" if name not in words else words
