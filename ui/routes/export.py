"""What `alflow export` writes, as a file for a browser: rows as they are, folders as one archive.

It is made in a temporary folder first, so that whatever is amiss is told instead of half a file, and sent in blocks;
nobody else reads that folder, and it goes when the file is sent.
"""

import shutil
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from alflow.domain.images import Split
from alflow.errors import AlflowError, InvalidInputError, NotFoundError, TryLaterError
from alflow.ids import ProjectId
from alflow.outside import begun
from alflow.text import quoted
from alflow.ui.door import allowances, pools
from alflow.ui.parts import services
from alflow.ui.parts.exports import EXPORTS, LABELS, Wanted
from alflow.ui.routes.report import number_of, refused
from alflow.workflow.projects.projects import project
from alflow.workspace import Workspace


async def export(request: Request) -> Response:
    """The file; `?format=.csv&round=3&all=1&split=pool` say which."""
    what = str(request.path_params.get("what", LABELS))
    if wait := allowances.EXPORTS.take(request.state.visitor.annotator.id):
        return refused(TryLaterError("too many exports at once: try again in a moment", wait))
    try:
        path = await pools.EXPORTS.run(
            _made, services.current().workspace, request.path_params["project"], what, request.query_params
        )
    except AlflowError as error:
        return refused(error)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
    gone = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    kind = "application/octet-stream"
    return FileResponse(path, filename=path.name, media_type=kind, headers=headers, background=gone)


ROUTES = [
    Route("/export/{project:int}/labels", export, methods=["GET"]),
    Route("/export/{project:int}/{what:str}", export, methods=["GET"]),
]


def _made(workspace: Workspace, project_id: ProjectId, what: str, asked: QueryParams) -> Path:
    """The whole file, alone in a folder of its own.

    Raises:
        NotFoundError: there is no such export.
        InvalidInputError: it has no such format.
        AlflowError: it cannot be made.
    """
    if (kind := EXPORTS.get(what)) is None:
        raise NotFoundError(f"there is no export {what!r}: choose one of {', '.join(EXPORTS)}")
    format_ = asked.get("format", kind.formats[0])
    if format_ not in kind.formats:
        raise InvalidInputError(f"{what} have no format {format_!r}: choose one of {', '.join(kind.formats)}")
    number = number_of(asked) if kind.of_round else None
    wanted = Wanted(workspace, project_id, format_, number, asked.get("all") == "1", _split_of(asked))
    name = f"{project(workspace, project_id).name}-{what}".replace("/", "-")
    folder = begun()
    try:
        if not kind.is_folder:
            kind.write(wanted, path := folder / f"{name}{format_}")
            return path
        kind.write(wanted, folder / name)
        whole = shutil.make_archive(str(folder / f"{name}-{format_}"), "zip", folder, name)
        shutil.rmtree(folder / name)
        return Path(whole)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _split_of(asked: QueryParams) -> Split | None:
    """The split that was asked for; None for every one.

    Raises:
        InvalidInputError: it is none.
    """
    if (given := asked.get("split", "")) not in ("", *Split):
        raise InvalidInputError(f"there is no split {quoted(given)}: choose one of {', '.join(Split)}")
    return Split(given) if given else None
