"""The grid's exchange: an answered page is stored, or one is taken back, and the reply says what to show next.

The event is one transaction and idempotent, so that the browser may send it more than once. The reply is one more
transaction, which also reserves the page that will be shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alflow.domain.rounds import Round
from alflow.errors import AlflowError, UnavailableError
from alflow.ids import AnnotatorId, ClassId, ProjectId
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.desk import grid, grid_answers, screens
from alflow.workflow.desk.grid import LastPage, Offer, OpenPage, Pages, of_round
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workspace import Workspace


@dataclass(frozen=True)
class GridState:
    """What the grid of an annotator shows.

    Attributes:
        refusal: why the event is not stored; None where it is, and where there was none.
        waiting: predicted class -> images that this annotator could be shown.
        page: what is reserved; None where nothing is left for this annotator.
        words: how pages of the class went so far, or why there is none; empty where nothing is to be said.
        last: the newest page of the newest round that this annotator can take back.
        round: the newest round; None before the first.
        is_stopped: nobody is asked about this project now.
    """

    refusal: AlflowError | None
    waiting: Mapping[ClassId, int]
    page: OpenPage | None
    words: str
    last: LastPage | None
    round: Round | None
    is_stopped: bool


def grid_exchange(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    event: Accept | TakeBack | None,
    wanted: ClassId | None = None,
    pages: Pages = of_round,
) -> GridState:
    """Apply the event if there is one, renew or reserve a page, and say what to show.

    Args:
        workspace: where.
        project_id: whose images.
        annotator_id: who answers.
        event: an answered page, or one to take back.
        wanted: the class to show; where nothing is left of it, the class that has most takes its place.
        pages: where pages come from.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, everything may be sent once more.
        NotFoundError: there is no such project or annotator.
    """
    refusal = None if event is None else _refusal(workspace, project_id, annotator_id, event)
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        annotators.lock(tx, annotator_id)
        newest = rounds.last(tx, project_id)
        offer = pages(tx, project, newest, annotator_id, wanted) if project.is_active else Offer({}, None)
        last = grid.last_page(tx, newest, annotator_id)
        return GridState(refusal, *offer, last, newest, not project.is_active)


def _refusal(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, event: Accept | TakeBack
) -> AlflowError | None:
    """Apply the event; why it cannot be stored, if so.

    Raises:
        UnavailableError: the database does not answer.
    """
    try:
        _apply(workspace, project_id, annotator_id, event)
    except UnavailableError:
        raise  # no refusal: the page keeps what it has, and sends it again
    except AlflowError as error:
        return error
    return None


def _apply(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, event: Accept | TakeBack) -> None:
    match event:
        case TakeBack():
            with workspace.database.begin() as tx:
                grid_answers.take_back(tx, projects.by_id(tx, project_id), annotator_id, event.token)
        case Accept():
            grid_answers.check(event)
            with workspace.database.read() as tx:
                images = screens.images(tx, [(each, event.shown) for each in event.accepted])
            # Files are read here, while no transaction holds up anybody.
            shown = {each: screens.with_rendition(workspace, event.shown, images.get(each)) for each in event.accepted}
            with workspace.database.begin() as tx:
                grid_answers.accept(tx, project_id, annotator_id, event, shown)
