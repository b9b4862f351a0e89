"""The flow `ingest`: import images, and embed what has no embedding yet; and the step that takes what is watched."""

from typing import TYPE_CHECKING, Any

from prefect import flow

from alflow import logs
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.flows.context import workspace
from alflow.flows.embedding import embed_shards
from alflow.flows.limits import one_run
from alflow.progress import Progress

if TYPE_CHECKING:
    from alflow.workflow.images.taking import Brought


@flow(name="ingest", flow_run_name="ingest-{project}-{split}")
def ingest(
    project: str, source: str, split: Split = Split.POOL, *, strict: bool = False, anywhere: bool = False
) -> dict[str, Any]:
    """Import a folder, a manifest or a URL into one split of a project, then embed; returns what was counted.

    With `strict` nothing is imported if a label names no class, a test image has none, or a row cannot be used. With
    `anywhere` a manifest may name files outside its folder, and links may lead out of theirs.
    """
    from alflow.flows.publish import progress_artifact, publish_import
    from alflow.workflow.images.imported import counts
    from alflow.workflow.images.pool import import_items
    from alflow.workflow.projects.projects import find_project

    chosen = find_project(workspace(), project)
    logs.about(project=chosen.id)
    with one_run(chosen.id, wait=True):
        with progress_artifact(chosen, "Importing") as progress:
            report = import_items(workspace(), chosen, source, split, progress, anywhere=anywhere, strict=strict)
        publish_import(chosen, source, report)
        with progress_artifact(chosen, "Embedding") as progress:
            embedded = embed_shards(chosen, progress, in_turns=False)
    return {**counts(report), "embedded": embedded.embedded}


def take_watched(project: Project, progress: Progress) -> "list[Brought]":
    """Take what is ready in the project's watched sources, inside a flow, and publish what became of it.

    Raises:
        UnavailableError: the database does not answer, or nothing can be stored.
    """
    from alflow.flows.publish import publish_import
    from alflow.workflow.images.taking import bring_watched

    brought = bring_watched(workspace(), project, progress)
    for one in brought:
        publish_import(project, one.source, one.report)
    return brought
