"""Importing images by their addresses."""

from fastapi import APIRouter

from alflow.errors import InvalidInputError
from alflow.ids import ProjectId
from alflow.ui.door import pools
from alflow.ui.routes.api import asked, requests, responses
from alflow.workspace import Workspace

router = APIRouter(prefix="/v1/projects/{project:int}", tags=["imports"], dependencies=asked.IMPORTS)


@router.post("/imports")
async def imports(place: asked.Place, project: asked.Project, sent: requests.ImportSent) -> responses.Imported:
    """Import images of the public web: of one source, or of rows as a manifest has them. Known images change nothing.

    The answer comes when all are read; sent again after a break, it goes on where it was.
    """
    return await pools.IMPORTS.run(_import, place, project, sent)


def _import(place: Workspace, project: ProjectId, sent: requests.ImportSent) -> responses.Imported:
    from alflow.workflow.images import remote  # with what decodes images: in a thread, and when somebody asks
    from alflow.workflow.images.imported import remarks
    from alflow.workflow.images.manifests import row_of

    if (sent.source is None) == (sent.rows is None):
        raise InvalidInputError("an import names a source or rows: one of the two")
    if sent.source is not None:
        report = remote.import_source(place, project, sent.source, sent.split, strict=sent.strict)
    else:
        rows = [row_of(number, row.model_dump()) for number, row in enumerate(sent.rows or (), sent.first)]
        report = remote.import_rows(place, project, rows, sent.split, strict=sent.strict)
    rejected = [responses.Rejected.model_validate(each) for each in report.rejected]
    return responses.Imported(added=report.added, known=report.known, rejected=rejected, remarks=remarks(report))
