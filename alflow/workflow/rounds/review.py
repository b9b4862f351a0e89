"""What happened: rounds, their candidates with reasons and answers, the learning curve, the project at a glance."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alflow.domain.answers import Label
from alflow.domain.images import EmbedFailure, Item, Rejection, Split
from alflow.domain.projects import ClassLabel, Project, Trouble
from alflow.domain.rounds import Candidate, Evaluation, Round
from alflow.ids import CandidateId, ClassId, ItemId, ProjectId, RoundId
from alflow.store.answers import outcomes
from alflow.store.desk import labels
from alflow.store.images import failures, items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, evaluations, rounds
from alflow.store.rounds.candidates import Standing
from alflow.workflow.model.source import PosteriorSource, posterior_source
from alflow.workflow.rounds.waiting import waiting
from alflow.workspace import Workspace


@dataclass(frozen=True)
class RoundSummary:
    """A round and how far it is: `answered` of `total` candidates of its queue have the answers they need."""

    round: Round
    answered: int
    total: int
    skipped: int
    corrected: int
    """Settled candidates whose class is not the one that was predicted."""
    extra: int
    """Answered images that it does not wait for: of its reserve, and of the grid's pages through the pool."""


@dataclass(frozen=True)
class CandidateReview:
    """A candidate, its image, the answers that stand, and the class they settled on (None: skipped, tied or open)."""

    candidate: Candidate
    item: Item
    labels: tuple[Label, ...]
    settled_class_id: ClassId | None


@dataclass(frozen=True)
class Overview:
    """A project at a glance."""

    project: Project
    classes: tuple[ClassLabel, ...]
    counts: Mapping[Split, int]
    rejections: tuple[Rejection, ...]
    not_embedded: tuple[EmbedFailure, ...]
    n_settled: int
    labels_per_class: Mapping[ClassId, int]
    current: Round | None
    waiting_for: str
    trouble: Trouble | None
    """Why its runs fail, if they do."""
    looked_at: datetime | None
    """When the schedule last looked at any project."""
    posterior: PosteriorSource | None
    """Where its posterior is from, if that is known."""
    novel_share: float | None
    """Share of the pool that is unlike what the model was pretrained on, when the newest round was opened."""


def round_summaries(workspace: Workspace, project_id: ProjectId) -> list[RoundSummary]:
    """The project's rounds, oldest first."""
    with workspace.database.read() as tx:
        settled, past = outcomes.settled(tx, project_id), rounds.all_(tx, project_id)
        queues: defaultdict[RoundId, list[Standing]] = defaultdict(list)
        for one in candidates.standings(tx, project_id):
            queues[one.round_id].append(one)
    return [_summary(round_, queues[round_.id], settled) for round_ in past]


def find_round(workspace: Workspace, project_id: ProjectId, number: int) -> Round:
    """The project's round of that number.

    Raises:
        NotFoundError: there is none.
    """
    with workspace.database.read() as tx:
        return rounds.by_number(tx, project_id, number)


def learning_curve(workspace: Workspace, project_id: ProjectId) -> list[Evaluation]:
    """Evaluations by round and split; round 0 is the zero-shot model."""
    with workspace.database.read() as tx:
        return evaluations.of_project(tx, project_id)


def round_candidates(
    workspace: Workspace, round_id: RoundId, after: int | None = None, limit: int | None = None
) -> list[CandidateReview]:
    """The candidates of a round in the order of its queue, then what is answered of its reserve.

    With a limit the first of them; the next page starts `after` the last rank of this one.

    Raises:
        NotFoundError: there is no such round.
    """
    with workspace.database.read() as tx:
        round_ = rounds.by_id(tx, round_id)
        queue = candidates.of_round(tx, round_id, after, limit)
        asked = [candidate.item_id for candidate in queue]
        images = items.by_ids(tx, asked)
        votes = _by_candidate(labels.of_round(tx, round_id))
        settled = outcomes.settled(tx, round_.project_id, None if limit is None else asked)
    return [
        CandidateReview(candidate, item, tuple(votes[candidate.id]), settled.get(item.id))
        for candidate, item in zip(queue, images, strict=True)
    ]


def progress_of(workspace: Workspace, round_id: RoundId) -> tuple[int, int]:
    """How many candidates of a round's queue have the answers they need, and how many there are."""
    with workspace.database.read() as tx:
        return rounds.answered(tx, round_id)


def overview(workspace: Workspace, project_id: ProjectId) -> Overview:
    """Counts, classes, rejected files, and what the project waits for.

    Raises:
        NotFoundError: there is no such project.
    """
    now = waiting(workspace, project_id)
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        settled = outcomes.settled(tx, project_id)
        newest = rounds.last(tx, project_id)
        return Overview(
            project=project,
            classes=tuple(projects.classes(tx, project_id)),
            counts=items.counts(tx, project_id),
            rejections=tuple(items.rejections(tx, project_id)),
            not_embedded=tuple(failures.of_project(tx, project_id)),
            n_settled=len(settled),
            labels_per_class=Counter(settled.values()),
            current=rounds.current(tx, project_id),
            waiting_for=now.words,
            trouble=now.trouble,
            looked_at=now.looked_at,
            posterior=posterior_source(workspace, project),
            novel_share=None if newest is None else newest.configuration.get("novel_share"),
        )


def _summary(round_: Round, queue: Sequence[Standing], settled: Mapping[ItemId, ClassId]) -> RoundSummary:
    extra = [one for one in queue if not one.origin.queued]
    queue = [one for one in queue if one.origin.queued]
    done = [one for one in queue if one.answered]
    skipped = sum(not one.named for one in done)
    corrected = sum(settled.get(one.item_id, one.predicted_class_id) != one.predicted_class_id for one in done)
    return RoundSummary(round_, len(done), len(queue), skipped, corrected, sum(one.answered for one in extra))


def _by_candidate(answers: list[Label]) -> dict[CandidateId, list[Label]]:
    votes: defaultdict[CandidateId, list[Label]] = defaultdict(list)
    for label in answers:
        if label.candidate_id is not None:
            votes[label.candidate_id].append(label)
    return votes
