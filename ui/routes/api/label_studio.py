"""A machine learning backend of Label Studio, which calls these paths (https://labelstud.io/guide/ml).

It sends the token as the password of basic authentication; to its webhooks one gives it as a header.
"""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from alflow.accounts import Visitor
from alflow.ids import ProjectId
from alflow.ui.door import pools
from alflow.ui.routes.api import asked
from alflow.workflow.projects.projects import project as project_of
from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.workflow.answers.label_studio import Received

router = APIRouter(prefix="/v1/label-studio/{project:int}", tags=["Label Studio"], dependencies=asked.READS)


class _Theirs(BaseModel):
    """What Label Studio sends; fields that alflow does not know are left alone."""

    model_config = ConfigDict(extra="allow")


class Setup(_Theirs):
    """A project of Label Studio that connects."""

    schema_: str = Field("", alias="schema", max_length=1_000_000, description="its labelling interface")


class Predict(_Theirs):
    """Tasks that want predictions."""

    tasks: list[dict[str, Any]] = Field(min_length=1, max_length=asked.MOST)
    label_config: str = Field(max_length=1_000_000)


@router.get("/health")
def health() -> dict[str, str]:
    """The backend is there."""
    return {"status": "UP", "model_class": "alflow"}


@router.get("/versions")
def versions(place: asked.Place, project: asked.Project) -> dict[str, list[str]]:
    """The one model that is served."""
    return {"versions": [_version(place, project)]}


@router.post("/setup")
def setup(place: asked.Place, project: asked.Project, sent: Setup) -> dict[str, str]:
    """Check the labelling interface, and say which model is served."""
    from alflow.workflow.answers import label_studio  # with PyTorch: when somebody asks

    if sent.schema_:
        label_studio.check_interface(place, project, sent.schema_)
    return {"model_version": _version(place, project)}


@router.post("/predict")
async def predict(place: asked.Place, project: asked.Project, sent: Predict) -> dict[str, Any]:
    """A prediction for each task, in order; its score is the probability of the class."""
    return await pools.FIGURES.run(_predict, place, project, sent)


@router.post("/webhook")
async def webhook(
    place: asked.Place, project: asked.Project, whoever: asked.Whoever, event: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Take annotations as answers of those who gave them; other events change nothing."""
    return await pools.ANSWERS.run(_receive, place, project, whoever, event)


def _version(place: Workspace, project: ProjectId) -> str:
    from alflow.workflow.answers import label_studio

    return label_studio.version(place, project)


def _predict(place: Workspace, project: ProjectId, sent: Predict) -> dict[str, Any]:
    from alflow.workflow.answers import label_studio

    return {"results": label_studio.predict(place, project, sent.tasks, sent.label_config)}


def _receive(place: Workspace, project: ProjectId, whoever: Visitor, event: dict[str, Any]) -> dict[str, Any]:
    from alflow.workflow.answers import label_studio

    if event.get("action") not in label_studio.ANSWERED:
        return {"status": "ignored", "stored": 0, "problems": []}
    received: Received = label_studio.receive(place, project_of(place, project), event, whoever.session)
    return {"status": "ok" if not received.problems else "problems", **vars(received)}
