"""What keeps a project from its next step, in words and with the remedy; found without loading its model."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Final

from alflow.domain.images import EmbedFailure, Split
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ItemId
from alflow.store.database import Transaction
from alflow.store.images import failures, items, watches
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import known_ids
from alflow.workflow.model.source import missing_posterior
from alflow.workflow.rounds.stopping import rule_that_stops
from alflow.workspace import Workspace

_PAGE: Final = 5_000
"""Images that are looked at together: nearly always the first of them is embedded."""

_FIRST: Final = 256  # images, of which a posterior can be estimated
_CHOICE: Final = 4  # images to choose from, for each that a round asks about


def reason_to_stop(tx: Transaction, project: Project) -> str | None:
    """Why no further round should be opened; None while one should."""
    rule = rule_that_stops(tx, project.id, project.settings)
    if rule is not None:
        return f"nobody: {rule}"
    n_pool = items.counts(tx, project.id)[Split.POOL]
    if not n_pool:
        return "images: the pool is empty, bring some (the Project page, or `alflow import`)"
    if n_pool < (first := first_images(project)) and _more_come(tx, project):
        return f"images: {n_pool} are here and more arrive; the first round opens with {first}, or when no more come"
    return "images: all of the pool have been asked about, import more" if items.is_all_asked(tx, project.id) else None


def first_images(project: Project) -> int:
    """How many images of the pool the first round waits for while more arrive: it chooses among them."""
    return max(_FIRST, _CHOICE * project.settings.budget)


def unwritable(workspace: Workspace) -> str | None:
    """Why nothing can be stored now, by a quick check; None if something can."""
    try:
        workspace.check_writable()
    except AlflowError as error:
        return str(error)
    return None


def unready(workspace: Workspace, project: Project) -> str | None:
    """What a model of the project lacks: classes, a posterior."""
    with workspace.database.read() as tx:
        n_classes, n_pool = len(projects.classes(tx, project.id)), items.counts(tx, project.id)[Split.POOL]
    if n_classes < 2:
        return (
            f"classes: the project has {'one' if n_classes else 'none'} and needs at least two (`alflow classes add`)"
        )
    missing = missing_posterior(workspace, project, n_pool)
    return None if missing is None else f"a posterior: {missing}"


def nothing_to_ask(workspace: Workspace, project: Project, embedded: AbstractSet[ItemId]) -> str | None:
    """Why none of the images that are left to ask about is among the embedded ones; None if one is, or none is left."""
    left: list[ItemId] = []
    with workspace.database.read() as tx:
        while page := items.unasked(tx, project.id, left[-1] if left else None, _PAGE):
            if not embedded.isdisjoint(page):
                return None
            left += page
        unable = set(left)
        failed = [one for one in failures.of_project(tx, project.id) if one.item_id in unable]
    if not left:
        return None
    if len(failed) < len(left):
        n = len(left) - len(failed)
        return f"embeddings: {n} image{'' if n == 1 else 's'} of the pool will be embedded (by hand: `alflow embed`)"
    return f"images: {could_not_be_embedded(failed)}; alflow will try again by itself, or at once with `alflow embed`"


def rows_missing(workspace: Workspace, project: Project) -> str | None:
    """How many images that are left to ask about lack embeddings, where others have them; None if none does.

    Those that could not be embedded are told elsewhere, and do not count.
    """
    embedded = known_ids(workspace, project)
    with workspace.database.read() as tx:
        left = items.unasked(tx, project.id)
        failed = {one.item_id for one in failures.of_project(tx, project.id)}
    missing = sum(item not in embedded and item not in failed for item in left)
    if not missing or not embedded:
        return None
    return (
        f"{missing:,} of {len(left):,} images to ask about have no embedding: run `alflow embed` first, or "
        "`alflow advance`, which does both; `alflow doctor` tells whether any were lost"
    )


def _more_come(tx: Transaction, project: Project) -> bool:
    """Whether no round was opened yet, and somebody uploads images."""
    return rounds.last(tx, project.id) is None and watches.arrivals(tx, project.id, datetime.now(UTC))[1]


def could_not_be_embedded(failed: Sequence[EmbedFailure]) -> str:
    """How many images have failed so far, and the first reason."""
    return f"{len(failed)} could not be embedded; the first, {failed[0].uri}: {failed[0].reason}"
