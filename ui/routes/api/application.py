"""The API as one application, which `alflow.ui.server` serves below `/api`; it describes itself in `/api/openapi.json`.

The gate (`alflow.ui.door.gate`) has let nobody in whose token, role or scope does not allow the path, by the table in
`alflow.ui.door.access`; an endpoint takes the person it acts for from there. What is refused is JSON of two lines.
"""

import logging
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from alflow.errors import AlflowError
from alflow.ui.door import access
from alflow.ui.door.refusals import refusal, refused
from alflow.ui.routes.api import asked, desk, imports, label_studio, labels, predictions, projects, rounds
from alflow.ui.routes.api.bodies import Bodies
from alflow.ui.routes.api.responses import Refusal

_ABOUT = """Programs act for one person in one project, with a token: `Authorization: Bearer TOKEN`.
Lists come in pages: pass `next` of an answer as `after` to get the following one; it is null on the last.
What is refused comes as `{"error": ..., "remedy": ...}`."""
_LINES = 3  # faults that are named in one refusal

_log = logging.getLogger(__name__)


def routes(address: str) -> list[BaseRoute]:
    """What `alflow.ui.server` serves of the API; `address` is where people open the pages.

    Raises:
        LookupError: `alflow.ui.door.access` does not say who may use a route.
    """
    made = application(address)
    access.check_routes(made.routes, below=asked.BELOW)
    return [Mount(asked.BELOW, made)]


def application(address: str) -> FastAPI:
    """The API alone."""
    made = FastAPI(
        title="alflow",
        description=_ABOUT,
        version=version("alflow"),
        openapi_url="/openapi.json",
        servers=[{"url": f"{address}{asked.BELOW}"}],
        root_path_in_servers=False,
        docs_url=None,  # both load scripts of other sites
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Bodies)],
        exception_handlers={
            AlflowError: _refused,
            HTTPException: _http,
            RequestValidationError: _invalid,
            Exception: _failed,
        },
        responses={code: {"model": Refusal} for code in ("4XX", "503")},
    )
    for each in (projects, rounds, desk, labels, predictions, imports, label_studio):
        made.include_router(each.router)
    return made


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, AlflowError)
    return refused(error)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, str(error.detail), error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(422, in_words(error.errors()))


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("the request %s failed", access.route_of(request.scope["path"]), exc_info=error)
    return refusal(500, "something went wrong here")


def in_words(faults: Iterable[Any]) -> str:
    """What is wrong with a request, field by field; what was sent is not repeated."""
    said = [f"{'.'.join(map(str, fault['loc']))[:200]}: {fault['msg']}" for fault in faults]
    more = [f"and {len(said) - _LINES} more"] if len(said) > _LINES else []
    return "; ".join([*said[:_LINES], *more])
