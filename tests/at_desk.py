"""Somebody at the desk: each of these is one exchange, as their browser would have it, and raises what is refused."""

from alflow.domain.answers import Label
from alflow.ids import AnnotatorId, CheckId, ProjectId
from alflow.store.desk import labels
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.messages import CheckAnswer, CheckEntry, DeskState, Event, Undo, Wish
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace

DELIVER = Wish(ahead=0)
"""Reserve nothing."""


def visit(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, *events: Event, wish: Wish = DELIVER
) -> DeskState:
    """Send these events; by default nothing is reserved."""
    state = exchange(workspace, project_id, annotator_id, events, wish)
    for fate in state.acknowledgements:
        if fate.refusal is not None:
            raise fate.refusal
    return state


def undo(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, token: str) -> Label:
    """Take an answer back, and return it as it is stored."""
    visit(workspace, project_id, annotator_id, Undo(None, token))
    with workspace.database.read() as tx:
        taken = labels.by_token(tx, token)
    assert taken is not None
    return taken


def due_check(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId) -> tuple[int, CheckEntry] | None:
    """Reserve what a deck holds; how many images of it come before the check that is due, and the check."""
    queue = visit(workspace, project_id, annotator_id, wish=Wish()).queue
    assert queue
    checks = [(place, entry) for place, entry in enumerate(queue) if isinstance(entry, CheckEntry)]
    assert len(checks) <= 1
    return checks[0] if checks else None


def next_check(workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId) -> CheckEntry:
    """The check that is due, which there is."""
    due = due_check(workspace, project_id, annotator_id)
    assert due is not None
    return due[1]


def answer_check(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, check_id: CheckId, given: Submission
) -> Outcome | None:
    """Answer a check, and return what is said of it."""
    (fate,) = visit(workspace, project_id, annotator_id, CheckAnswer(None, check_id, given)).acknowledgements
    assert isinstance(fate.feedback, Outcome)
    return fate.feedback
