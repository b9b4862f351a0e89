"""What the terminal shows: results on stdout, which scripts may read; progress, notes and errors on stderr."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from alflow.errors import AlflowError
from alflow.progress import Progress


def new_app(help_text: str, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A group of commands: shows its help when called without one, and never prints local variables."""
    return typer.Typer(
        help=help_text, cls=cls, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
    )


class Commands(TyperGroup):
    """A group of commands that turns the errors a person can act on into one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit with code 1 where it raises an `AlflowError`."""
        try:
            return super().invoke(ctx)
        except AlflowError as error:
            fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what went wrong on stderr, in one line, and leave with exit code 1.

    Raises:
        Exit: always.
    """
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(1)


def say(message: str) -> None:
    """A result in one line, on stdout."""
    typer.echo(message)


def note(message: str) -> None:
    """Something worth knowing that is not the result, on stderr."""
    typer.echo(message, err=True)


def plural(count: int, one: str, many: str | None = None) -> str:
    """`3 labels`, `1 class`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """A table for people; numbers stand to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    cells = [[_text(cell) for cell in row] for row in rows]
    numeric = [all(_is_number(row[column]) for row in cells) for column in range(len(headings))]
    for heading, right in zip(headings, numeric, strict=True):
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    Console().print(table)


def show_json(value: object) -> None:
    """A value for scripts: dataclasses as objects, times in ISO 8601."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Dataclasses, mappings and times as what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
    """A bar on stderr, shown only where that is a terminal, to be fed by a use case's `progress(done, total)`."""
    with progress_bars(description) as (progress,):
        yield progress


@contextmanager
def progress_bars(*descriptions: str) -> Iterator[list[Progress]]:
    """One bar for each part of the work; a part that has not begun shows none."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = [bar.add_task(description, total=None, visible=not row) for row, description in enumerate(descriptions)]
        yield [partial(_show, bar, task) for task in tasks]


def _show(bar: Any, task: Any, done: int, total: int | None) -> None:
    bar.update(task, completed=done, total=total, visible=True)


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.3f}"
    if isinstance(cell, datetime):
        return cell.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(cell)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).isdigit()
