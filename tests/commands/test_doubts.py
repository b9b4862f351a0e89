"""`alflow doubts`: the list, as JSON, and sending the most doubtful once."""

import json
from pathlib import Path

import pytest

from alflow.workflow.answers.refer import referred_items
from alflow.workspace import Workspace
from tests.colours import colour_project
from tests.commands.test_story import home, ok, run
from tests.workflow.insight.labelled import labelled_project

__all__ = ["home"]


@pytest.mark.slow
def test_the_most_doubtful_labels_are_listed_and_sent_once(home: Workspace, tmp_path: Path) -> None:
    project, wrong = labelled_project(home, tmp_path)
    shown = ok("doubts", "-n", "3")
    assert "12 labels judged by fits that have not seen them" in shown
    told = json.loads(ok("doubts", "--json", "-n", "2"))
    assert (told["labels"], told["judged"], told["not_judged"]) == (12, 12, 0)
    assert sorted(one["item"] for one in told["doubts"]) == sorted(wrong)
    assert {one["label"] for one in told["doubts"]} <= {"red", "blue"}
    assert "2 images sent to adjudication, 0 more there already" in ok("doubts", "--adjudicate", "2", "--by", "Rita")
    again = json.loads(ok("doubts", "--adjudicate", "2", "--json", "-n", "2"))
    assert (again["sent"]["sent"], sorted(again["sent"]["known"])) == ([], sorted(wrong))
    assert [one["sent"] for one in again["doubts"]] == [True, True]
    assert sorted(referred_items(home, project.id)) == sorted(wrong)


@pytest.mark.slow
def test_what_is_missing_is_said_in_one_line(home: Workspace, tmp_path: Path) -> None:
    failed = run("doubts")
    assert (failed.exit_code, failed.stderr.count("\n")) == (1, 1)
    colour_project(home, tmp_path)
    assert "no label to judge yet" in ok("doubts")
    assert json.loads(ok("doubts", "--json"))["doubts"] == []
    assert run("doubts", "-n", "0").exit_code == 2


@pytest.mark.parametrize("count", ["-1", "x"])
def test_a_count_that_is_none_is_refused(count: str) -> None:
    assert run("doubts", "--adjudicate", count).exit_code == 2
