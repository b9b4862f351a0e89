"""What the terminal shows: results on stdout, which scripts may read; progress, notes and errors on stderr.

Names come from outside and are shown as they are: no markup, no emoji codes, and nothing that a terminal would obey.
In a pipe, tables are neither folded nor cut.
"""

import errno
import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import partial
from io import TextIOWrapper
from typing import Any, Final, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from alflow import logs
from alflow.errors import AlflowError
from alflow.progress import Progress
from alflow.text import visible

_UsageError: Final[Any] = typer.BadParameter.__mro__[1]  # of the click that this typer brings or needs
_WIDEST: Final = 1_000_000
_log = logging.getLogger(__name__)


def new_app(help_text: str, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A group of commands: shows its help when called without one, and never prints local variables."""
    return typer.Typer(
        help=help_text, cls=cls, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
    )


class Commands(TyperGroup):
    """A group of commands that turns the errors a person can act on into one line, without a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program; a usage error is one line with exit code 2, and a closed pipe is no error."""
        _write_anything()
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except _UsageError as error:
            code = _explain(error)
        except typer.Abort:
            note("stopped")
            code = 1
        except BrokenPipeError:  # the reader has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit with code 1 where it raises an `AlflowError`, or the system refuses something.

        Raises:
            OSError: the reader of the output has closed the pipe.
        """
        began = time.monotonic()
        _set_up_logs()
        try:
            return super().invoke(ctx)
        except AlflowError as error:
            fail(str(error))
        except OSError as error:
            if error.errno == errno.EPIPE or error.strerror is None:
                raise
            from alflow.disk import in_words

            fail(in_words(error, str(error.filename), "used") if error.filename else error.strerror)
        finally:
            seconds = round(time.monotonic() - began, 3)
            _log.info("the command ended", extra={"command": ctx.invoked_subcommand, "seconds": seconds})


def fail(message: str) -> NoReturn:
    """Print an error on stderr, in one line, and exit with code 1.

    Raises:
        Exit: always.
    """
    _tell(logging.ERROR, " ".join(message.split()))
    raise typer.Exit(1)


def misused(message: str) -> NoReturn:
    """Print a usage error, in one line, and exit with code 2.

    Raises:
        BadParameter: always; commands call this, for a `Raises` of theirs would stand in their help.
    """
    raise typer.BadParameter(message)


def say(message: str) -> None:
    """A result in one line, on stdout."""
    _write(sys.stdout, visible(message))


def note(message: str) -> None:
    """Something worth knowing that is not the result, on stderr."""
    _tell(logging.INFO, message)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """A table for people; numbers stand to the right. In a pipe each row is one line, however long."""
    if title:
        _write(sys.stdout, visible(title, keep="\n"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    cells = [[_text(cell) for cell in row] for row in rows]
    numeric = [all(_is_number(row[column]) for row in cells) for column in range(len(headings))]
    for heading, right in zip(headings, numeric, strict=True):
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else _WIDEST).print(table)


def show_json(value: object) -> None:
    """A value for scripts: dataclasses as objects, times in ISO 8601."""
    written = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    plainly = _writes_unicode()
    _write(sys.stdout, "".join(each if _is_plain(each, plainly) else json.dumps(each)[1:-1] for each in written))


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
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON knows no other
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

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = [
            bar.add_task(visible(description), total=None, visible=not row)
            for row, description in enumerate(descriptions)
        ]
        yield [partial(_show, bar, task) for task in tasks]


def _write_anything() -> None:
    """Write characters that the terminal cannot encode as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _set_up_logs() -> None:
    """Lines on stderr are JSON where the settings say so; settings that cannot be read are the command's to tell."""
    from alflow.settings import Settings

    with suppress(AlflowError):
        if (form := Settings().log_format) == "json":
            logs.set_up(form)


def _tell(level: int, message: str) -> None:
    if logs.as_json():
        _log.log(level, message)
    else:
        _write(sys.stderr, f"{'error: ' if level == logging.ERROR else ''}{visible(message)}")


def _write(stream: TextIO, message: str) -> None:
    stream.write(f"{message}\n")
    stream.flush()


def _writes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _is_plain(character: str, unicode: bool) -> bool:
    return character == "\n" or (character.isprintable() and (unicode or character.isascii()))


def _explain(error: Any) -> int:
    """Print a usage error; a group of commands without a command shows its help."""
    words = error.ctx.command_path if error.ctx else "alflow"
    if type(error).__name__ == "NoArgsIsHelpError":
        _write(sys.stderr, error.ctx.get_help())
    else:
        note(f"error: {' '.join(error.format_message().split())} (see `{words} --help`)")
    return int(error.exit_code)


def _show(bar: Any, task: Any, done: int, total: int | None) -> None:
    bar.update(task, completed=done, total=total, visible=True)


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.3f}"
    if isinstance(cell, datetime):
        return cell.astimezone().strftime("%Y-%m-%d %H:%M")
    return visible(str(cell))


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).isdigit()
