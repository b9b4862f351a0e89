"""Plan a round: what it asks about and why, from the question, the settings and a seed alone. Nothing is stored.

Axes: N pool rows.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.acquire import acquire, chances, next_picks
from alflow.acquisition.beliefs import Acquisition, Beliefs
from alflow.acquisition.diversity import near_duplicates
from alflow.acquisition.worth import ANSWERS
from alflow.domain.projects import Project
from alflow.domain.reasons import Reasons
from alflow.domain.rounds import Origin
from alflow.ids import ItemId
from alflow.store.artifacts import digest
from alflow.store.rounds.candidates import NewCandidate, new_candidates
from alflow.workflow.model.model import ProjectModel
from alflow.workflow.rounds.question import Asked
from alflow.workflow.rounds.reasons import places_of, reasons_for

NOVEL: Final = 2.0
"""Novelty above which an image is unlike the pretraining data; a few percent of that data are above it, too."""


@dataclass(frozen=True)
class Plan:
    """A round before it is stored.

    Attributes:
        seed: of every random draw.
        configuration: what it was planned with, and what is said of its picks.
        candidates: in the order of the queue.
        reserve: what comes behind them, the strategy's next picks.
        reasons: by item.
        scores: of every row of the pool, NaN for those that the strategy did not see.
    """

    seed: int
    configuration: dict[str, Any]
    candidates: list[NewCandidate]
    reserve: list[NewCandidate]
    reasons: dict[ItemId, Reasons]
    scores: Float[Tensor, " N"]


def round_seed(project: Project, number: int) -> int:
    """Seed of every random draw of a round: a function of project seed and round number alone."""
    return int(digest(seed=project.settings.seed, round=number)[:12], 16)


def plan_round(project: Project, model: ProjectModel, about: Asked, seed: int, accepted: Collection[ItemId]) -> Plan:
    """What a round asks about. The same inputs give the same plan: `open_round` stores it, `replay` compares it.

    Args:
        project: strategy, budget, control fraction, reserve and votes are those of its settings.
        model: whose beliefs decide.
        about: the question.
        seed: of every random draw (`round_seed`).
        accepted: items that are left to the control slice, which so audits them.
    """
    query, item_ids, settings = about.question, about.item_ids, project.settings
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
    queue = _candidates(project, model, item_ids[rows], picked, chosen.scores, generator)
    return Plan(
        seed, configuration, queue, _reserve(project, model, about, chosen, picked, seed), why, chosen.all_scores
    )


def _candidates(
    project: Project,
    model: ProjectModel,
    item_ids: Int64[Tensor, " M"],
    picked: Beliefs,
    scores: Float[Tensor, " B"],
    generator: torch.Generator,
) -> list[NewCandidate]:
    """Candidates in the order of the queue: control items are at random places, so that nobody can tell them apart.

    Args:
        project: whose they are.
        model: whose beliefs these are.
        item_ids: those that the strategy chose, then the control items.
        picked: beliefs about each.
        scores: of those that the strategy chose.
        generator: draws the places.
    """
    n_control = len(item_ids) - len(scores)
    order = _interleaved(len(scores), n_control, generator)
    believed = described(project, model, item_ids[order].tolist(), picked[order])
    known = [*scores.tolist(), *[None] * n_control]
    return [
        replace(one, origin=Origin.CONTROL if known[place] is None else Origin.STRATEGY, score=known[place])
        for one, place in zip(believed, order.tolist(), strict=True)
    ]


def _reserve(
    project: Project, model: ProjectModel, about: Asked, chosen: Acquisition, picked: Beliefs, seed: int
) -> list[NewCandidate]:
    """What comes behind the picked rows, as if they were labelled."""
    query, settings = about.question, project.settings
    size, generator = min(settings.reserve, settings.budget), torch.Generator().manual_seed(seed)
    labelled = replace(query, labelled=Beliefs.concatenate([query.labelled, picked]))
    rows, scores = next_picks(labelled, settings.strategy, size, chosen, generator)
    believed = described(project, model, about.item_ids[rows].tolist(), query.pool[rows]) if len(rows) else []
    return [
        replace(one, origin=Origin.RESERVE, rank=len(picked) + one.rank, score=score)
        for one, score in zip(believed, scores.tolist(), strict=True)
    ]


def described(project: Project, model: ProjectModel, item_ids: list[ItemId], picked: Beliefs) -> list[NewCandidate]:
    """Candidates with what the model believes of them, ranked in this order, without a score.

    Args:
        project: says how many votes each needs.
        model: whose beliefs they are.
        item_ids: the items.
        picked: beliefs about each of them.
    """
    found = picked.parts(model.model.class_covariance)
    parts = zip(found.epistemic.tolist(), found.aleatoric.tolist(), strict=True)
    return new_candidates(item_ids, model.class_ids, picked.probabilities.tolist(), parts, project.settings.votes)


def _interleaved(n_chosen: int, n_control: int, generator: torch.Generator) -> Int64[Tensor, " M"]:
    """Both, each in its own order, merged at random; control items are numbered behind those that were chosen."""
    drawn = torch.zeros(n_chosen + n_control, dtype=torch.bool)
    drawn[torch.randperm(len(drawn), generator=generator)[:n_control]] = True
    return torch.where(drawn, n_chosen + drawn.cumsum(0), (~drawn).cumsum(0)) - 1
