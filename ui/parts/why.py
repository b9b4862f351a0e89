"""The reasons for a candidate as text and pictures, for the card that opens."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from alflow.domain.projects import Project
from alflow.domain.reasons import Aim, Near, Reasons
from alflow.domain.rounds import Candidate
from alflow.ids import ClassId, ItemId
from alflow.text import plural
from alflow.ui.components.gallery import Picture, Told
from alflow.ui.parts.images import image_address
from alflow.workflow.rounds.review import CandidateReview
from alflow.workflow.rounds.why import Why

SHOWN_ANSWERS = 5
_SURE = 0.1  # nats of total uncertainty below which its parts say little


SHOWN: Final = 6
"""Near copies of an image."""


def told(project: Project, why: Why, names: Mapping[ClassId, str]) -> Told | None:
    """What the opened card says; None for a candidate without reasons."""
    reasons, candidate = why.reasons, why.review.candidate
    if reasons is None:
        return None
    return Told(
        sentences=[_gain(reasons), _rivals(candidate, reasons, names), _parts(candidate)],
        answers=_answers(why.review, reasons, names),
        informs=[_picture(project, near, f"{nats(near.value)} nats") for near in reasons.informs],
        about=_about(reasons),
        copies=[_picture(project, near, f"{near.value:.0%} alike") for near in reasons.copies[:SHOWN]],
        alike=_alike(reasons),
        places=[(place.strategy, _place(place.place, place.of, exact=place.exact)) for place in reasons.places],
    )


def nats(value: float) -> str:
    """With two digits that count, and no exponent."""
    return np.format_float_positional(value, precision=2, fractional=value >= 1, trim="-")


def _gain(reasons: Reasons) -> str:
    about = "each target image" if reasons.aim is Aim.TARGET else "each image of the pool"
    expected = f"A label is expected to tell {nats(reasons.expected)} nats about {about}, on average"
    if reasons.realised is None:
        return f"{expected}."
    times = reasons.realised / reasons.expected if reasons.expected > 0 else 1.0
    amount = "about as much" if 0.8 < times < 1.25 else f"{times:.2g} times as much"
    return f"{expected}; the label that was given told {nats(reasons.realised)} nats, {amount}."


def _rivals(candidate: Candidate, reasons: Reasons, names: Mapping[ClassId, str]) -> str:
    first, second = _ordered(candidate)[:2]
    return (
        f"{names.get(first, '?')} ({candidate.probabilities[first]:.0%}) leads {names.get(second, '?')} "
        f"({candidate.probabilities[second]:.0%}) by {nats(reasons.lead)} nats of log-odds; "
        f"labels may still move that by ± {nats(reasons.lead_deviation)}."
    )


def _parts(candidate: Candidate) -> str:
    total = candidate.epistemic + candidate.aleatoric
    if total < _SURE:
        return f"The model is all but sure: its uncertainty is {nats(total)} nats in all."
    share = candidate.epistemic / total
    meaning = (
        "more labels would remove most of it" if share > 0.5 else "most of it would stay, however many labels come"
    )
    return f"{share:.0%} of its uncertainty of {nats(total)} nats is epistemic: {meaning}."


def _answers(review: CandidateReview, reasons: Reasons, names: Mapping[ClassId, str]) -> list[tuple[str, str, str]]:
    """Class, probability and what this answer would tell, of the most probable classes and the one that was given."""
    given, probabilities = review.settled_class_id, review.candidate.probabilities
    rated = [one for one in _ordered(review.candidate) if one in reasons.gains]
    shown = rated[:SHOWN_ANSWERS] + [one for one in rated[SHOWN_ANSWERS:] if one == given]
    return [
        (
            names.get(one, "?") + (" (given)" if one == given else ""),
            f"{probabilities[one]:.0%}",
            f"{nats(reasons.gains[one])} nats",
        )
        for one in shown
    ]


def _about(reasons: Reasons) -> str:
    kind = "target images" if reasons.aim is Aim.TARGET else "images of the pool (the project has no targets)"
    return f"It tells most about these {kind}" if reasons.informs else "It tells about no other image"


def _alike(reasons: Reasons) -> str:
    if not reasons.n_copies:
        return "No near copy of it is in the pool"
    shown = len(reasons.copies[:SHOWN])
    one = plural(reasons.n_copies, "near copy", "near copies")
    return f"{one} in the pool" + (f", of which {shown} are shown" if shown < reasons.n_copies else "")


def _place(place: int, of: int, *, exact: bool) -> str:
    return f"{place:,} of {of:,}" if exact else f"about {place:,} of {of:,}"


def _picture(project: Project, near: Near, caption: str) -> Picture:
    item_id: ItemId = near.item_id
    return Picture(image=image_address(project.id, item_id, "thumbnail"), name=f"Image {item_id}", caption=caption)


def _ordered(candidate: Candidate) -> Sequence[ClassId]:
    return sorted(candidate.probabilities, key=lambda one: -candidate.probabilities[one])
