"""Fit a round: what every settled label so far teaches about the logits, and the scale of the zero-shot ones."""

from alflow.domain.rounds import Round
from alflow.embeddings import Embeddings
from alflow.errors import ConflictError
from alflow.store.artifacts import digest
from alflow.workflow.model.model import ProjectModel, fit_support, restore_fit, save_fit
from alflow.workflow.model.source import fit_path
from alflow.workflow.rounds.moment import Moment
from alflow.workspace import Workspace


def fit_round(
    workspace: Workspace, now: Moment, round_: Round, zero_shot: ProjectModel, rows: Embeddings
) -> ProjectModel:
    """The model after a round; computed once, named by the hash of its support set and of what it starts from.

    Without any settled label (all were skipped, or votes are tied) it is the zero-shot model, which has no fit hash.
    Labels of images whose embedding was lost wait until there is one again.

    Args:
        workspace: where.
        now: whose labels are fitted.
        round_: the round.
        zero_shot: what the fit starts from.
        rows: of the labelled items.

    Raises:
        ConflictError: no labelled image has an embedding.
    """
    support, project = now.support(zero_shot.class_ids), now.project
    if not support:
        return zero_shot
    if not len(rows):
        raise ConflictError(f"none of the {len(support)} labelled images has an embedding: run `alflow embed`")
    support = {item: support[item] for item in rows.item_ids.tolist()}
    fit = digest(hashes=zero_shot.hashes, support=list(support.items()), seed=round_.seed)
    if not workspace.artifacts.exists(fit_path(project.id, fit)):
        fitted = fit_support(zero_shot, rows, list(support.values()), round_.seed)
        save_fit(workspace, project, fit, fitted, support, round_.seed)
    return restore_fit(workspace, project, zero_shot, fit)
