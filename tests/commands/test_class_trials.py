"""`alflow classes try` and `suggest`: the figures of a trial as tables and as JSON, and nothing stored."""

import json
from pathlib import Path

import pytest

from alflow.domain.projects import Project
from alflow.workflow.insight.prompts import try_prompts
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import project_classes
from alflow.workspace import Workspace
from tests.colours import after_two_rounds, colour_project
from tests.commands.test_story import home, ok, run

pytestmark = pytest.mark.slow

__all__ = ["home"]


@pytest.fixture
def colours(home: Workspace, tmp_path: Path) -> Project:
    """Two closed rounds, eight labels."""
    project = colour_project(home, tmp_path)
    ok("embed")
    return after_two_rounds(home, project)


def test_a_trial_says_what_the_use_case_says_and_stores_nothing(home: Workspace, colours: Project) -> None:
    before = project_classes(home, colours.id)
    words = ("classes", "try", "--set", "red=blood = red", "--set", "red=warm", "--template", "my {}")
    told = json.loads(ok(*words, "--json"))
    red, blue = before
    edits = {red.id: Edit(prompts=("blood = red", "warm")), blue.id: Edit(templates=("my {}",))}
    expected = try_prompts(home, colours.id, edits).effects
    assert [one["prompts"] for one in told["classes"]] == [["blood = red", "warm"], ["my blue"]]
    assert told["effects"]["turned"] == dict(expected.turned)
    assert told["effects"]["labels"] == expected.labels == 8
    assert expected.test is not None
    assert told["effects"]["test"]["nlpd"] == pytest.approx(list(expected.test.nlpd), abs=1e-4)
    shown = run(*words)
    assert "2 classes would change, compared with the model after round 2, its 8 labels fitted again" in shown.stdout
    assert "test split: 12" in shown.stdout
    assert "labelled, not seen by the fit: 8" in shown.stdout
    assert shown.stderr == "nothing is stored: `alflow classes edit` does that\n"
    assert project_classes(home, colours.id) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "say what to try"),
        (["--set", "red"], 2, "red has no ="),
        (["--set", "rot=x"], 1, "there is no class 'rot': choose one of 'red', 'blue'"),
        (["--set", "Red=x"], 1, "did you mean 'red'?"),
        (["--set", "red="], 1, "has an empty prompt"),
        (["--set", "red=a photo of a blue"], 1, "have the same prompts"),
        (["--template", "a photo"], 1, "needs a {} where the class name goes"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(
    home: Workspace, colours: Project, words: list[str], code: int, message: str
) -> None:
    failed = run("classes", "try", *words)
    assert (failed.exit_code, failed.stderr.count("\n")) == (code, 1), failed.output
    assert message in failed.stderr
    assert [label.prompts for label in project_classes(home, colours.id)] == [
        ("a photo of a red",),
        ("a photo of a blue",),
    ]


def test_what_the_labels_prefer_is_told_and_not_stored(home: Workspace, colours: Project) -> None:
    before = project_classes(home, colours.id)
    told = json.loads(ok("classes", "suggest", "--template", "my {}", "--json"))
    assert told["labels"] == 8
    assert {"Your own", "A photo"} <= {one["title"] for one in told["fits"]}
    shown = ok("classes", "suggest")
    assert ("prefer no other prompts" in shown) == (told["classes"] == [])
    assert "one candidate for all classes" in shown
    assert project_classes(home, colours.id) == before


def test_without_labels_or_images_it_says_so(home: Workspace, tmp_path: Path) -> None:
    colour_project(home, tmp_path)
    failed = run("classes", "try", "--set", "red=x")
    assert "has no embedded image yet" in failed.stderr
    ok("embed")
    ok("advance")
    assert "answer some images first" in run("classes", "suggest").stderr
