"""Another vote, or a new image? The expected information of the next vote decides, image by image.

A vote is right with probability q, whoever gives it, and errors are spread evenly over the other classes. Before any
vote an image is of class c with the probability that the model gave it when it was asked (so the model has not seen the
votes); votes change that by Bayes' rule. What one more vote is expected to tell is the mutual information of vote and
class (`one_more_vote.vote_information`), for an image with votes as for a new one, and new images are taken to be like
those of the last round. What a label says about other images is left out on both sides.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from alflow import agreement, one_more_vote
from alflow.agreement import Vote
from alflow.domain.rounds import Candidate, Origin, Round, RoundState
from alflow.errors import ConflictError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import adjudications, outcomes, votes
from alflow.store.answers import relabel as requests
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.answers.quality import votes_of
from alflow.workspace import Workspace

ASSUMED_ACCURACY = 0.95
"""Of a vote, while no two people have answered about the same image."""


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
    """Compare one more vote on each answered image with first votes on new ones."""
    with workspace.database.read() as tx:
        cast = votes_of(votes.standing(tx, project_id))
        settled, decided = outcomes.settled(tx, project_id), adjudications.standing(tx, project_id)
        candidates, past = requests.newest_candidates(tx, project_id), rounds.all_(tx, project_id)
        class_ids = [one.id for one in projects.classes(tx, project_id)]
    accuracy, compared = _accuracy(cast, len(class_ids))
    if len(class_ids) < 2 or not past:
        return Advice(budget, accuracy, compared, None, None, ())
    given: defaultdict[ItemId, list[ClassId]] = defaultdict(list)
    for vote in cast:
        given[vote.item].append(vote.choice)
    known = {item: candidates[item] for item in given.keys() - decided.keys() if item in candidates}
    suspects = [_suspect(one, given[item], settled.get(item), class_ids, accuracy) for item, one in known.items()]
    new = _new_information(candidates.values(), past[-1], class_ids, accuracy)
    worth = [one for one in suspects if new is not None and one.information > new]
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
        candidates = requests.newest_candidates(tx, project_id)
        asked = requests.request_votes(tx, round_, [candidates[item] for item in item_ids if item in candidates])
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


def _suspect(
    one: Candidate, given: Sequence[ClassId], settled: ClassId | None, class_ids: Sequence[ClassId], accuracy: float
) -> Suspect:
    place = {class_id: column for column, class_id in enumerate(class_ids)}
    belief = one_more_vote.class_posterior(_prior(one, class_ids), [place[choice] for choice in given], accuracy)
    right = float(belief[place[settled]]) if settled is not None else float(belief.max())
    return Suspect(one.item_id, settled, 1 - right, one_more_vote.vote_information(belief, accuracy))


def _new_information(
    candidates: Iterable[Candidate], last: Round, class_ids: Sequence[ClassId], accuracy: float
) -> float | None:
    like = [one for one in candidates if one.round_id == last.id and one.origin is Origin.STRATEGY]
    each = [one_more_vote.vote_information(_prior(one, class_ids), accuracy) for one in like]
    return fmean(each) if each else None


def _prior(one: Candidate, class_ids: Sequence[ClassId]) -> list[float]:
    """What the model believed [C]; a class that is newer than that gets a little."""
    weights = [one.probabilities.get(class_id, 0.0) + 1e-6 for class_id in class_ids]
    return [weight / sum(weights) for weight in weights]
