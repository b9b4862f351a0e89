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
from alflow.workflow.desk.grid import LastPage, OpenPage
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workspace import Workspace


@dataclass(frozen=True)
class GridState:
    """What the grid of an annotator shows.

    Attributes:
        refusal: why the event is not stored; None where it is, and where there was none.
        page: what is reserved; None where nothing is left for this annotator.
        waiting: predicted class -> images that this annotator could be shown.
        last: the newest page of the newest round that this annotator can take back.
        round: the newest round; None before the first.
    """

    refusal: AlflowError | None
    page: OpenPage | None
    waiting: Mapping[ClassId, int]
    last: LastPage | None
    round: Round | None


def grid_exchange(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    event: Accept | TakeBack | None,
    wanted: ClassId | None = None,
) -> GridState:
    """Apply the event if there is one, renew or reserve a page, and say what to show.

    Args:
        workspace: where.
        project_id: whose images.
        annotator_id: who answers.
        event: an answered page, or one to take back.
        wanted: the class to show; where nothing is left of it, the class that has most takes its place.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, everything may be sent once more.
        NotFoundError: there is no such project or annotator.
    """
    refusal = None if event is None else _refusal(workspace, project_id, annotator_id, event)
    with workspace.database.begin() as tx:
        project = projects.by_id(tx, project_id)
        annotators.lock(tx, annotator_id)
        newest = rounds.last(tx, project_id)
        waiting = grid.classes_waiting(tx, newest, annotator_id)
        if wanted not in waiting:
            wanted = max(waiting, key=waiting.__getitem__, default=None)
        page = None
        if newest is not None and wanted is not None:
            page = grid.next_page(tx, project, newest, annotator_id, wanted)
        return GridState(refusal, page, waiting, grid.last_page(tx, newest, annotator_id), newest)


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
