"""Embedding in Prefect: one task per shard of images, never one per image; what was embedded before is left alone."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from alflow.domain import Project
from alflow.progress import Progress
from flows.context import workspace


def embed_shards(project: Project, progress: Progress) -> int:
    """Embed the items of a project that are due, inside a flow; returns how many were embedded."""
    from alflow.workflow.embed import SHARD_ITEMS, due_ids

    missing = due_ids(workspace(), project)
    embedded = 0
    for start in range(0, len(missing), SHARD_ITEMS):
        progress(start, len(missing))
        embedded += embed_shard(project.name, missing[start : start + SHARD_ITEMS])
    return embedded


@task(name="embed-shard", cache_policy=NO_CACHE)
def embed_shard(project: str, item_ids: list[int]) -> int:
    """Embed these items into one shard; returns how many could be."""
    from alflow.workflow.embed import embed_items
    from alflow.workflow.projects import find_project

    return embed_items(workspace(), find_project(workspace(), project), item_ids).embedded
