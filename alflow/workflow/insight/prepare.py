"""Make what pages would have to wait for, once, in the run that changed what they show."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from alflow.errors import AlflowError
from alflow.ids import ProjectId
from alflow.text import words_of
from alflow.workflow.answers.certify import propose
from alflow.workflow.answers.relabel import advise
from alflow.workflow.images.lengths import prepare_lengths
from alflow.workflow.insight.doubts import doubts
from alflow.workflow.insight.evaluated import prepare_evaluated
from alflow.workflow.insight.map import make_map
from alflow.workflow.insight.marks import marks
from alflow.workflow.insight.near_copies import compare_images
from alflow.workflow.insight.slices import evaluate_slices
from alflow.workflow.model.kept import outlook
from alflow.workspace import Workspace

_log = logging.getLogger(__name__)

PREPARED: Final[Mapping[str, Callable[[Workspace, ProjectId], object]]] = {
    "predictions": lambda workspace, project_id: outlook(workspace, project_id).entropies(),
    "lengths of embeddings": prepare_lengths,
    "figures of the model": prepare_evaluated,
    "map": make_map,
    "colours of the map": marks,
    "slices": evaluate_slices,
    "doubts": doubts,
    "near copies": compare_images,
    "certificate": propose,
    "worth of another vote": lambda workspace, project_id: advise(workspace, project_id, 1),
}
"""What it is -> how it is made: named by what it is made of, so that it takes no time where it is there already."""


def prepare(workspace: Workspace, project_id: ProjectId) -> tuple[str, ...]:
    """Make everything that is prepared, and say what could not be made and why.

    No round depends on it: whatever is missing is made when a page asks for it. It is in the log too.
    """
    failed: list[str] = []
    for name, make in PREPARED.items():
        try:
            make(workspace, project_id)
        except AlflowError as error:
            failed.append(f"{name}: {error}")
            _log.warning("project %s: %s could not be prepared: %s", project_id, name, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours: the round is open, and the rest can be made
            failed.append(f"{name}: an internal error, {words_of(error)}: see the log")
            _log.exception("project %s: %s could not be prepared", project_id, name)
    return tuple(failed)
