"""Another vote, or a new image? The expected information of the next vote decides, image by image.

A vote is right with probability q, whoever gives it, and errors are spread evenly over the other classes. Before any
vote an image is of class c with the probability that the model gave it when it was asked (so the model has not seen the
votes); votes change that by Bayes' rule. What one more vote is expected to tell is the mutual information of vote and
class (`one_more_vote.vote_information`), for an image with votes as for a new one, and new images are taken to be like
those of the last round. What a label says about other images is left out on both sides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alflow import agreement, one_more_vote
from alflow.agreement import Vote
from alflow.domain.rounds import Origin, Round, RoundState
from alflow.errors import ConflictError
from alflow.ids import ClassId, ItemId, ProjectId, RoundId
from alflow.store.answers import adjudications, outcomes, votes
from alflow.store.answers import relabel as requests
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.store.rounds.candidates import Asked
from alflow.workflow.answers.asked import predictions
from alflow.workflow.answers.quality import votes_of
from alflow.workspace import Workspace

ASSUMED_ACCURACY = 0.95
"""Of a vote, while no two people have answered about the same image."""

_NOTHING: Final = 1e-12  # nats: what rounding alone can make of a difference


@dataclass(frozen=True)
class Suspect:
    """An image with votes: the class they settle on, how likely it is another, and what one more vote would tell."""

    item_id: ItemId
    class_id: ClassId | None
    error: float
    information: float


@dataclass(frozen=True)
class Advice:
    """For the next `budget` votes.

    Attributes:
        budget: votes to spend.
        accuracy: of one vote (q).
        compared: pairs of votes that this was estimated from; none: it is assumed.
        new_information: what the first vote on a new image is expected to tell, in nats; None before the first round.
        most: what one more vote is expected to tell about the answered image that is least sure; None without any.
        suspects: the images for which one more vote is expected to tell more than that, most first, `budget` at most.
    """

    budget: int
    accuracy: float
    compared: int
    new_information: float | None
    most: float | None
    suspects: tuple[Suspect, ...]


def advise(workspace: Workspace, project_id: ProjectId, budget: int) -> Advice:
    """Compare one more vote on each answered image with first votes on new ones.

    Raises:
        InvalidInputError: what is kept of the predictions is damaged.
    """
    with workspace.database.read() as tx:
        cast = votes_of(votes.standing(tx, project_id))
        settled, decided = outcomes.settled(tx, project_id), adjudications.standing(tx, project_id)
        asked, last = candidates.asked(tx, project_id), rounds.last(tx, project_id)
        class_ids = [one.id for one in projects.classes(tx, project_id)]
    accuracy, compared = _accuracy(cast, len(class_ids))
    if len(class_ids) < 2 or last is None:
        return Advice(budget, accuracy, compared, None, None, ())
    given: defaultdict[ItemId, list[ClassId]] = defaultdict(list)
    for vote in cast:
        given[vote.item].append(vote.choice)
    of_round: defaultdict[RoundId, list[ItemId]] = defaultdict(list)
    for one in {one.item_id: one for one in asked}.values():  # of an image that several rounds asked about the last
        of_round[one.round_id].append(one.item_id)
    every, picks = defaultdict[RoundId, list[ItemId]](list), _picks(asked, last)
    for one in asked:
        every[one.round_id].append(one.item_id)
    suspects: list[Suspect] = []
    new = None
    for round_id, item_ids in of_round.items():
        known = predictions(workspace, project_id, round_id, every[round_id])
        prior = _prior(known.of(item_ids, class_ids))
        answered = [row for row, item in enumerate(item_ids) if item in given and item not in decided]
        its = [item_ids[row] for row in answered]
        suspects += _suspects(its, prior[answered], [given[item] for item in its], settled, class_ids, accuracy)
        mine = [row for row, item in enumerate(item_ids) if item in picks]
        if round_id == last.id and mine:
            new = fmean(one_more_vote.vote_information(prior[mine], accuracy).tolist())
    worth = [one for one in suspects if new is not None and one.information > new + _NOTHING]
    worth.sort(key=lambda one: (-one.information, one.item_id))
    most = max((one.information for one in suspects), default=None)
    return Advice(budget, accuracy, compared, new, most, tuple(worth[:budget]))


def request_votes(workspace: Workspace, project_id: ProjectId, item_ids: Sequence[ItemId]) -> int:
    """Let each of these items have one more vote, by somebody who gave none yet; returns how many will.

    A LABELLED round becomes OPEN.

    Raises:
        ConflictError: no round is open.
    """
    with workspace.database.begin() as tx:
        current = rounds.current(tx, project_id)
        if current is None:
            raise ConflictError("no round is open: request votes once the schedule has opened the next")
        round_ = rounds.lock(tx, current.id)
        if round_.state is RoundState.CLOSED:
            raise ConflictError("the round was just closed: request votes once the schedule has opened the next")
        known = requests.newest_candidates(tx, project_id, item_ids)
        asked = requests.request_votes(tx, round_, [known[item] for item in item_ids if item in known])
        rounds.unsettle(tx, round_)
        return asked


def _accuracy(cast: Sequence[Vote], n_classes: int) -> tuple[float, int]:
    """Of one vote, from how often two agree."""
    pairs = agreement.pairwise_agreement(cast).values()
    compared = sum(pair.items for pair in pairs)
    if not compared or n_classes < 2:
        return ASSUMED_ACCURACY, 0
    agreed = sum(pair.items * pair.agreement for pair in pairs)
    return one_more_vote.accuracy_from_agreement((1 + agreed) / (1 + compared), n_classes), compared


def _picks(asked: Iterable[Asked], last: Round) -> set[ItemId]:
    """What the strategy chose in the last round."""
    return {one.item_id for one in asked if one.round_id == last.id and one.origin is Origin.STRATEGY}


def _suspects(
    item_ids: Sequence[ItemId],
    prior: NDArray[np.float64],
    given: Sequence[Sequence[ClassId]],
    settled: Mapping[ItemId, ClassId],
    class_ids: Sequence[ClassId],
    accuracy: float,
) -> list[Suspect]:
    place = {class_id: column for column, class_id in enumerate(class_ids)}
    said = [[place[choice] for choice in choices] for choices in given]
    belief = one_more_vote.class_posterior(prior, said, accuracy)
    information = one_more_vote.vote_information(belief, accuracy).tolist()
    labels = [settled.get(item) for item in item_ids]
    right = [row[place[label]] if label is not None else row.max() for row, label in zip(belief, labels, strict=True)]
    return [
        Suspect(item, label, 1 - float(sure), worth)
        for item, label, sure, worth in zip(item_ids, labels, right, information, strict=True)
    ]


def _prior(predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the model believed [N C]; a class that is newer than that gets a little."""
    weights = predicted + 1e-6
    found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return found
