"""The plain HTTP routes beside the pages: image bytes, and the exchange of deck and grid with the queue.

The gate (`alflow.ui.door.gate`) stands in front of them: `request.state.visitor` is always somebody who may, by
`alflow.ui.door.access`.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError, InvalidInputError, NotFoundError, TryLaterError, UnavailableError
from alflow.ids import ItemId, ProjectId
from alflow.ui.components.modules import FOREVER
from alflow.ui.door import allowances, pools
from alflow.ui.door.body import field, parsed, received
from alflow.ui.parts import services
from alflow.ui.routes import desk, grid
from alflow.workflow.desk.messages import AHEAD, QUEUES, TODO, Wish
from alflow.workflow.images import pool, whole
from alflow.workflow.images.whole import Whole
from alflow.workspace import Workspace

MAX_BODY = 1_000_000
MOST_EVENTS = 500  # a deck sends 50
WHOLE = "full"
A_MINUTE = "private, max-age=60"


async def image(request: Request) -> Response:
    """Thumbnail, rendition or all pixels of an item; its bytes never change, so the browser may keep them."""
    workspace = services.current().workspace
    project, item, kind = (request.path_params[name] for name in ("project", "item", "kind"))
    try:
        if kind == WHOLE:
            found = await _whole(request, workspace, project, item)
        else:
            found = Whole(await run_in_threadpool(pool.rendition_bytes, workspace, project, item, kind), lasting=True)
    except (TryLaterError, UnavailableError) as error:
        return refused(error)
    except AlflowError as error:
        return PlainTextResponse(str(error), 404)
    kept = FOREVER if found.lasting else A_MINUTE
    return Response(found.content, media_type=_media_type(found.content), headers={"Cache-Control": kept})


def guide(request: Request) -> Response:
    """The project's guidelines, rendered, and example images of each class."""
    try:
        guidelines = desk.guide(services.current().workspace, request.path_params["project"])
    except AlflowError as error:
        return refused(error)
    return JSONResponse(guidelines, headers={"Cache-Control": "no-store"})


async def sync(request: Request) -> Response:
    """Take the answers a deck has not seen acknowledged; give acknowledgements, the queue and the round's progress."""
    if too_many := _too_many(request, allowances.ANSWERS):
        return too_many
    try:
        asked = parsed(await received(request, MAX_BODY, "What the deck sent"), "What the deck sends")
        project_id, annotator_id = request.path_params["project"], request.state.visitor.annotator.id
        if asked.get("annotator", annotator_id) != annotator_id:  # signed in as somebody else since the page was opened
            return JSONResponse({"reason": "Somebody else is signed in by now: sign in again."}, 401)
        events, wish, own = _events(asked), _wish(asked), field(asked, "own", dict, None)
        # The request is paid for, and its first answer with it.
        if len(events) > 1 and (too_many := _too_many(request, allowances.ANSWERS, len(events) - 1)):
            return too_many
        workspace = services.current().workspace
        reply = await pools.ANSWERS.run(desk.sync, workspace, project_id, annotator_id, events, wish, own)
    except AlflowError as error:
        return refused(error)
    return JSONResponse(reply, headers={"Cache-Control": "no-store"})


async def grid_page(request: Request) -> Response:
    """Take an answered page of the grid, or take one back; give the next."""
    project_id, annotator_id = request.path_params["project"], request.state.visitor.annotator.id
    if too_many := _too_many(request, allowances.ANSWERS):
        return too_many
    try:
        sent = parsed(await received(request, MAX_BODY, "What the grid sent"), "What the grid sends")
        reply = await pools.ANSWERS.run(grid.exchange, services.current().workspace, project_id, annotator_id, sent)
    except AlflowError as error:
        return refused(error)
    return JSONResponse(reply, headers={"Cache-Control": "no-store"})


async def map_points(request: Request) -> Response:
    """All images of the project's map; a page asks once for each state of the project."""
    try:
        project_id = request.path_params["project"]
        content = await pools.FIGURES.run(_points, services.current().workspace, project_id)
    except AlflowError as error:
        return refused(error)
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/images/{project:int}/{item:int}/{kind:str}", image, methods=["GET"]),
    Route("/desk/{project:int}/guide", guide, methods=["GET"]),
    Route("/desk/{project:int}/sync", sync, methods=["POST"]),
    Route("/grid/{project:int}", grid_page, methods=["POST"]),
    Route("/map/{project:int}/points", map_points, methods=["GET"]),
]


def refused(error: AlflowError) -> Response:
    """Why, and whether to send the same again: 422 and 404 say that it is of no use."""
    if isinstance(error, TryLaterError):
        return JSONResponse({"reason": str(error)}, 503, {"Retry-After": str(ceil(error.seconds))})
    if isinstance(error, UnavailableError):
        return JSONResponse({"reason": str(error)}, 503)
    return JSONResponse({"reason": str(error)}, 404 if isinstance(error, NotFoundError) else 422)


def _points(workspace: Workspace, project_id: ProjectId) -> bytes:
    from alflow.ui.routes import map as map_  # with PyTorch: in a thread, and not before somebody asks

    return map_.points(workspace, project_id)


async def _whole(request: Request, workspace: Workspace, project: ProjectId, item: ItemId) -> Whole:
    """Large images are made by few, for each person some, and each of them once.

    Raises:
        TryLaterError: this person, or everybody together, asks for too many.
    """
    kept = await run_in_threadpool(whole.kept_whole, workspace, project, item)
    if kept is not None:
        return kept
    if wait := allowances.LARGE_IMAGES.take(request.state.visitor.annotator.id):
        raise TryLaterError("too many large images at once: try again in a moment", wait)
    return await pools.LARGE_IMAGES.once((project, item), whole.make_whole, workspace, project, item)


def _too_many(request: Request, allowance: allowances.Allowance, cost: int = 1) -> Response | None:
    """The refusal of somebody who asks too often; nothing is lost, because their browser sends the same later."""
    wait = allowance.take(request.state.visitor.annotator.id, cost=cost)
    reason = {"reason": "too many requests at once: they continue in a moment"}
    return JSONResponse(reason, 429, {"Retry-After": str(ceil(wait))}) if wait else None


def _events(asked: Mapping[str, Any]) -> list[Any]:
    """What the deck has not seen acknowledged.

    Raises:
        InvalidInputError: it is no list of objects, or too long a one.
    """
    events: list[Any] = field(asked, "events", list)
    if not all(isinstance(event, dict) for event in events):
        raise InvalidInputError("`events` must be a list of objects")
    if len(events) > MOST_EVENTS:
        raise InvalidInputError(f"`events` may hold {MOST_EVENTS} at most")
    return events


def _wish(asked: Mapping[str, Any]) -> Wish:
    """What the deck wants to show.

    Raises:
        InvalidInputError: a part of it is of the wrong kind.
    """
    queue = field(asked, "queue", str, TODO)
    if queue not in QUEUES:
        raise InvalidInputError(f"there is no such queue; there are {', '.join(sorted(QUEUES))}")
    return Wish(
        queue=queue,
        ahead=field(asked, "ahead", int, AHEAD),
        showing=field(asked, "showing", int, None),
        leave=field(asked, "leave", bool, False),
    )


def _media_type(content: bytes) -> str:
    if content[:4] == b"RIFF":
        return "image/webp"
    return "image/png" if content[:4] == b"\x89PNG" else "image/jpeg"
