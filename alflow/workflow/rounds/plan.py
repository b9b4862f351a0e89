"""Plan a round: what it asks about and why, from the question, the settings and a seed alone. Nothing is stored.

Axes: N pool rows.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.acquire import acquire, chances
from alflow.acquisition.beliefs import Acquisition, Beliefs
from alflow.acquisition.diversity import near_duplicates
from alflow.acquisition.worth import ANSWERS
from alflow.domain.projects import Project
from alflow.domain.reasons import Reasons
from alflow.domain.rounds import Origin
from alflow.ids import ItemId
from alflow.store.artifacts import digest
from alflow.store.rounds.candidates import NewCandidate
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
        reasons: by item.
        scores: of every row of the pool, NaN for those that the strategy did not see.
    """

    seed: int
    configuration: dict[str, Any]
    candidates: list[NewCandidate]
    reasons: dict[ItemId, Reasons]
    scores: Float[Tensor, " N"]


def round_seed(project: Project, number: int) -> int:
    """Seed of every random draw of a round: a function of project seed and round number alone."""
    return int(digest(seed=project.settings.seed, round=number)[:12], 16)


def plan_round(project: Project, model: ProjectModel, about: Asked, seed: int, accepted: Collection[ItemId]) -> Plan:
    """What a round asks about. The same inputs give the same plan: `open_round` stores it, `replay` compares it.

    Args:
        project: strategy, budget, control fraction and votes are those of its settings.
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
    queue = _candidates(project, model, about, chosen, control, generator)
    return Plan(seed, configuration, queue, why, chosen.all_scores)


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
