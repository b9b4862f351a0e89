"""A backup that a page made, as a file for another disk; for who owns every project, since all of them are in it."""

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from alflow.accounts import Visitor
from alflow.errors import AlflowError
from alflow.ui.parts import services
from alflow.ui.routes.report import refused
from alflow.workflow.operating.backups import backup_named
from alflow.workflow.projects.projects import list_projects


async def backup(request: Request) -> Response:
    """The file, in blocks."""
    try:
        path = await run_in_threadpool(_found, request.state.visitor, request.path_params["name"])
    except AlflowError as error:
        return refused(error)
    if path is None:
        return PlainTextResponse("A backup holds every project: it is for who owns all of them.", 403)
    return FileResponse(path, filename=path.name, media_type="application/x-tar", headers={"Cache-Control": "no-store"})


ROUTES = [Route("/backup/{project:int}/{name:str}", backup, methods=["GET"])]


def _found(visitor: Visitor, name: str) -> Path | None:
    """Where it lies; None for who may not have it."""
    workspace = services.current().workspace
    if not visitor.owns(each.id for each in list_projects(workspace)):
        return None
    return backup_named(workspace.settings, name)
