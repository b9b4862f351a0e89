"""Projects: what somebody who labels needs to know of one, and how far it is."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from alflow.domain.projects import ClassLabel
from alflow.ids import ClassId
from alflow.ui.routes.api import asked, responses
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.messages import RoundProgress, Wish
from alflow.workflow.projects.projects import list_projects, project_classes
from alflow.workflow.rounds import waiting

router = APIRouter(prefix="/v1/projects", tags=["projects"], dependencies=asked.READS)

NOTHING: Final = Wish(ahead=0)
"""Reserve nothing."""


@router.get("")
def projects(place: asked.Place, whoever: asked.Whoever) -> list[responses.ProjectSeen]:
    """The projects that the token is for: one."""
    mine = [(each, whoever.role_in(each.id)) for each in list_projects(place)]
    return [
        responses.ProjectSeen(id=each.id, name=each.name, role=role, scope=whoever.scope)
        for each, role in mine
        if role is not None
    ]


@router.get("/{project:int}")
def project(place: asked.Place, project: asked.Project, person: asked.Person) -> responses.ProjectWhole:
    """Name, classes and guidelines, and how far the newest round is."""
    state = exchange(place, project, person, (), NOTHING)
    found, classes = state.project, project_classes(place, project)
    return responses.ProjectWhole(
        id=found.id,
        name=found.name,
        state=found.state,
        guidelines=found.guidelines,
        classes=[responses.ClassSeen.model_validate(each) for each in classes],
        votes=found.settings.votes,
        suggestion=found.settings.suggestion,
        lease_minutes=found.settings.lease_minutes,
        round=progress(state.progress),
        awaited=waiting.awaited(place, project),
    )


@router.get("/{project:int}/standing")
def standing(place: asked.Place, project: asked.Project) -> responses.Standing:
    """Images, labels and metrics, whom the project waits for, and the rules that stop it."""
    from alflow.workflow.rounds import review, stopping  # with PyTorch: when somebody asks

    whole = review.overview(place, project)
    settings, called = whole.project.settings, names(whole.classes)
    rules = {name: getattr(settings, name) for name in _RULES}
    return responses.Standing(
        images=whole.counts,
        settled=whole.n_settled,
        labels_per_class={called[id_]: count for id_, count in whole.labels_per_class.items()},
        rejected_files=len(whole.rejections),
        not_embedded=len(whole.not_embedded),
        waiting_for=whole.waiting_for,
        trouble=None if whole.trouble is None else whole.trouble.message,
        stops=stopping.in_words(settings),
        curve=[responses.Curve.model_validate(each) for each in review.learning_curve(place, project)],
        **rules,
    )


def progress(of: RoundProgress | None) -> responses.Progress | None:
    """How far a round is."""
    if of is None:
        return None
    return responses.Progress(number=of.round.number, state=of.round.state, answered=of.answered, total=of.total)


def names(classes: Sequence[ClassLabel]) -> dict[ClassId, str]:
    """Class id -> name."""
    return {each.id: each.name for each in classes}


_RULES: Final = ("max_labels", "plateau_rounds", "plateau_gain", "min_information", "label_price")
