"""The flow `ingest`: import images, and embed what has no embedding yet."""

from typing import Any

from prefect import flow

from alflow.domain import Split
from flows.context import workspace
from flows.embedding import embed_shards
from flows.limits import one_run


@flow(name="ingest", flow_run_name="ingest-{project}-{split}")
def ingest(project: str, source: str, split: Split = Split.POOL) -> dict[str, Any]:
    """Import a folder, a manifest or a URL into one split of a project, then embed; returns what was counted."""
    from alflow.workflow.pool import import_items
    from alflow.workflow.projects import find_project
    from flows.publish import progress_artifact, publish_rejections

    found = find_project(workspace(), project)
    with one_run(found.id, wait=True):
        with progress_artifact(found, "Importing") as progress:
            report = import_items(workspace(), found, source, split, progress=progress)
        publish_rejections(found, report.rejected)
        with progress_artifact(found, "Embedding") as progress:
            embedded = embed_shards(found, progress)
    return {"added": report.added, "known": report.known, "rejected": len(report.rejected), "embedded": embedded}
