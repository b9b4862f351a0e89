"""What an exchange of the grid costs the database: a transaction for the event and one for the reply, few statements.

Counted from the browser's side of it, so that nothing that answers a request is left out.
"""

from typing import Any

import pytest

from alflow.ui.routes import grid
from alflow.workspace import Workspace
from tests.counted import counted
from tests.queues import open_queue


@pytest.mark.parametrize(
    ("what", "transactions", "statements"),  # before there was an exchange: 5 and 18, 5 and 16, 7 and 53, 6 and 45
    [("page", 1, 12), ("same page", 1, 10), ("accept", 3, 42), ("take back", 2, 36)],
)
def test_what_an_exchange_costs(each_workspace: Workspace, what: str, transactions: int, statements: int) -> None:
    """Pages of six images."""
    world = open_queue(each_workspace.database, 20)

    def ask(**event: Any) -> dict[str, Any]:
        return grid.exchange(each_workspace, world.project.id, world.annotators[0].id, {"class_id": None, **event})

    page = None if what == "page" else ask()["page"]
    event: dict[str, Any] = {}
    if page and what != "same page":
        shown = [image["candidate_id"] for image in page["images"]]
        about = {"token": page["token"], "class_id": page["class_id"], "seconds": 6.0, "screen": "abc"}
        event = {"accept": about | {"accepted": shown[1:], "wrong": shown[:1]}}
    if what == "take back":
        ask(**event)
        event = {"undo": page["token"]}
    with counted() as ran:
        reply = ask(**event)
    assert reply["reason"] is None
    assert len(reply["page"]["images"]) == 6
    assert ran == {"transactions": transactions, "statements": statements}
