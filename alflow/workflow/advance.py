"""What is due? Decided from the database alone: a second run finishes what a killed one began, a third does nothing."""

from dataclasses import dataclass

from alflow.domain import Project, RoundState, Split
from alflow.progress import Progress, silent
from alflow.store import items, projects, rounds
from alflow.store.database import Transaction
from alflow.workflow.acquire import open_round
from alflow.workflow.embed import count_missing, embed_missing
from alflow.workflow.evaluate import close_round
from alflow.workflow.stopping import rule_that_stops
from alflow.workspace import Workspace


@dataclass(frozen=True)
class AdvanceReport:
    """What was done, in order, and what the project waits for now."""

    project: str
    done: tuple[str, ...]
    waiting_for: str


def advance(workspace: Workspace, project_id: int, progress: Progress = silent) -> AdvanceReport:
    """Embed what is new, close the round that is answered, open the next unless it is time to stop.

    Raises:
        AlflowError: a step cannot be taken; the message says what is missing.
    """
    done: list[str] = []
    with workspace.database.read() as tx:
        project, current = projects.by_id(tx, project_id), rounds.current(tx, project_id)
    if count_missing(workspace, project):
        report = embed_missing(workspace, project, progress)
        done.append(f"embedded {report.embedded} items")
    if current is not None and current.state is RoundState.LABELLED:
        done.append(f"closed round {close_round(workspace, project_id, current.id).number}")
        current = None
    if current is None and _may_open(workspace, project):
        done.append(f"opened round {open_round(workspace, project_id).number}")
    with workspace.database.read() as tx:
        return AdvanceReport(project.name, tuple(done), waiting_for(tx, project))


def waiting_for(tx: Transaction, project: Project) -> str:
    """One line: whom or what the project waits for."""
    current = rounds.current(tx, project.id)
    if current is None:
        return reason_to_stop(tx, project) or "the schedule: it will open the next round"
    if current.state is RoundState.LABELLED:
        return f"the schedule: round {current.number} is answered and will be fitted and evaluated"
    answered, total = rounds.answered(tx, current.id)
    return f"annotators: {answered} of {total} images of round {current.number} are answered"


def reason_to_stop(tx: Transaction, project: Project) -> str | None:
    """Why no further round should be opened; None while one should."""
    rule = rule_that_stops(tx, project.id, project.settings)
    if rule is not None:
        return f"nobody: {rule}"
    if not items.counts(tx, project.id)[Split.POOL]:
        return "images: the pool is empty, import some"
    return None if items.unasked(tx, project.id) else "images: every one in the pool has been asked about"


def _may_open(workspace: Workspace, project: Project) -> bool:
    with workspace.database.read() as tx:
        return reason_to_stop(tx, project) is None
