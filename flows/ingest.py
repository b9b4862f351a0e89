"""The flow `ingest`: import images, and embed what has no embedding yet."""

from typing import Any

from prefect import flow

from alflow.domain.images import Split
from flows.context import workspace
from flows.embedding import embed_shards
from flows.limits import one_run


@flow(name="ingest", flow_run_name="ingest-{project}-{split}")
def ingest(
    project: str, source: str, split: Split = Split.POOL, *, strict: bool = False, anywhere: bool = False
) -> dict[str, Any]:
    """Import a folder, a manifest or a URL into one split of a project, then embed; returns what was counted.

    With `strict` nothing is imported if a label names no class, a test image has none, or a row cannot be used. With
    `anywhere` a manifest may name files outside its folder, and links may lead out of theirs.
    """
    from alflow.workflow.images.imported import counts
    from alflow.workflow.images.pool import import_items
    from alflow.workflow.projects.projects import find_project
    from flows.publish import progress_artifact, publish_import

    chosen = find_project(workspace(), project)
    with one_run(chosen.id, wait=True):
        with progress_artifact(chosen, "Importing") as progress:
            report = import_items(workspace(), chosen, source, split, progress, anywhere=anywhere, strict=strict)
        publish_import(chosen, source, report)
        with progress_artifact(chosen, "Embedding") as progress:
            embedded = embed_shards(chosen, progress)
    return {**counts(report), "embedded": embedded.embedded}
