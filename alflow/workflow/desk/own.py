"""What a person chose for their desk: favourite classes and the goal of a sitting, and nothing of how they work."""

from alflow.ids import AnnotatorId, ProjectId
from alflow.store.desk import own
from alflow.store.desk.own import Chosen
from alflow.workflow.desk.submission import LARGEST_ID
from alflow.workspace import Workspace

MOST = 1_000
_NAMES = ("favourites", "goal")


def choose(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, chosen: Chosen) -> Chosen:
    """Keep what was chosen, if anything was, and say what is kept.

    What is no list of numbers, or too long a one, is not kept, nor anything else: answers that come with it go through.
    """
    sound = {name: chosen[name] for name in _NAMES if _is_sound(chosen.get(name))}
    with workspace.database.begin() if sound else workspace.database.read() as tx:
        if sound:
            own.keep(tx, project_id, annotator_id, sound)
        return own.chosen_by(tx, project_id, annotator_id)


def _is_sound(numbers: object) -> bool:
    if not isinstance(numbers, list) or len(numbers) > MOST:
        return False
    return all(one is None or (type(one) is int and 0 < one <= LARGEST_ID) for one in numbers)
