"""What an exchange of the desk costs the database: a transaction for each event and one for the reply, few statements.

Counted from the browser's side of it, so that nothing that answers a request is left out.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Suggestion
from alflow.store.desk import presence
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.ui.routes import desk
from alflow.workflow.desk.messages import AHEAD, Wish
from alflow.workspace import Workspace
from tests.counted import counted
from tests.queues import World, new_item, open_queue


def world_of(workspace: Workspace, **settings: Any) -> World:
    """A queue of more than a deck holds, and test images that can be checks."""
    world = open_queue(workspace.database, 100, n_annotators=2)
    with workspace.database.begin() as tx:
        items.add(tx, world.project.id, [new_item(1000 + n, Split.TEST, world.classes[0].id) for n in range(9)])
        projects.update_settings(tx, world.project.id, replace(world.project.settings, **settings))
    return world


def answer(world: World, entry: dict[str, Any], token: str) -> dict[str, Any]:
    """As the browser sends it."""
    shown = {"image": f"/images/{world.project.id}/{entry['item_id']}/screen", "width": 640}
    event_ = {"kind": "answer", "key": token, "token": token, "verdict": "class", "class_id": world.classes[0].id}
    return event_ | {"candidate_id": entry["candidate_id"], "seconds": 1.0, "shown": shown}


def work(workspace: Workspace, world: World) -> Callable[..., dict[str, Any]]:
    """One exchange of the first annotator."""
    return lambda *events: desk.sync(workspace, world.project.id, world.annotators[0].id, list(events))


@pytest.mark.parametrize(
    ("what", "transactions", "statements"),  # before there was an exchange: 10 and 35, 7 and 18, 8 and 27, 13 and 50
    [("answer", 3, 30), ("heartbeat", 1, 14), ("undo", 3, 23), ("two answers", 4, 43)],
)
def test_what_an_exchange_costs(each_workspace: Workspace, what: str, transactions: int, statements: int) -> None:
    world = world_of(each_workspace, suggestion=Suggestion.AFTER)
    sync = work(each_workspace, world)
    first, second, third, *rest = sync()["queue"]
    assert len(rest) == AHEAD - 3
    sync(answer(world, first, "first"))
    events = {
        "answer": [answer(world, second, "second")],
        "heartbeat": [],
        "undo": [{"kind": "undo", "key": "undo", "token": "first"}],
        "two answers": [answer(world, second, "second"), answer(world, third, "third")],
    }
    with counted() as ran:
        reply = sync(*events[what])
    assert all(each["stored"] for each in reply["acknowledgements"])
    assert ran == {"transactions": transactions, "statements": statements}


def test_what_the_answer_to_a_check_costs(each_workspace: Workspace) -> None:
    """Before there was an exchange: 9 transactions and 31 statements."""
    world = world_of(each_workspace, gold_rate=0.5, gold_feedback=True)
    sync = work(each_workspace, world)
    queue, given = sync()["queue"], 0
    while queue[0]["candidate_id"] > 0:
        queue, given = sync(answer(world, queue[0], f"{given}"))["queue"], given + 1
    with counted() as ran:
        (acknowledged,) = sync(answer(world, queue[0], "check"))["acknowledgements"]
    assert acknowledged["check"]["right"]
    assert ran == {"transactions": 3, "statements": 25}


def test_who_left_is_known_to_the_database_until_they_come_back(each_workspace: Workspace) -> None:
    """Whichever process answers: a request that came before somebody left is told from one that comes after."""
    world = world_of(each_workspace)
    project, who = world.project.id, world.annotators[0].id
    before = datetime.now(UTC)
    for _ in range(3):
        desk.sync(each_workspace, project, who, [], Wish(leave=True, ahead=0))
    after = datetime.now(UTC)
    with each_workspace.database.read() as tx:
        assert presence.left_since(tx, project, who, before)
        assert not presence.left_since(tx, project, who, after)
        assert not presence.left_since(tx, project, world.annotators[1].id, before)
        assert presence.count(tx, project, after) == 0
    work(each_workspace, world)()
    with each_workspace.database.read() as tx:
        assert not presence.left_since(tx, project, who, before)
        assert presence.count(tx, project, after) == 1


def test_a_retry_through_another_project_is_not_told_what_its_own_keeps_to_itself(workspace: Workspace) -> None:
    world = world_of(workspace, suggestion=Suggestion.NEVER)
    other = open_queue(workspace.database, 1, n_annotators=1, name="other")
    sent = answer(world, work(workspace, world)()["queue"][0], "once")
    for project in (world.project.id, other.project.id):
        (fate,) = desk.sync(workspace, project, world.annotators[0].id, [sent])["acknowledgements"]
        assert (fate["stored"], fate["worth"]) == (True, None)
