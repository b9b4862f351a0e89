"""The report of a project as a file: what `alflow report` writes, for whoever may see its rounds."""

from math import ceil
from typing import TYPE_CHECKING, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alflow.errors import AlflowError, InvalidInputError, NotFoundError, TryLaterError
from alflow.ids import ProjectId
from alflow.ui.door import allowances, pools
from alflow.ui.door.body import whole_number
from alflow.ui.parts import services
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.workflow.insight.report.write import ReportFile

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""What a report may do, should a browser show it instead of saving it: nothing."""

_LONGEST: Final = 9  # digits of the number of a round


async def report(request: Request) -> Response:
    """The file; `?round=3&names=1&pictures=0` say how much of it and with what."""
    asked = request.query_params
    if wait := allowances.REPORTS.take(request.state.visitor.annotator.id):
        return refused(TryLaterError("too many reports at once: try again in a moment", wait))
    try:
        made = await pools.REPORTS.run(
            _made,
            services.current().workspace,
            request.path_params["project"],
            number_of(asked),
            names=asked.get("names") == "1",
            pictures=asked.get("pictures") != "0",
        )
    except AlflowError as error:
        return refused(error)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename={made.name}",  # plain letters
        "Content-Security-Policy": POLICY,
    }
    return Response(made.html, media_type="text/html", headers=headers)


ROUTES = [Route("/report/{project:int}", report, methods=["GET"])]


def _made(
    workspace: Workspace, project_id: ProjectId, number: int | None, *, names: bool, pictures: bool
) -> "ReportFile":
    from alflow.workflow.insight.report.write import make_report  # with PyTorch: in a thread, and when it is asked for

    return make_report(workspace, project_id, number, names=names, pictures=pictures)


def number_of(asked: QueryParams) -> int | None:
    """The round that was asked for.

    Raises:
        InvalidInputError: it is no number of a round.
    """
    given = asked.get("round", "")
    if not given:
        return None
    if (number := whole_number(given, _LONGEST)) is None:
        raise InvalidInputError("`round` must be the number of a round")
    return number


def refused(error: AlflowError) -> Response:
    """Why, in plain text: it is a person who reads it."""
    if isinstance(error, TryLaterError):
        return PlainTextResponse(str(error), 503, {"Retry-After": str(ceil(error.seconds))})
    return PlainTextResponse(str(error), 404 if isinstance(error, NotFoundError) else 422)
