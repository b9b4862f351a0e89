"""`alflow classes` as one types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app
from alflow.workspace import Workspace
from tests.tiny import write_model


@pytest.fixture(autouse=True)
def zoo(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "zoo.json").write_text(
        '["cat", {"name": "dog", "display_name": "Hound", "prompts": ["a hound"], "hot_key": "h"}, "[red]x"]'
    )
    ok("init", "zoo", "--classes", str(tmp_path / "zoo.json"), "--model", write_model(tmp_path / "model"))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def ok(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def listed() -> list[tuple[Any, ...]]:
    keys = ("name", "display_name", "prompts", "hot_key")
    return [tuple(each[key] for key in keys) for each in json.loads(ok("classes", "list", "--json"))]


CAT = ("cat", "cat", ["a photo of a cat"], "1")
DOG = ("dog", "Hound", ["a hound"], "h")
RED = ("[red]x", "[red]x", ["a photo of a [red]x"], "2")


def test_classes_are_set_by_name_and_keep_what_was_written_by_hand() -> None:
    assert listed() == [CAT, DOG, RED]
    assert ok("classes", "set", "dog", "cat", "owl", "--template", "my {}") == "3 classes: dog, cat, owl\n"
    assert listed() == [DOG, CAT, ("owl", "owl", ["my owl"], "2")]
    assert run("classes", "set", "cat", "dog").stderr == "removed: owl\n"


@pytest.mark.slow
def test_each_change_is_a_command_of_its_own() -> None:
    assert "1 class added, 4 in all" in ok(
        "classes", "add", "owl", "--prompt", "an owl", "--shown", "Owl", "--key", "o"
    )
    assert "owl is renamed to barn_owl, shown as Owl" in ok("classes", "rename", "owl", "barn_owl")
    assert "unchanged, because they were written by hand: an owl" in run("classes", "rename", "barn_owl", "eule").stderr
    assert "cat is renamed to lynx, shown as lynx" in ok("classes", "rename", "cat", "lynx")
    assert "1 class changed" in ok("classes", "edit", "dog", "--key", "d", "--prompt", "a dog", "--prompt", "a pup")
    assert "2 classes changed" in ok("classes", "edit", "lynx", "eule", "--template", "see {}")
    assert ok("classes", "order", "eule", "dog") == "in order: eule, dog, lynx, [red]x\n"
    assert ok("classes", "remove", "[red]x") == "[red]x removed, 3 classes left\n"
    assert listed() == [
        ("eule", "Owl", ["see Owl"], "o"),
        ("dog", "Hound", ["a dog", "a pup"], "d"),
        ("lynx", "lynx", ["see lynx"], "1"),
    ]
    assert "[red]x" not in ok("classes", "list")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "Cat"], "error: the classes 'cat' and 'Cat' look alike"),
        (["add", "owl", "--shown", "HOUND"], "are shown alike"),
        (["add", "owl", "--prompt", "A Hound"], "have the same prompts"),
        (["rename", "cat", "Dog"], "'Dog' and 'dog' look alike"),
        (["rename", "cat", "dog"], "two classes have the name 'dog'"),
        (["rename", "Cat", "lynx"], "did you mean 'cat'?"),
        (["edit", "cat", "--shown", "hound"], "are shown alike"),
        (["edit", "cat"], "say what to change"),
        (["edit", "cat", "--key", "h"], "two classes have the hot key 'h'"),
        (["remove", "owl"], "there is no class 'owl': choose one of 'cat', 'dog', '[red]x'"),
        (["set", "CAT", "dog"], "looks like the class 'cat', which would go"),
        (["add", "a\x1b[31mb"], r"cannot be 'a\x1b[31mb'"),
        (["add", "a", "b", "--prompt", "x"], "apply to one class"),
    ],
)
def test_what_would_confuse_is_refused_and_changes_nothing(words: list[str], says: str) -> None:
    result = run("classes", *words)
    assert result.exit_code in {1, 2}
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert listed() == [CAT, DOG, RED]


def test_twins_are_refused_at_init() -> None:
    result = run("init", "twins", "-c", "traffic_light", "-c", "traffic light")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "'traffic_light' and 'traffic light' look alike" in result.stderr
    assert "there is no project 'twins'" in run("status", "-p", "twins").stderr
