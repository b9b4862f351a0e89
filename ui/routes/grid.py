"""The grid's side of its use cases: one exchange takes an answered page, or takes one back, and gives the next.

A request is `{"class_id": id or null, "accept": {"token", "class_id", "accepted", "wrong", "seconds", "screen"} or
null, "undo": token or null}`. Both are idempotent, so a page may send a request again until it has been answered. A
refusal is final: the reply says why, and what to show instead.
"""

from collections.abc import Mapping
from typing import Any

from alflow.errors import AlflowError, UnavailableError
from alflow.workflow.desk import grid, label
from alflow.workflow.desk.grid import OpenPage, PageAnswer
from alflow.workflow.rounds.waiting import awaited
from alflow.workspace import Workspace
from ui.door.body import field, seconds

Request = Mapping[str, Any]


def exchange(workspace: Workspace, project_id: int, annotator_id: int, request: Request) -> dict[str, Any]:
    """Apply what the request brings, reserve a page of the wanted class, and say what to show.

    Raises:
        InvalidInputError: the request is not of the form above.
        UnavailableError: the database does not answer; nothing is lost, the page sends the same again.
        NotFoundError: there is no such project or annotator.
    """
    wanted = field(request, "class_id", int, None)
    reason = _apply(workspace, project_id, annotator_id, request)
    waiting = grid.classes_waiting(workspace, project_id, annotator_id)
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
    """Why what was brought is refused; None where it is stored, or nothing was brought.

    Raises:
        UnavailableError: the database does not answer.
    """
    accepted, undone = request.get("accept"), request.get("undo")
    try:
        if accepted is not None:
            grid.accept(workspace, project_id, annotator_id, _answer(accepted))
        if undone is not None:
            grid.take_back(workspace, project_id, annotator_id, field(request, "undo", str))
    except UnavailableError:
        raise  # no refusal: the page keeps what it has, and sends it again
    except AlflowError as error:
        return str(error)
    return None


def _answer(sent: Any) -> PageAnswer:
    return PageAnswer(
        token=field(sent, "token", str),
        class_id=field(sent, "class_id", int),
        accepted=_ids(sent, "accepted"),
        wrong=_ids(sent, "wrong"),
        seconds=seconds(sent),
        screen=field(sent, "screen", str, None),
    )


def _ids(sent: Any, name: str) -> tuple[int, ...]:
    """The images under this name.

    Raises:
        InvalidInputError: something else stands there.
    """
    return tuple(field({name: each}, name, int) for each in field(sent, name, list))


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
