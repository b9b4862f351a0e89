"""The grid's side of its use cases: one exchange takes an answered page, or takes one back, and gives the next.

A request is `{"class_id": id or null, "accept": {"token", "class_id", "accepted", "wrong", "seconds", "screen"} or
null, "undo": token or null}`. Both are idempotent, so a page may send a request again until it has been answered. A
refusal is final: the reply says why, and what to show instead.
"""

from collections.abc import Mapping
from typing import Any

from alflow.errors import AlflowError, InvalidInputError
from alflow.workflow import grid, label
from alflow.workflow.grid import OpenPage, PageAnswer
from alflow.workflow.waiting import awaited
from alflow.workspace import Workspace

Request = Mapping[str, Any]


def exchange(workspace: Workspace, project_id: int, annotator_id: int, request: Request) -> dict[str, Any]:
    """Apply what the request brings, reserve a page of the wanted class, and say what to show.

    Raises:
        InvalidInputError: the request is not of the form above.
        NotFoundError: there is no such project or annotator.
    """
    reason = _apply(workspace, project_id, annotator_id, request)
    waiting = grid.classes_waiting(workspace, project_id, annotator_id)
    wanted = request.get("class_id")
    if wanted not in waiting:  # nothing left of it: go on with the class that has most
        wanted = max(waiting, key=waiting.__getitem__, default=None)
    page = None if wanted is None else grid.next_page(workspace, project_id, annotator_id, wanted)
    progress = label.progress(workspace, project_id, annotator_id)
    return {
        "reason": reason,
        "page": None if page is None else _page(page),
        "waiting": {str(class_id): count for class_id, count in waiting.items()},
        "last": _last(workspace, project_id, annotator_id),
        "awaited": awaited(workspace, project_id),
        "round": None if progress.round_number is None else {"number": progress.round_number, "state": progress.state},
    }


def _apply(workspace: Workspace, project_id: int, annotator_id: int, request: Request) -> str | None:
    """Why what was brought is refused; None where it is stored, or nothing was brought."""
    accepted, undone = request.get("accept"), request.get("undo")
    try:
        if accepted is not None:
            grid.accept(workspace, project_id, annotator_id, _answer(accepted))
        if undone is not None:
            grid.take_back(workspace, project_id, annotator_id, str(undone))
    except AlflowError as error:
        return str(error)
    return None


def _answer(sent: Any) -> PageAnswer:
    try:
        answer = PageAnswer(
            token=str(sent["token"]),
            class_id=int(sent["class_id"]),
            accepted=tuple(map(int, sent["accepted"])),
            wrong=tuple(map(int, sent["wrong"])),
            seconds=float(sent["seconds"]),
            screen=str(sent["screen"]) if sent.get("screen") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"A page without a usable answer was sent: {error}.") from error
    return answer


def _page(page: OpenPage) -> dict[str, Any]:
    return {
        "token": page.token,
        "class_id": page.class_id,
        "expected_errors": page.expected_errors,
        "images": [
            {"candidate_id": entry.candidate.id, "item_id": entry.item.id, "probability": entry.probability}
            for entry in page.entries
        ],
    }


def _last(workspace: Workspace, project_id: int, annotator_id: int) -> dict[str, Any] | None:
    found = grid.last_page(workspace, project_id, annotator_id)
    if found is None:
        return None
    page, cells = found
    accepted = sum(cell.accepted for cell in cells)
    return {"token": page.token, "class_id": page.class_id, "accepted": accepted, "wrong": len(cells) - accepted}
