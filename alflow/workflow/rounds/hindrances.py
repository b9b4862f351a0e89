"""What keeps a project from its next step, in words and with the remedy; found without loading its model."""

from collections.abc import Collection, Sequence

from alflow.domain.images import EmbedFailure, Split
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import ItemId
from alflow.store.database import Transaction
from alflow.store.images import failures, items
from alflow.store.projects import projects
from alflow.workflow.model.posterior import missing_posterior
from alflow.workflow.rounds.stopping import rule_that_stops
from alflow.workspace import Workspace


def reason_to_stop(tx: Transaction, project: Project) -> str | None:
    """Why no further round should be opened; None while one should."""
    rule = rule_that_stops(tx, project.id, project.settings)
    if rule is not None:
        return f"nobody: {rule}"
    if not items.counts(tx, project.id)[Split.POOL]:
        return "images: the pool is empty, import some"
    return "images: all of the pool have been asked about, import more" if items.is_all_asked(tx, project.id) else None


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


def nothing_to_ask(workspace: Workspace, project: Project, embedded: Collection[ItemId]) -> str | None:
    """Why none of the images that are left to ask about is among the embedded ones; None if one is, or none is left."""
    with workspace.database.read() as tx:
        left = items.unasked(tx, project.id)
        missing = {item for item in left if item not in embedded}
        failed = [one for one in failures.of_project(tx, project.id) if one.item_id in missing]
    if len(missing) < len(left) or not left:
        return None
    if len(failed) < len(left):
        n = len(left) - len(failed)
        return f"embeddings: {n} image{'' if n == 1 else 's'} of the pool will be embedded (by hand: `alflow embed`)"
    return f"images: {could_not_be_embedded(failed)}; alflow will try again by itself, or at once with `alflow embed`"


def could_not_be_embedded(failed: Sequence[EmbedFailure]) -> str:
    """How many images have failed so far, and the first reason."""
    return f"{len(failed)} could not be embedded; the first, {failed[0].uri}: {failed[0].reason}"
