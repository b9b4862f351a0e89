"""What is due? Decided from the database alone: a second run finishes what a killed one began, a third does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.ids import ProjectId
from alflow.progress import Progress, silent
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embed import EmbedReport, embed_missing, missing_ids
from alflow.workflow.model.posterior import posterior_source
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.hindrances import reason_to_stop
from alflow.workflow.rounds.waiting import keeping_trouble, waiting
from alflow.workspace import Workspace

Embed: TypeAlias = Callable[[Workspace, Project, Progress], EmbedReport]


@dataclass(frozen=True)
class AdvanceReport:
    """What was done, in order, and what the project waits for now."""

    project: str
    done: tuple[str, ...]
    waiting_for: str


def embed_all(workspace: Workspace, project: Project, progress: Progress = silent) -> EmbedReport:
    """Embed everything that is missing, recent failures too; load the model only if something is missing."""
    if not missing_ids(workspace, project):
        return EmbedReport(0, 0, ())
    return embed_missing(workspace, project, progress)


def advance(
    workspace: Workspace, project_id: ProjectId, progress: Progress = silent, *, embed: Embed = embed_all
) -> AdvanceReport:
    """Embed what is new, close the round that is answered, open the next unless it is time to stop.

    What fails is kept as the project's trouble until a run succeeds.

    Args:
        workspace: where.
        project_id: the project.
        progress: of embedding, and of the texts behind a posterior that is estimated.
        embed: how to embed; a schedule runs often and skips recent failures.

    Raises:
        AlflowError: a step cannot be taken; the message says what is missing.
    """
    with keeping_trouble(workspace, project_id):
        project, done = _advance(workspace, project_id, progress, embed)
    return AdvanceReport(project.name, done, waiting(workspace, project_id).words)


def _advance(
    workspace: Workspace, project_id: ProjectId, progress: Progress, embed: Embed
) -> tuple[Project, tuple[str, ...]]:
    done: list[str] = []
    with workspace.database.read() as tx:
        project, current = projects.by_id(tx, project_id), rounds.current(tx, project_id)
    report = embed(workspace, project, progress)
    if report.embedded:
        done.append(f"embedded {report.embedded} images")
    if (complaint := report.complaint()) is not None:
        done.append(complaint)
    if current is not None and current.state is RoundState.LABELLED:
        done.append(f"closed round {close_round(workspace, project_id, current.id).number}")
        current = None
    if current is None and _may_open(workspace, project):
        opened = open_round(workspace, project_id, progress)
        done += [*_estimated(workspace, project), f"opened round {opened.number}"]
    return project, tuple(done)


def _estimated(workspace: Workspace, before: Project) -> list[str]:
    """The posterior that the project has got since, unless somebody gave it one."""
    with workspace.database.read() as tx:
        now = projects.by_id(tx, before.id)
    source = posterior_source(workspace, now) if now.posterior != before.posterior else None
    return [f"posterior {source.words}"] if source is not None and source.kind == "pool" else []


def _may_open(workspace: Workspace, project: Project) -> bool:
    with workspace.database.read() as tx:
        return reason_to_stop(tx, project) is None
