"""What reaches a terminal or a pipe, whatever names people give."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alflow.commands.console import Commands, new_app, note, progress_bar, say, show_json, show_table

NAMES = [
    "[red]x",
    "Ada [/ops]",
    "[link=https://example.org]y[/link]",
    ":cat:",
    "*a* _b_ `c` <b>",
    "{task.description} {0}",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\nb\rc\td",
    "\u202egnp.exe",
    "\u05d0\u05d1 \u4e2d\u6587 \U0001f408",
    "nul\0",
    "\udcff",
    "long/" * 200,
]


def program(name: str = "x") -> Commands:
    app = new_app("Says names.", cls=Commands)

    @app.command()
    def table() -> None:
        show_table(["name", "number"], [(name, 1), ("b", 2)], title="[red]\x1b[31m:cat:")

    @app.command("say")
    def say_it() -> None:
        say(name)
        note(name)
        with progress_bar(name) as progress:
            progress(1, 1)

    @app.command("json")
    def as_json() -> None:
        show_json({"name": name, name: [float("nan")]})

    @app.command()
    def full() -> None:
        raise OSError(28, "No space left on device", name)

    return app  # type: ignore[return-value]


def shown(name: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are_and_obeyed_by_no_terminal(name: str) -> None:
    lines = CliRunner().invoke(program(name), ["table"]).stdout.splitlines()
    assert [lines[0].rstrip(), lines[1].split()[0]] == ["[red]\\x1b[31m:cat:", "name"]
    assert lines[2].split("  ")[0] == shown(name)
    assert len(lines) == 4
    said = CliRunner().invoke(program(name), ["say"])
    assert said.stdout == said.stderr == f"{shown(name)}\n"
    printed = CliRunner().invoke(program(name), ["json"]).stdout
    assert json.loads(printed) == {"name": name, name: [None]}
    assert all(each.isprintable() or each == "\n" for each in printed)
    failed = CliRunner().invoke(program(name), ["full"])
    assert (failed.exit_code, failed.stderr.count("\n")) == (1, 1)
    assert failed.stderr.startswith("error: the disk is full: ")


def test_what_is_typed_wrongly_is_one_line_too() -> None:
    for words in (["\x1b[31m"], ["table", "--[red]"], ["table", "x" * 300]):
        result = CliRunner().invoke(program(), words)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.stderr
        assert result.stderr.startswith("error: ")
        assert "\x1b" not in result.stderr
    assert "Usage" in CliRunner().invoke(program(), []).output


SCRIPT = """
import sys
from tests.commands.test_console import program
program("caf\\u00e9 \\u4e2d \\U0001f408 " + "/long" * 100)(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "shift_jis"])
@pytest.mark.parametrize("command", ["table", "json", "--help"])
def test_no_terminal_is_too_poor(encoding: str, command: str) -> None:
    done = run(command, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0)
    text = done.stdout.decode(encoding)
    if command == "json":
        assert json.loads(text)["name"].startswith("caf\u00e9 \u4e2d \U0001f408 ")
    elif command != "--help":
        assert "/long" * 100 in text
        assert "caf" in text


@pytest.mark.slow
def test_a_plain_locale_is_enough() -> None:
    assert run("table", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0").returncode == 0


@pytest.mark.slow
def test_whoever_reads_may_stop_reading() -> None:
    for command in ("table", "say"):
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.close()
            told = running.stderr.read().decode()
        assert "Traceback" not in told
        assert "BrokenPipe" not in told


def run(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, command],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        check=False,
    )
