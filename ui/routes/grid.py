"""The grid's side of its use cases: one exchange takes an answered page, or takes one back, and gives the next.

A request is `{"class_id": id or null, "pool": {"order", "size"} or null, "accept": {"token", "class_id", "accepted",
"wrong", "seconds", "screen"} or null, "undo": token or null}`. With `pool` pages come from the rest of the pool, else
from the round. Events are idempotent, so a page may send a request again until it has been answered. A refusal is
final: the reply says why, and what to show instead.
"""

from collections.abc import Mapping
from typing import Any

from alflow.domain.rounds import RoundState
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.ids import AnnotatorId, CandidateId, ProjectId
from alflow.ui.door.body import field, seconds
from alflow.ui.routes.desk import STOPPED
from alflow.workflow.desk.grid import LastPage, Offer, OpenPage, Pages, of_round
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workflow.desk.grid_exchange import GridState, grid_exchange
from alflow.workflow.rounds import waiting
from alflow.workspace import Workspace

Request = Mapping[str, Any]


def exchange(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, request: Request
) -> dict[str, Any]:
    """Apply what the request brings, reserve a page of the wanted class, and say what to show.

    Raises:
        InvalidInputError: the request is not of the form above.
        UnavailableError: the database does not answer; nothing is lost, the page sends the same again.
        NotFoundError: there is no such project or annotator.
    """
    wanted = field(request, "class_id", int, None)
    pages = _pages(workspace, project_id, field(request, "pool", dict, None))
    try:
        event, unreadable = _event(request), None
    except AlflowError as error:
        event, unreadable = None, error
    state = grid_exchange(workspace, project_id, annotator_id, event, wanted, pages)
    refusal = unreadable or state.refusal
    return {
        "reason": None if refusal is None else str(refusal),
        "page": None if state.page is None else _page(state.page),
        "waiting": {str(class_id): count for class_id, count in state.waiting.items()},
        "words": state.words,
        "last": None if state.last is None else _last(state.last),
        "awaited": _awaited(workspace, project_id, state),
        "round": _round(state),
    }


def _round(state: GridState) -> dict[str, Any] | None:
    if state.round is None:
        return None
    return {"number": state.round.number, "state": STOPPED if state.is_stopped else state.round.state}


def _pages(workspace: Workspace, project_id: ProjectId, pool: Mapping[str, Any] | None) -> Pages:
    """Where pages come from; what keeps the pool from being shown does not keep an event from being stored.

    Raises:
        InvalidInputError: there is no such order of pages.
        UnavailableError: the database does not answer.
    """
    if pool is None:
        return of_round
    from alflow.workflow.answers import pool_grid  # it needs PyTorch, which takes half a gigabyte

    try:
        order = pool_grid.Order(field(pool, "order", str))
    except ValueError as error:
        raise InvalidInputError(f"pages come in the order {' or '.join(pool_grid.Order)}") from error
    try:
        return pool_grid.through_the_pool(workspace, project_id, order, field(pool, "size", int))
    except (NotFoundError, ConflictError) as error:
        offer = Offer({}, None, str(error))
        return lambda *_: offer


def _event(request: Request) -> Accept | TakeBack | None:
    """What the request brings.

    Raises:
        InvalidInputError: it cannot be read, or is two things at once.
    """
    accepted, undone = request.get("accept"), request.get("undo")
    if accepted is not None and undone is not None:
        raise InvalidInputError("a request accepts a page or takes one back, not both: send two")
    if accepted is not None:
        return _accept(accepted)
    return None if undone is None else TakeBack(field(request, "undo", str))


def _accept(sent: Any) -> Accept:
    return Accept(
        token=field(sent, "token", str),
        class_id=field(sent, "class_id", int),
        accepted=_ids(sent, "accepted"),
        wrong=_ids(sent, "wrong"),
        seconds=seconds(sent),
        screen=field(sent, "screen", str, None),
    )


def _ids(sent: Any, name: str) -> tuple[CandidateId, ...]:
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
        "extra": page.extra,
        "images": [
            {"candidate_id": entry.candidate.id, "item_id": entry.item.id, "probability": entry.probability}
            for entry in page.entries
        ],
    }


def _last(last: LastPage) -> dict[str, Any]:
    accepted = sum(cell.accepted for cell in last.cells)
    wrong = len(last.cells) - accepted
    of = {"token": last.page.token, "class_id": last.page.class_id, "pool": last.of_pool}
    return of | {"accepted": accepted, "wrong": wrong}


def _awaited(workspace: Workspace, project_id: ProjectId, state: GridState) -> str | None:
    """What to tell people who wait for a page; nobody waits while a round is open."""
    if state.round is not None and state.round.state is RoundState.OPEN:
        return None
    return waiting.awaited(workspace, project_id)
