import resource
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from alflow.cli import app
from alflow.commands.console import Commands, new_app
from alflow.errors import ConflictError

HEAVY = ("torch", "open_clip", "prefect", "streamlit", "sqlalchemy", "pydantic", "pyarrow", "sklearn")


@pytest.mark.slow
def test_help_is_fast_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom alflow.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    assert _run(sys.executable, "-c", code).stderr.strip() == ""
    fastest = min(_seconds(sys.executable, "-m", "alflow", "--help") for _ in range(5))
    assert fastest < 0.5


def test_importing_alflow_imports_nothing_heavy() -> None:
    code = (
        "import sys, alflow\nassert {'choose', 'fit', 'open'} <= set(dir(alflow))\n"
        "assert not hasattr(alflow, 'chose')\n"
        f"sys.exit(','.join(name for name in (*{HEAVY!r}, 'numpy', 'pandas') if name in sys.modules))"
    )
    assert _run(sys.executable, "-c", code).stderr.strip() == ""


@pytest.mark.slow
def test_every_command_explains_itself() -> None:
    found = list(_commands(typer.main.get_command(app)))
    assert {("init",), ("round", "close"), ("export", "labels"), ("db", "upgrade"), ("up",)} <= set(found)
    for words in found:
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, words
        assert "Usage: " in result.stdout
        assert "Raises:" not in result.stdout


def test_an_error_is_one_line_on_stderr_with_exit_code_1() -> None:
    failing = new_app("Commands that fail.", cls=Commands)
    inner = new_app("A group inside.")

    @inner.command()
    def take() -> None:
        raise ConflictError("the name is taken:\n  choose another")

    @inner.command()
    def crash() -> None:
        raise ZeroDivisionError

    failing.add_typer(inner, name="inner")
    result = CliRunner().invoke(failing, ["inner", "take"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "error: the name is taken: choose another\n")
    assert isinstance(CliRunner().invoke(failing, ["inner", "crash"]).exception, ZeroDivisionError)


def _commands(group: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield (*words, name)
        yield from _commands(command, *words, name)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _seconds(*command: str) -> float:
    """Processor time, which other work on the machine does not stretch; for a start-up it is nearly all of the time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
