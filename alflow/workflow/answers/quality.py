"""The quality of answers: agreement among annotators, agreement with settled labels, and speed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from alflow import agreement
from alflow.agreement import Estimate, Pair, Vote
from alflow.domain.answers import Adjudication, Annotator
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.store.answers import adjudications, votes
from alflow.store.answers.votes import Answer
from alflow.store.desk import gold
from alflow.store.people import annotators
from alflow.workflow.answers.adjudicate import disputed_items
from alflow.workspace import Workspace

__all__ = [
    "AnnotatorQuality",
    "Estimate",
    "QualityReport",
    "annotator_names",
    "measure",
    "quality_report",
    "weighed_accuracy",
]


@dataclass(frozen=True)
class AnnotatorQuality:
    """What one annotator's answers look like.

    Attributes:
        annotator: who.
        answers: that stand, without those that follow one; `skips` of them name no class.
        skips: see above.
        median_seconds: an image was on screen.
        seconds: all images together were.
        compared: votes on images that a reviewer settled, or on which the other annotators have a majority.
        agreement: share of these that name the settled class, else the majority's.
        checks: answers to gold checks.
        gold: share of these that are right.
    """

    annotator: Annotator
    answers: int
    skips: int
    median_seconds: float
    seconds: float
    compared: int
    agreement: Estimate
    checks: int
    gold: Estimate


@dataclass(frozen=True)
class QualityReport:
    """A project's answers.

    Attributes:
        annotators: those who answered, the busiest first.
        alpha: Krippendorff's, over all images with two votes.
        shared: images with votes of two people.
        pairs: two annotators -> common images and agreement.
        disputed: images whose votes disagree and that nobody settled.
        settled: images that a reviewer settled.
    """

    annotators: tuple[AnnotatorQuality, ...]
    alpha: Estimate
    shared: int
    pairs: Mapping[tuple[AnnotatorId, AnnotatorId], Pair]
    disputed: int
    settled: int


_known: dict[tuple[str, ProjectId], tuple[tuple[int, ...], QualityReport]] = {}
"""The last report of each project, by database, with the version of the answers that it is about."""


def quality_report(workspace: Workspace, project_id: ProjectId) -> QualityReport:
    """Measure the current answers; the report is cached until an answer is added or withdrawn."""
    place = (workspace.settings.database, project_id)
    with workspace.database.read() as tx:
        version = votes.version(tx, project_id)
    known = _known.get(place)
    if known is None or known[0] != version:
        known = _known[place] = (version, _measured(workspace, project_id))
    return known[1]


def _measured(workspace: Workspace, project_id: ProjectId) -> QualityReport:
    with workspace.database.read() as tx:
        answers = votes.standing(tx, project_id)
        decided = adjudications.standing(tx, project_id)
        people = {one.id: one for one in annotators.all_(tx)}
        checks = gold.results(tx, project_id)
    return measure(answers, decided, checks, people)


def measure(
    answers: Sequence[Answer],
    decided: Mapping[ItemId, Adjudication],
    checks: Mapping[AnnotatorId, tuple[int, int]],
    people: Mapping[AnnotatorId, Annotator],
) -> QualityReport:
    """The quality of these answers.

    Args:
        answers: that stand.
        decided: item -> the reviewer's decision that stands.
        checks: annotator -> checks answered right, and checks answered.
        people: everybody who answered.
    """
    cast = votes_of(answers)
    known = {item: one.class_id for item, one in decided.items()}
    return QualityReport(
        annotators=tuple(_annotators(answers, _held_against(cast, known), checks, people)),
        alpha=agreement.krippendorff_alpha(cast),
        shared=len(_shared(cast)),
        pairs=agreement.pairwise_agreement(cast),
        disputed=len(disputed_items(answers, decided)),
        settled=len(decided),
    )


def weighed_accuracy(workspace: Workspace, project_id: ProjectId) -> Mapping[AnnotatorId, float]:
    """Annotator -> accuracy, by the model of Dawid and Skene on the images with two votes.

    Raises:
        UnavailableError: crowd-kit is not installed.
    """
    with workspace.database.read() as tx:
        cast = votes_of(votes.standing(tx, project_id))
    shared = _shared(cast)
    return agreement.dawid_skene([vote for vote in cast if vote.item in shared]).accuracy


def annotator_names(workspace: Workspace) -> Mapping[AnnotatorId, str]:
    """Annotator id -> name, of everyone who ever answered or settled anything."""
    with workspace.database.read() as tx:
        return {one.id: one.name for one in annotators.all_(tx)}


def votes_of(answers: Sequence[Answer]) -> list[Vote]:
    """The answers of their own that name a class; of two by one person about one item the newest."""
    own = (one for one in answers if one.follows is None)
    newest = {(one.item_id, one.annotator_id): one.class_id for one in own if one.class_id is not None}
    return [Vote(item, annotator, class_id) for (item, annotator), class_id in newest.items()]


def _annotators(
    answers: Sequence[Answer],
    held: Mapping[AnnotatorId, Sequence[bool]],
    checks: Mapping[AnnotatorId, tuple[int, int]],
    people: Mapping[AnnotatorId, Annotator],
) -> list[AnnotatorQuality]:
    given: defaultdict[AnnotatorId, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.follows is None:  # else each would count as fast, and as one more
            given[answer.annotator_id].append(answer)
    found = [_annotator(people[one], mine, held.get(one, ()), checks.get(one, (0, 0))) for one, mine in given.items()]
    return sorted(found, key=lambda one: (-one.answers, one.annotator.name))


def _annotator(
    annotator: Annotator, mine: Sequence[Answer], agreed: Sequence[bool], checks: tuple[int, int]
) -> AnnotatorQuality:
    return AnnotatorQuality(
        annotator=annotator,
        answers=len(mine),
        skips=sum(one.class_id is None for one in mine),
        median_seconds=median(one.seconds for one in mine),
        seconds=sum(one.seconds for one in mine),
        compared=len(agreed),
        agreement=agreement.share(sum(agreed), len(agreed)),
        checks=checks[1],
        gold=agreement.share(*checks),
    )


def _held_against(cast: Sequence[Vote], settled: Mapping[ItemId, ClassId | None]) -> dict[AnnotatorId, list[bool]]:
    """Annotator -> for each vote that can be judged, whether it is right."""
    others, found = agreement.consensus_of_others(cast), defaultdict[AnnotatorId, list[bool]](list)
    for vote in cast:
        right = settled[vote.item] if vote.item in settled else others.get((vote.item, vote.annotator))
        if right is not None:
            found[vote.annotator].append(vote.choice == right)
    return found


def _shared(cast: Sequence[Vote]) -> set[ItemId]:
    """Items with the votes of two people."""
    return {item for item, n in Counter(vote.item for vote in cast).items() if n > 1}
