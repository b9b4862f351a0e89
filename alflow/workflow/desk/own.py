"""What a person chose for their desk: favourite classes and the goal of a sitting, and nothing of how they work."""

from alflow.errors import InvalidInputError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.desk import own
from alflow.store.desk.own import Chosen
from alflow.workflow.desk.submission import LARGEST_ID
from alflow.workspace import Workspace

MOST = 1_000


def choose(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, chosen: Chosen) -> Chosen:
    """Keep what was chosen, if anything was, and say what is kept.

    Raises:
        InvalidInputError: it is no list of numbers, or too long a one.
    """
    for numbers in chosen.values():
        sound = isinstance(numbers, list) and len(numbers) <= MOST
        if not sound or not all(one is None or (type(one) is int and 0 < one <= LARGEST_ID) for one in numbers or ()):
            raise InvalidInputError("favourites and the goal are lists of whole numbers: reload the page")
    with workspace.database.begin() if chosen else workspace.database.read() as tx:
        if chosen:
            own.keep(tx, project_id, annotator_id, chosen)
        return own.chosen_by(tx, project_id, annotator_id)
