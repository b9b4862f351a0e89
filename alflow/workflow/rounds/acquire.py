"""Open a round: decide which pool items are worth a label, and queue them."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

from alflow.domain.images import Split
from alflow.domain.messages import Event
from alflow.domain.rounds import Round
from alflow.errors import ConflictError
from alflow.ids import ItemId, ProjectId
from alflow.progress import Detail, Progress, silent, untold
from alflow.store.answers import certificates
from alflow.store.images import items
from alflow.store.rounds import candidates, reasons, reserve, rounds
from alflow.workflow.model.from_pool import with_posterior
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workflow.model.source import fit_path, last_fit
from alflow.workflow.projects.settings import require_usable
from alflow.workflow.projects.states import require_active
from alflow.workflow.rounds.evaluate import evaluate_zero_shot
from alflow.workflow.rounds.fit import fit_round
from alflow.workflow.rounds.hindrances import nothing_to_ask, rows_missing
from alflow.workflow.rounds.moment import Moment, look
from alflow.workflow.rounds.plan import Plan, plan_round, round_seed
from alflow.workflow.rounds.question import Groups, ask_about
from alflow.workflow.rounds.record import Inputs, keep_record
from alflow.workspace import Workspace

_log = logging.getLogger(__name__)


def open_round(
    workspace: Workspace,
    project_id: ProjectId,
    progress: Progress = silent,
    *,
    missing_ok: bool = False,
    detail: Detail = untold,
) -> Round:
    """The round that is open, or a new one: the strategy's picks and a random control slice, queued by rank.

    Behind them lies a reserve. What is answered of the one before while this round is planned is not asked again.

    Same project, labels and seed: same picks. The round and its candidates are stored in the last transaction; what is
    kept before it (the evaluation of the zero-shot model, the scores as an artifact) is the same when a killed run is
    repeated. Of two runs at once, one opens the round and both return it.

    The first round of a project without a posterior estimates one from its pool; `progress` tells how far that is.
    With `missing_ok` images without embeddings are left out: those that arrive after a run has embedded wait for the
    next round. `detail` takes what is done now.

    Raises:
        ConflictError: there is nothing to ask about: no embedded pool item is without a label; not all are embedded; or
            the project is stopped.
    """
    with workspace.database.read() as tx:
        now = look(tx, project_id)
        if now.current is not None:
            return now.current
        target = items.ids(tx, project_id, Split.TARGET)
        groups = Groups(items.unasked(tx, project_id), target, sorted(now.settled))
        accepted = certificates.accepted(tx, project_id)
    require_active(now.project)
    require_usable(now.project)  # a setting that cannot be used fails before the work, not after
    if not missing_ok and (missing := rows_missing(workspace, now.project)) is not None:
        raise ConflictError(f"project '{now.project.name}': {missing}")
    if first := not now.rounds:
        detail("the pretraining's posterior is estimated (1 of 3)")
        now = replace(now, project=with_posterior(workspace, now.project, now.classes, progress))
    project, model = now.project, _newest_model(workspace, now)
    detail("images are scored (2 of 3)")
    closed = max((done.number for done in now.rounds), default=0)
    test = list(now.judges(model.class_ids)) if first else []
    about = ask_about(workspace, project, model, closed, replace(groups, test=test))
    if first:
        evaluate_zero_shot(workspace, now, model, about.test)
    if not len(about.item_ids):
        why = nothing_to_ask(workspace, project, frozenset()) or "images: import some into the pool (`alflow import`)"
        raise ConflictError(f"project '{project.name}' has no embedded pool item without a label; it needs {why}")
    detail("images are chosen (3 of 3)")
    plan = plan_round(project, model, about, round_seed(project, len(now.rounds) + 1), accepted)
    made_of = Inputs(project, now.classes, model, about, accepted)
    hashes = model.hashes | {"scores": keep_record(workspace, made_of, plan)}
    return _store(workspace, now, plan, hashes, groups.pool)


def _newest_model(workspace: Workspace, now: Moment) -> ProjectModel:
    """The model after the newest fit; one that was lost is fitted again, on the labels there are now."""
    project, fit = now.project, last_fit(now.rounds)
    if fit is None or workspace.artifacts.exists(fit_path(project.id, fit)):
        return model_of(workspace, project, now.classes, fit)
    zero_shot = model_of(workspace, project, now.classes)
    (support,) = load_rows(workspace, project, zero_shot, list(now.support(zero_shot.class_ids)))
    lost = next(done for done in reversed(now.rounds) if done.hashes.get("fit") == fit)
    return fit_round(workspace, now, lost, zero_shot, support)


def _store(workspace: Workspace, now: Moment, plan: Plan, hashes: Mapping[str, str], pool: Collection[ItemId]) -> Round:
    project, settings = now.project, now.project.settings
    try:
        with workspace.database.begin() as tx:
            items.lock(tx, project.id)  # nobody puts an image on a page of the grid that is asked about from now on
            if [(one.id, one.closed_at) for one in rounds.all_(tx, project.id)] != [
                (one.id, one.closed_at) for one in now.rounds
            ]:
                raise ConflictError("the rounds of the project changed meanwhile: open the next once more")
            opened = rounds.open_(
                tx,
                project.id,
                strategy=settings.strategy,
                budget=settings.budget,
                seed=plan.seed,
                configuration=plan.configuration,
                hashes=hashes,
            )
            planned = [*plan.candidates, *plan.reserve]
            candidates.add(tx, opened.id, reserve.hand_on(tx, project.id, opened.id, planned, pool))
            reasons.add(tx, opened.id, plan.reasons)
            told = f"Round {opened.number} is open: {len(plan.candidates):,} images."
            rounds.tell(tx, opened, Event.ROUND_OPENED, told)
            opened = rounds.settle(tx, opened)  # all of it may have been answered while it was planned
        _log.info("opened a round", extra={"project": project.id, "round": opened.number})
        return opened
    except ConflictError:  # another run was faster: its round is the round
        with workspace.database.read() as tx:
            current = rounds.current(tx, project.id)
        if current is None:
            raise
        return current
