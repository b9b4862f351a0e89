"""Answers and their history, and the images that they are about."""

from typing import Annotated

from fastapi import APIRouter, Query

from alflow.domain.images import Split
from alflow.ids import ItemId, LabelId
from alflow.ui.routes.api import asked, requests, responses
from alflow.ui.routes.api.projects import names
from alflow.workflow.answers.history import item_history, recent_changes
from alflow.workflow.images.pool import image_page
from alflow.workflow.projects.projects import project_classes

router = APIRouter(prefix="/v1/projects/{project:int}", tags=["labels"], dependencies=asked.READS)


@router.get("/labels")
def labels(
    place: asked.Place, project: asked.Project, which: Annotated[requests.LabelsAsked, Query()]
) -> responses.Labels:
    """Answers with what led to them, oldest first; withdrawn ones too, unless `withdrawn=false`."""
    from alflow.workflow.answers.export import Wanted, label_page  # with PyTorch: when somebody asks

    item = None if which.item is None else ItemId(which.item)
    wanted = Wanted(item, which.annotator, which.class_name, which.verdict, which.withdrawn)
    page = label_page(place, project, wanted, None if which.after is None else LabelId(which.after), which.limit)
    return responses.Labels(
        labels=[responses.LabelSeen.model_validate({"label_id": id_, **vars(one)}) for id_, one in page],
        next=asked.following(page, which.limit, lambda one: one[0]),
    )


@router.get("/changes")
def changes(place: asked.Place, project: asked.Project, limit: asked.Limit = 50) -> list[responses.ChangeSeen]:
    """What happened to answers last, newest first."""
    return [responses.ChangeSeen.model_validate(each) for each in recent_changes(place, project, limit)]


@router.get("/images")
def images(
    place: asked.Place,
    project: asked.Project,
    split: Split | None = None,
    after: asked.After = None,
    limit: asked.Limit = 100,
) -> responses.Images:
    """The images of the project, by number."""
    page = image_page(place, project, split, None if after is None else ItemId(after), limit)
    return responses.Images(
        images=[responses.ImageSeen.model_validate({"item_id": one.id, **vars(one)}) for one in page],
        next=asked.following(page, limit, lambda one: one.id),
    )


@router.get("/images/{item:int}")
def history(place: asked.Place, project: asked.Project, item: asked.Number) -> responses.ImageWhole:
    """An image, and everything that ever happened to its answers."""
    found = item_history(place, project, ItemId(item))
    called = names(project_classes(place, project))
    settled = found.settled_class_id
    return responses.ImageWhole.model_validate({
        **vars(found.item),
        "item_id": found.item.id,
        "settled": called.get(settled) if settled is not None else None,
        "changes": found.changes,
    })
