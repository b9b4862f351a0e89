"""What is due? Decided from the database alone: a second run finishes what a killed one began, a third does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.domain.runs import Step, Wish
from alflow.ids import ProjectId
from alflow.progress import Progress, silent
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import plural
from alflow.workflow.images.embed import EmbedReport, embed_missing
from alflow.workflow.images.embedded import missing_ids
from alflow.workflow.images.imported import summary
from alflow.workflow.images.taking import Brought, bring_watched
from alflow.workflow.model.source import posterior_source
from alflow.workflow.projects.states import require_active
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.hindrances import reason_to_stop
from alflow.workflow.rounds.telling import Telling
from alflow.workflow.rounds.waiting import keeping_trouble, waiting
from alflow.workspace import Workspace

Embed: TypeAlias = Callable[[Workspace, Project, Progress], EmbedReport]
Bring: TypeAlias = Callable[[Workspace, Project, Progress], list[Brought]]


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
    workspace: Workspace,
    project_id: ProjectId,
    progress: Progress = silent,
    *,
    embed: Embed = embed_all,
    bring: Bring = bring_watched,
    tell: Telling | None = None,
) -> AdvanceReport:
    """Take and embed what is new, close the round that is answered, open the next unless it is time to stop.

    New files of watched sources wait where an answered round is to be closed. What fails is kept as the project's
    trouble until a run succeeds.

    Args:
        workspace: where.
        project_id: the project.
        progress: of embedding, and of the texts behind a posterior that is estimated.
        embed: how to embed; a schedule runs often and skips recent failures.
        bring: how to take what is ready in watched sources.
        tell: to whom to tell what is done, and what was asked for.

    Raises:
        AlflowError: a step cannot be taken; the message says what is missing.
        StoppedError: the project is stopped, or was while this run went on.
    """
    with workspace.database.read() as tx:
        require_active(projects.by_id(tx, project_id))
    with keeping_trouble(workspace, project_id):
        project, done = _advance(workspace, project_id, progress, embed, bring, tell or Telling())
    return AdvanceReport(project.name, done, waiting(workspace, project_id).words)


def _advance(
    workspace: Workspace, project_id: ProjectId, progress: Progress, embed: Embed, bring: Bring, tell: Telling
) -> tuple[Project, tuple[str, ...]]:
    done: list[str] = []

    def both(count: int, total: int | None) -> None:
        progress(count, total)
        tell.progress(count, total)

    with workspace.database.read() as tx:
        project, current = projects.by_id(tx, project_id), rounds.current(tx, project_id)
    answered = current is not None and current.state is RoundState.LABELLED
    if not answered:
        tell.step(Step.TAKE)
        done += [f"took from {one.source}: {summary(one.report)}" for one in bring(workspace, project, both)]
    tell.step(Step.EMBED)
    report = embed(workspace, project, both)
    if report.embedded:
        done.append(f"embedded {plural(report.embedded, 'image')}")
    if (complaint := report.complaint()) is not None:
        done.append(complaint)
    if current is not None and answered:
        tell.step(Step.CLOSE, current.number)
        done.append(f"closed round {close_round(workspace, project_id, current.id, detail=tell.detail).number}")
        current = None
    if current is None and (tell.wish is Wish.OPEN or _may_open(workspace, project)):
        tell.step(Step.OPEN, _next_number(workspace, project))
        opened = open_round(workspace, project_id, both, missing_ok=True, detail=tell.detail)
        done += [*_estimated(workspace, project), f"opened round {opened.number}"]
    return project, tuple(done)


def _estimated(workspace: Workspace, before: Project) -> list[str]:
    """The posterior that the project has got since, unless somebody gave it one."""
    with workspace.database.read() as tx:
        now = projects.by_id(tx, before.id)
    source = posterior_source(workspace, now) if now.posterior != before.posterior else None
    return [f"posterior {source.words}"] if source is not None and source.kind == "pool" else []


def _next_number(workspace: Workspace, project: Project) -> int:
    with workspace.database.read() as tx:
        newest = rounds.last(tx, project.id)
    return 1 if newest is None else newest.number + 1


def _may_open(workspace: Workspace, project: Project) -> bool:
    with workspace.database.read() as tx:
        return reason_to_stop(tx, project) is None
