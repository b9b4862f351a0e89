"""Embedding in Prefect: one task per shard of images, never one per image; what was embedded before is left alone."""

from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ItemId
from alflow.progress import Progress
from flows.context import workspace

if TYPE_CHECKING:
    from alflow.workflow.images.embed import EmbedReport


def embed_shards(project: Project, progress: Progress) -> "EmbedReport":
    """Embed the items of a project that are due, inside a flow; returns what became of them.

    Raises:
        AlflowError: a shard of them could not be embedded, for a reason that is not one of its images.
    """
    from alflow.workflow.images.embed import SHARD_ITEMS, EmbedReport, due_ids
    from alflow.workflow.rounds.waiting import note_look

    missing = due_ids(workspace(), project)
    report = EmbedReport(0, 0, ())
    for start in range(0, len(missing), SHARD_ITEMS):
        progress(start, len(missing))
        note_look(workspace(), project.id)  # so that a long run does not look like a stopped schedule
        state: State[Any] = embed_shard(project.name, missing[start : start + SHARD_ITEMS], return_state=True)
        done: EmbedReport = state.result()
        report = EmbedReport(report.embedded + done.embedded, report.known + done.known, report.failed + done.failed)
    return report


@task(name="embed-shard", cache_policy=NO_CACHE)
def embed_shard(project: str, item_ids: list[ItemId]) -> State[Any]:
    """Embed these items into one shard; an error that a person can act on is the message of the failed task."""
    from alflow.workflow.images.embed import embed_items
    from alflow.workflow.projects.projects import find_project

    try:
        return Completed(data=embed_items(workspace(), find_project(workspace(), project), item_ids))
    except AlflowError as error:
        return Failed(message=str(error), data=error)
