"""What the newest model says of images."""

from typing import Annotated

from fastapi import APIRouter, Query

from alflow.ids import ItemId, ProjectId
from alflow.ui.door import pools
from alflow.ui.routes.api import asked, requests, responses
from alflow.workspace import Workspace

router = APIRouter(prefix="/v1/projects/{project:int}", tags=["predictions"], dependencies=asked.READS)


@router.get("/predictions")
async def predictions(
    place: asked.Place,
    project: asked.Project,
    item: Annotated[list[requests.Id] | None, Query(max_length=asked.MOST, description="of these images alone")] = None,
    after: asked.After = None,
    limit: asked.Limit = 100,
) -> responses.Predictions:
    """Probabilities and uncertainty of every embedded image by the current fit, by number of the image."""
    return await pools.FIGURES.run(_predictions, place, project, item, after, limit)


def _predictions(
    place: Workspace, project: ProjectId, items: list[int] | None, after: int | None, limit: int
) -> responses.Predictions:
    from alflow.workflow.model import predictions as said  # with PyTorch: in a thread, and when somebody asks

    if items is None:
        page, fit = said.prediction_page(place, project, None if after is None else ItemId(after), limit)
        following = asked.following(page, limit, lambda one: one.item_id)
    else:
        found, fit = said.predictions_of(place, project, [ItemId(item) for item in items])
        page, following = list(found.values()), None
    return responses.Predictions(
        fit=fit, predictions=[responses.PredictionSeen.model_validate(one) for one in page], next=following
    )
