"""Whether the test split judges the model by images that it has all but learnt from.

Splits are drawn from bytes and groups when images come, before anything can tell which of them look the same. Once a
run has compared them (`near_copies`), what leaked is told wherever the test split is brought or judged by.
"""

from collections.abc import Collection

import torch

from alflow.errors import ConflictError, NotFoundError
from alflow.ids import ItemId, ProjectId
from alflow.workflow.insight.evaluated import evaluated
from alflow.workflow.insight.near_copies import USUAL, are_compared, near_copies
from alflow.workspace import Workspace

_REMEDY = (
    "Look at them under Near copies on the Label errors page; what shows the same thing stays on one side if it comes "
    "with the same group."
)


def leak(workspace: Workspace, project_id: ProjectId, likeness: float = USUAL) -> str:
    """What to say of test images that have a near copy in pool or target; empty where none has, or none is known yet.

    Raises:
        NotFoundError: there is no such project.
        InvalidInputError: something stored is damaged.
    """
    if not are_compared(workspace, project_id):
        return ""
    found = near_copies(workspace, project_id, likeness)
    if not found.n_test:
        return ""
    test = "1 test image has a near copy" if found.n_test == 1 else f"{found.n_test:,} test images have near copies"
    if not found.learnt:
        return f"{test} in pool or target: once that is labelled, the accuracy will look better than it is. {_REMEDY}"
    judged = _without(workspace, project_id, found.learnt)
    return f"{test} in pool or target, {len(found.learnt):,} of them of a labelled image{judged}. {_REMEDY}"


def _without(workspace: Workspace, project_id: ProjectId, learnt: Collection[ItemId]) -> str:
    """The accuracy on all test images whose class is known, and on those without such a copy."""
    try:
        known = evaluated(workspace, project_id)
    except (ConflictError, NotFoundError):
        known = None
    if known is None:
        return ""
    right = known.correct[known.way("shown")].double()
    clean = ~torch.isin(known.item_ids, torch.tensor(sorted(learnt)))
    if clean.all():
        return ""
    without = f"{right[clean].mean():.1%}" if clean.any() else "not known"
    return f": without these the accuracy is {without} and not {right.mean():.1%}"
