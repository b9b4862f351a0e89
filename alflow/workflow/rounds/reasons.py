"""Why each image of a round is asked about, when it opens; and what its label was worth, when it closes."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from alflow.acquisition.aims import MAX_STAND_INS, evenly
from alflow.acquisition.beliefs import Acquisition, Beliefs, Question
from alflow.acquisition.copies import near_copies
from alflow.acquisition.ranks import ranks
from alflow.acquisition.worth import gains_of, worths
from alflow.domain.reasons import Aim, Near, Place, Reasons
from alflow.domain.rounds import Round
from alflow.embeddings import places
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ItemId
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workflow.rounds.moment import Moment
from alflow.workflow.rounds.question import Asked
from alflow.workspace import Workspace

COPIES: Final = 24
"""Near copies of an image, as many are named."""

_LEAST: Final = 1e-30


def reasons_for(
    model: ProjectModel, about: Asked, rows: Tensor, picked: Beliefs, ranked: list[list[Place]]
) -> tuple[dict[ItemId, Reasons], list[ItemId]]:
    """The reasons for each picked row of the pool, by item; and the images that stand for what the gains are about.

    Args:
        model: whose beliefs they are.
        about: what the strategy was asked.
        rows: of the pool, those to explain.
        picked: beliefs about them.
        ranked: where each of them stands, by strategy.
    """
    query, kind = about.question, Aim.TARGET if len(about.target_ids) else Aim.POOL
    aim, ids, own = (query.target, about.target_ids, None) if kind is Aim.TARGET else _stand_ins(about, rows)
    told, standing = worths(picked, aim, query.Q, own)
    centre = model.model.frame.centre.to(picked.activations.dtype)
    copies = near_copies(query.pool, rows, picked.activations, centre, COPIES)
    leads = _leads(picked, query)
    found = {
        item_id: Reasons(
            aim=kind,
            expected=worth.expected,
            gains={
                model.class_ids[label]: gain
                for label, gain in zip(worth.labels.tolist(), worth.gains.tolist(), strict=True)
            },
            lead=lead,
            lead_deviation=deviation,
            informs=_near(ids[worth.informed], worth.nats),
            copies=_near(about.item_ids[alike.rows], alike.likeness),
            n_copies=alike.number,
            places=tuple(standings),
        )
        for item_id, worth, alike, (lead, deviation), standings in zip(
            about.item_ids[rows].tolist(), told, copies, leads, ranked, strict=True
        )
    }
    return found, ids[standing].tolist()


def _stand_ins(about: Asked, rows: Tensor) -> tuple[Beliefs, Tensor, Tensor]:
    """Images of the pool in the place of targets, their ids, and which of them the picked rows are (-1: none)."""
    pool = about.question.pool
    chosen = evenly(pool.probabilities.argmax(dim=1), MAX_STAND_INS).sort().values
    at, found = places(chosen, rows)
    return pool[chosen], about.item_ids[chosen], torch.full_like(rows, -1).masked_scatter(found, at)


def places_of(
    query: Question, rows: Tensor, strategy: str, chosen: Acquisition, generator: torch.Generator
) -> list[list[Place]]:
    """Where each picked row stands by the strategy that chose and by others; it looks at the whole pool."""
    by_strategy = ranks(query, rows, strategy, chosen.all_scores, generator)
    return [
        [Place(one.strategy, int(one.places[row]), one.of, one.exact) for one in by_strategy if one.places[row]]
        for row in range(len(rows))
    ]


def realised_gains(
    workspace: Workspace, now: Moment, round_: Round, known: Mapping[ItemId, Reasons]
) -> dict[ItemId, float | None]:
    """What the labels of a round were worth to the model that chose it, in nats; None for an item without a class.

    The gain of the answer that was given, as it was computed when the round opened. With many classes not every answer
    was: what is missing is computed now, by the model before the round, if there still is one.

    Args:
        workspace: where.
        now: whose labels count.
        round_: not closed yet, so that it names the fit before it.
        known: reasons of the round, by item.
    """
    labels = {item_id: now.settled[item_id] for item_id in known if item_id in now.settled}
    gains = {item_id: known[item_id].gains.get(label) for item_id, label in labels.items()}
    unseen = {item_id: label for item_id, label in labels.items() if gains[item_id] is None}
    return dict.fromkeys(known) | gains | _computed(workspace, now, round_, unseen)


def _computed(
    workspace: Workspace, now: Moment, round_: Round, unseen: Mapping[ItemId, ClassId]
) -> dict[ItemId, float]:
    """Gains of answers that were not rated; a class that came after the round opened has none."""
    of_round, standing = set(round_.configuration["class_ids"]), round_.configuration.get("aim_ids", [])
    asked = [item_id for item_id, label in unseen.items() if label in of_round]
    if not asked or not standing:
        return {}
    try:
        model = model_of(workspace, now.project, now.classes, round_.hashes.get("fit"))
    except NotFoundError:  # the fit before the round was lost: what these labels were worth cannot be known any more
        return {}
    asked = [item_id for item_id in asked if unseen[item_id] in model.class_ids]
    rows, aim = load_rows(workspace, now.project, model, asked, standing)
    if not len(rows) or not len(aim):
        return {}
    picked, about = model.believe(rows.activations), model.believe(aim.activations)
    item_ids = rows.item_ids.tolist()
    labels = model.columns([unseen[item_id] for item_id in item_ids])
    found = gains_of(picked, about, model.model.class_covariance, labels)
    return dict(zip(item_ids, found.tolist(), strict=True))


def _leads(picked: Beliefs, query: Question) -> list[tuple[float, float]]:
    """Log p_a - log p_b of the two most probable classes, and sqrt(v (Q_aa + Q_bb - 2 Q_ab)), its deviation."""
    (first, second), (a, b) = (each.unbind(dim=1) for each in picked.probabilities.topk(2, dim=1))
    lead = first.log() - second.clamp_min(_LEAST).log()
    apart = (query.Q[a, a] + query.Q[b, b] - 2 * query.Q[a, b]).clamp_min(0)
    return list(zip(lead.tolist(), (picked.variance * apart).sqrt().tolist(), strict=True))


def _near(item_ids: Tensor, values: Tensor) -> tuple[Near, ...]:
    return tuple(Near(item_id, value) for item_id, value in zip(item_ids.tolist(), values.tolist(), strict=True))
