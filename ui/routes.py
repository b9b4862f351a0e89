"""The plain HTTP routes beside the pages: image bytes, and the exchange of deck and grid with the queue.

The gate (`ui.gate`) stands in front of them: `request.state.visitor` is always somebody who may, by `ui.access`.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError, InvalidInputError, NotFoundError, UnavailableError
from alflow.workflow import pool
from ui import desk, grid, services
from ui.body import received

MAX_BODY = 1_000_000
WHOLE = "full"
FOREVER = "private, max-age=31536000, immutable"


def image(request: Request) -> Response:
    """Thumbnail, rendition or all pixels of an item; its bytes never change, so the browser may keep them."""
    workspace = services.current().workspace
    project, item, kind = (request.path_params[name] for name in ("project", "item", "kind"))
    try:
        content = (
            pool.whole_image(workspace, item, project)
            if kind == WHOLE
            else pool.rendition_bytes(workspace, item, kind, project)
        )
    except AlflowError as error:
        return PlainTextResponse(str(error), 404)
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=_media_type(content), headers=headers)


def guide(request: Request) -> Response:
    """The project's guidelines, rendered, and example images of each class."""
    try:
        told = desk.guide(services.current().workspace, request.path_params["project"])
    except NotFoundError as error:
        return JSONResponse({"reason": str(error)}, 404)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def sync(request: Request) -> Response:
    """Take the answers a deck has not seen acknowledged; give acknowledgements, the queue and the round's progress."""
    try:
        asked = _asked(await received(request, MAX_BODY, "What the deck sent"))
        project_id, annotator_id = request.path_params["project"], request.state.visitor.annotator.id
        if asked.get("annotator", annotator_id) != annotator_id:  # signed in as somebody else since the page was opened
            return JSONResponse({"reason": "Somebody else is signed in by now: sign in again."}, 401)
        reply = await run_in_threadpool(
            desk.sync, services.current().workspace, project_id, annotator_id, asked["events"], _wish(asked)
        )
    except NotFoundError as error:
        return JSONResponse({"reason": str(error)}, 404)
    except InvalidInputError as error:
        return JSONResponse({"reason": str(error)}, 422)
    except UnavailableError as error:
        return JSONResponse({"reason": str(error)}, 503)
    return JSONResponse(reply, headers={"Cache-Control": "no-store"})


async def grid_page(request: Request) -> Response:
    """Take an answered page of the grid, or take one back; give the next."""
    project_id, annotator_id = request.path_params["project"], request.state.visitor.annotator.id
    try:
        sent = _object(await received(request, MAX_BODY, "What the grid sent"))
        reply = await run_in_threadpool(grid.exchange, services.current().workspace, project_id, annotator_id, sent)
    except NotFoundError as error:
        return JSONResponse({"reason": str(error)}, 404)
    except InvalidInputError as error:
        return JSONResponse({"reason": str(error)}, 422)
    return JSONResponse(reply, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/images/{project:int}/{item:int}/{kind:str}", image, methods=["GET"]),
    Route("/desk/{project:int}/guide", guide, methods=["GET"]),
    Route("/desk/{project:int}/sync", sync, methods=["POST"]),
    Route("/grid/{project:int}", grid_page, methods=["POST"]),
]


def _asked(body: bytes) -> dict[str, Any]:
    """What a deck sent: `events`, a list of objects, and what it wants to show.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        asked = json.loads(body)
        events = asked["events"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError('The deck must send {"events": [...]}.') from error
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise InvalidInputError("`events` must be a list of objects.")
    return dict(asked)


def _wish(asked: Mapping[str, Any]) -> desk.Wish:
    given = {name: asked[name] for name in ("queue", "ahead", "showing", "leave") if asked.get(name) is not None}
    kinds = {"queue": str, "ahead": int, "showing": int, "leave": bool}
    if wrong := [name for name, value in given.items() if not isinstance(value, kinds[name])]:
        raise InvalidInputError(f"The deck sent a {wrong[0]!r} of the wrong kind.")
    return desk.Wish(**given)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        sent = json.loads(body)
    except ValueError as error:
        raise InvalidInputError("The grid must send JSON.") from error
    if not isinstance(sent, dict):
        raise InvalidInputError("The grid must send one object.")
    return sent


def _media_type(content: bytes) -> str:
    if content[:4] == b"RIFF":
        return "image/webp"
    return "image/png" if content[:4] == b"\x89PNG" else "image/jpeg"
