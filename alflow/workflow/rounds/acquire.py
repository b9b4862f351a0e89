"""Open a round: decide which pool items are worth a label, and queue them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import torch

from alflow.acquisition.acquire import acquire, chances
from alflow.acquisition.beliefs import Acquisition, Beliefs
from alflow.acquisition.diversity import near_duplicates
from alflow.acquisition.worth import ANSWERS
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.reasons import Reasons
from alflow.domain.rounds import Origin, Round
from alflow.errors import ConflictError
from alflow.ids import ItemId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.answers import certificates
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.rounds import candidates, reasons, rounds
from alflow.store.rounds.candidates import NewCandidate
from alflow.workflow.model.from_pool import with_posterior
from alflow.workflow.model.model import ProjectModel, fit_path, last_fit, load_rows, model_of
from alflow.workflow.projects.settings import require_usable
from alflow.workflow.rounds.evaluate import evaluate_zero_shot
from alflow.workflow.rounds.fit import fit_round
from alflow.workflow.rounds.hindrances import nothing_to_ask
from alflow.workflow.rounds.moment import Moment, look
from alflow.workflow.rounds.question import Asked, Groups, ask_about
from alflow.workflow.rounds.reasons import places_of, reasons_for
from alflow.workspace import Workspace

NOVEL: Final = 2.0
"""Novelty above which an image is unlike the pretraining data; a few percent of that data are above it, too."""


def open_round(workspace: Workspace, project_id: ProjectId, progress: Progress = silent) -> Round:
    """The round that is open, or a new one: the strategy's picks and a random control slice, queued by rank.

    Same project, labels and seed: same picks. The round and its candidates are stored in the last transaction; what is
    kept before it (the evaluation of the zero-shot model, the scores as an artifact) is the same when a killed run is
    repeated. Of two runs at once, one opens the round and both return it.

    The first round of a project without a posterior estimates one from its pool; `progress` tells how far that is.

    Raises:
        ConflictError: there is nothing to ask about: no embedded pool item is without a label.
    """
    with workspace.database.read() as tx:
        now = look(tx, project_id)
        if now.current is not None:
            return now.current
        target = items.ids(tx, project_id, Split.TARGET)
        groups = Groups(items.unasked(tx, project_id), target, sorted(now.settled))
        accepted = certificates.accepted(tx, project_id)
    require_usable(now.project)  # a setting that cannot be used fails before the work, not after
    if first := not now.rounds:
        now = replace(now, project=with_posterior(workspace, now.project, now.classes, progress))
    project, model = now.project, _newest_model(workspace, now)
    closed = max((done.number for done in now.rounds), default=0)
    test = list(now.judges(model.class_ids)) if first else []
    about = ask_about(workspace, project, model, closed, replace(groups, test=test))
    if first:
        evaluate_zero_shot(workspace, now, model, about.test)
    if not len(about.item_ids):
        why = nothing_to_ask(workspace, project, ()) or "images: import some into the pool (`alflow import`)"
        raise ConflictError(f"project '{project.name}' has no embedded pool item without a label; it needs {why}")
    return _store(workspace, project, _plan(workspace, now, model, about, accepted))


def _newest_model(workspace: Workspace, now: Moment) -> ProjectModel:
    """The model after the newest fit; one that was lost is fitted again, on the labels there are now."""
    project, fit = now.project, last_fit(now.rounds)
    if fit is None or workspace.artifacts.exists(fit_path(project.id, fit)):
        return model_of(workspace, project, now.classes, fit)
    zero_shot = model_of(workspace, project, now.classes)
    (support,) = load_rows(workspace, project, zero_shot, list(now.support(zero_shot.class_ids)))
    lost = next(done for done in reversed(now.rounds) if done.hashes.get("fit") == fit)
    return fit_round(workspace, now, lost, zero_shot, support)


def round_seed(project: Project, number: int) -> int:
    """Seed of every random draw of a round: a function of project seed and round number alone."""
    return int(digest(seed=project.settings.seed, round=number)[:12], 16)


@dataclass(frozen=True)
class _Plan:
    """A round before it is stored."""

    seed: int
    configuration: dict[str, Any]
    hashes: dict[str, str]
    candidates: list[NewCandidate]
    reasons: dict[ItemId, Reasons]


def _plan(workspace: Workspace, now: Moment, model: ProjectModel, about: Asked, accepted: Collection[ItemId]) -> _Plan:
    """Acquire, and keep the score of every pool item as an artifact.

    Accepted images are left to the control slice, which so audits them.
    """
    query, item_ids, project = about.question, about.item_ids, now.project
    settings, seed = project.settings, round_seed(project, len(now.rounds) + 1)
    generator = torch.Generator().manual_seed(seed)
    spared = torch.isin(item_ids, torch.tensor(sorted(accepted), dtype=torch.int64)) if accepted else None
    chosen, control = acquire(query, settings.strategy, settings.budget, settings.control_fraction, generator, spared)
    picked = query.pool[rows := torch.cat([chosen.rows, control])]
    places = places_of(query, rows, settings.strategy, chosen, torch.Generator().manual_seed(seed))
    why, standing = reasons_for(model, about, rows, picked, places)
    likely = chances(query, settings.strategy, chosen, control, torch.Generator().manual_seed(seed), spared)
    configuration = {
        "control_fraction": settings.control_fraction,
        "votes": settings.votes,
        "n_pool": len(item_ids),
        "n_target": about.n_target,
        "n_labels": len(query.labelled),
        "class_ids": list(model.class_ids),
        "class_deviations": model.class_deviations(query.pool),
        "near_duplicates": near_duplicates(picked.activations, model.model.frame.centre.to(picked.activations.dtype)),
        "novelty": dict(zip(item_ids[rows].tolist(), picked.novelty.tolist(), strict=True)),
        "novel_share": float((query.pool.novelty > NOVEL).double().mean()),
        "aim_ids": standing if len(model.class_ids) > ANSWERS else [],  # to rate answers that were not
    }
    if likely is not None:  # the picks were drawn: they tell about the whole pool
        configuration["chances"] = dict(zip(item_ids[rows].tolist(), likely[rows].tolist(), strict=True))
    return _Plan(
        seed,
        configuration,
        model.hashes | {"scores": _save_scores(workspace, project, model, item_ids, chosen)},
        _candidates(project, model, about, chosen, control, generator),
        why,
    )


def _candidates(
    project: Project,
    model: ProjectModel,
    about: Asked,
    chosen: Acquisition,
    control: torch.Tensor,
    generator: torch.Generator,
) -> list[NewCandidate]:
    """Candidates in the order of the queue: control items are at random places, so that nobody can tell them apart."""
    score = dict(zip(chosen.rows.tolist(), chosen.scores.tolist(), strict=True))
    order = _interleave(chosen.rows.tolist(), control.tolist(), generator)
    rows = torch.tensor(order, dtype=torch.int64)
    believed = described(project, model, about.item_ids[rows].tolist(), about.question.pool[rows])
    return [
        replace(one, origin=Origin.STRATEGY if row in score else Origin.CONTROL, score=score.get(row))
        for one, row in zip(believed, order, strict=True)
    ]


def described(project: Project, model: ProjectModel, item_ids: list[ItemId], picked: Beliefs) -> list[NewCandidate]:
    """Candidates with what the model believes of them, ranked in this order, without a score.

    Args:
        project: says how many votes each needs.
        model: whose beliefs they are.
        item_ids: the items.
        picked: beliefs about each of them.
    """
    parts = picked.parts(model.model.class_covariance)
    return [
        NewCandidate(
            item_id=item_id,
            rank=rank,
            origin=Origin.STRATEGY,
            score=None,
            predicted_class_id=model.class_ids[int(picked.probabilities[rank].argmax())],
            probabilities=dict(zip(model.class_ids, picked.probabilities[rank].tolist(), strict=True)),
            epistemic=float(parts.epistemic[rank]),
            aleatoric=float(parts.aleatoric[rank]),
            votes_needed=project.settings.votes,
        )
        for rank, item_id in enumerate(item_ids)
    ]


def _interleave(chosen: list[int], control: list[int], generator: torch.Generator) -> list[int]:
    """Both lists in their own order, merged at random."""
    total = len(chosen) + len(control)
    places = set(torch.randperm(total, generator=generator)[: len(control)].tolist())
    best, drawn = iter(chosen), iter(control)
    return [next(drawn) if place in places else next(best) for place in range(total)]


def _save_scores(
    workspace: Workspace, project: Project, model: ProjectModel, item_ids: torch.Tensor, chosen: Acquisition
) -> str:
    name = digest(hashes=model.hashes, strategy=project.settings.strategy, items=item_ids.tolist())
    tensors = {"item_ids": item_ids, "scores": chosen.all_scores}
    workspace.artifacts.write_tensors(f"projects/{project.id}/scores/{name}.safetensors", tensors, model.hashes)
    return name


def _store(workspace: Workspace, project: Project, plan: _Plan) -> Round:
    settings = project.settings
    try:
        with workspace.database.begin() as tx:
            opened = rounds.open_(
                tx,
                project.id,
                strategy=settings.strategy,
                budget=settings.budget,
                seed=plan.seed,
                configuration=plan.configuration,
                hashes=plan.hashes,
            )
            candidates.add(tx, opened.id, plan.candidates)
            reasons.add(tx, opened.id, plan.reasons)
            return opened
    except ConflictError:  # another run was faster: its round is the round
        with workspace.database.read() as tx:
            current = rounds.current(tx, project.id)
        if current is None:
            raise
        return current
