"""Uploads: one request a file, whose body is the file as it is; what became of it is the reply.

    PUT  /upload/PROJECT?path=cats/a.jpg&split=pool         a file, kept and taken by the next run
    PUT  /upload/PROJECT?path=a.jpg&shares=test=0.1         the same, its split drawn by chance
    POST /upload/PROJECT?path=a.zip&size=70000000           may this one be sent? the body is its beginning
    POST /upload/PROJECT                                    nothing more is sent
    PUT  /upload/PROJECT/labels?path=tasks.json&annotator=  answers of another tool, imported at once and not kept

A refusal with 422 is for good, and recorded with the reason; any other is to be tried again: to send a file once more
does no harm.
"""

from collections.abc import AsyncIterator
from tempfile import TemporaryFile
from typing import IO, Final

import anyio
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alflow.disk import disk_errors
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import AlflowError, InvalidInputError, TryLaterError
from alflow.ui.door import pools
from alflow.ui.door.body import received, whole_number
from alflow.ui.parts import services
from alflow.ui.routes.routes import refused
from alflow.workflow.answers import bring, brought
from alflow.workflow.answers.foreign import table
from alflow.workflow.images import shares, uploads
from alflow.workflow.images.shares import Destination
from alflow.workflow.projects import projects

_BLOCK: Final = 2**20
_SILENT_SECONDS: Final = 60.0  # between two pieces of a file
_MOST_LABELS: Final = 2**27  # bytes of a file of answers
_READ_ON: Final = 2**25  # bytes of a refused file that are still read, so that its browser reads why


async def upload(request: Request) -> Response:
    """Take a file; or say whether one may be sent, or that the next run need not wait for more."""
    try:
        project = await pools.UPLOADS.run(
            projects.project, services.current().workspace, request.path_params["project"]
        )
        if request.method == "PUT":
            return await _taken(request, project)
        if "path" in request.query_params:
            return await _offered(request, project)
        await pools.UPLOADS.run(uploads.ended, services.current().workspace, project)
    except AlflowError as error:
        return refused(error)
    return Response(status_code=204)


async def labels(request: Request) -> Response:
    """Import a file of answers; or say whether it may be sent."""
    asked, run = request.query_params, pools.UPLOADS.run
    try:
        if request.method == "POST":
            if "path" in asked:
                _check_labels(asked["path"], _size(asked.get("size", "")))
            return Response(status_code=204)
        project = await run(projects.project, services.current().workspace, request.path_params["project"])
        _check_labels(name := asked.get("path", ""), _size(request.headers.get("content-length", "")))
        with disk_errors("the folder of temporary files"), TemporaryFile() as file:
            async for block in _blocks(request):
                await run(file.write, block)
            report = await pools.IMPORTS.run(_brought, project, name, file, asked)
    except ClientDisconnect:
        return Response(status_code=499)  # which nobody reads
    except AlflowError as error:
        return refused(error)
    return JSONResponse({"said": [brought.summary(report), *brought.remarks(report)]})


ROUTES = [
    Route("/upload/{project:int}", upload, methods=["PUT", "POST"]),
    Route("/upload/{project:int}/labels", labels, methods=["PUT", "POST"]),
]


def _check_labels(name: str, size: int) -> None:
    """May this be sent? It is read as a whole, by the process that serves everybody.

    Raises:
        InvalidInputError: its name has another ending, or it is too large.
    """
    table.check_file(name, size)
    if size > _MOST_LABELS:
        raise InvalidInputError(f"it is larger than {_MOST_LABELS // 2**20} MB: split it, or `alflow labels import` it")


def _brought(project: Project, name: str, file: IO[bytes], asked: QueryParams) -> brought.Brought:
    file.seek(0)
    found = table.found_in(name, file.read(), asked.get("field", "").strip())
    somebody, strict = asked.get("annotator", "").strip(), asked.get("strict") == "1"
    return bring.bring_found(services.current().workspace, project, found, somebody, strict=strict)


async def _taken(request: Request, project: Project) -> Response:
    """Receive a file; who goes away meanwhile leaves nothing."""
    workspace, run = services.current().workspace, pools.UPLOADS.run
    size, to = _size(request.headers.get("content-length", "")), _destination(request.query_params)
    arrival = await run(uploads.Arrival, workspace, project, request.query_params.get("path", ""), size, to)
    with arrival:
        blocks = _blocks(request)
        try:
            async for block in blocks:
                await run(arrival.write, block)
            kept = await run(arrival.finish)
        except ClientDisconnect:
            return Response(status_code=499)  # which nobody reads
        except InvalidInputError as error:
            await _read_on(blocks)
            return refused(error)
    return JSONResponse({"name": kept.name, "known": kept.known, "images": kept.images})


async def _offered(request: Request, project: Project) -> Response:
    asked, workspace = request.query_params, services.current().workspace
    start = await received(request, uploads.BEGINNING, "The beginning of a file")
    size, to = _size(asked.get("size", "")), _destination(asked)
    await pools.UPLOADS.run(uploads.offered, workspace, project, asked["path"], size, start, to)
    return Response(status_code=204)


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about a megabyte.

    Raises:
        TryLaterError: nothing came for too long.
    """
    stream, block = request.stream(), bytearray()
    while True:
        try:
            with anyio.fail_after(_SILENT_SECONDS):
                piece = await anext(stream, None)
        except TimeoutError as error:
            raise TryLaterError("the file stopped arriving: it is sent again", 1.0) from error
        block += piece or b""
        if block and (piece is None or len(block) >= _BLOCK):
            yield bytes(block)
            block.clear()
        if piece is None:
            return


async def _read_on(blocks: AsyncIterator[bytes]) -> None:
    read = 0
    async for block in blocks:
        if (read := read + len(block)) > _READ_ON:
            return


def _size(said: str) -> int:
    """How long a file is.

    Raises:
        InvalidInputError: nobody said so.
    """
    if (size := whole_number(said, 15)) is None:
        raise InvalidInputError("a file comes with its length in bytes")
    return size


def _destination(asked: QueryParams) -> Destination:
    """What the images are for.

    Raises:
        InvalidInputError: it is no split, or no shares.
    """
    try:
        return Destination(Split(asked.get("split", Split.POOL)), shares.parse(asked.get("shares", "")))
    except ValueError as error:
        raise InvalidInputError(f"`split` must be one of {', '.join(Split)}") from error
