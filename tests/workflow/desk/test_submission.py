"""Which answers are refused, and what is kept of the others."""

import math
from dataclasses import replace
from typing import Any

import pytest

from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError
from alflow.workflow.desk.label import submit
from alflow.workspace import Workspace
from tests.queues import open_queue
from tests.workflow.desk.answering import answer, standing


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.SKIP},
        {"class_id": None},
        {"class_id": 99},
        {"token": ""},
        {"token": "x" * 101},
        {"comment": "x" * 2_001},
        {"proposed_class": "seal"},
    ],
)
def test_answers_that_say_nothing_are_refused(workspace: Workspace, changes: dict[str, Any]) -> None:
    world = open_queue(workspace.database, 1)
    with pytest.raises(InvalidInputError):
        submit(workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), **changes))
    assert standing(workspace, world) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"comment": "a\0b"},
        {"comment": "\ud83d"},
        {"token": "a\0"},
        {"token": "\udc00"},
        {"shown": {"image": "a\0b"}},
        {"shown": {"\udfff": 1}},
        {"shown": {"zoom": math.nan}},
        {"shown": {"all": "x" * 20_000}},
        {"candidate_id": 10**25},
        {"candidate_id": 2**31},
        {"class_id": 10**25},
        {"verdict": Verdict.NONE, "class_id": None, "proposed_class": "\0"},
        {"verdict": Verdict.NONE, "class_id": None, "proposed_class": "x" * 201},
    ],
)
def test_an_answer_that_can_never_be_stored_is_refused_for_good(
    each_workspace: Workspace, changes: dict[str, Any]
) -> None:
    world = open_queue(each_workspace.database, 1)
    with pytest.raises(InvalidInputError):
        submit(each_workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), **changes))
    assert standing(each_workspace, world) == []


@pytest.mark.parametrize(("seconds", "kept"), [(-5.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (7.5, 7.5)])
def test_a_clock_that_jumps_costs_no_answer(workspace: Workspace, seconds: float, kept: float) -> None:
    world = open_queue(workspace.database, 1)
    label = submit(workspace, world.project.id, world.annotators[0].id, replace(answer(world, 0), seconds=seconds))
    assert label.seconds == kept
