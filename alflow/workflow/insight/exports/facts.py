"""What a model card says of a project: gathered at one moment, before anything is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Evaluation, Round, RoundState
from alflow.errors import ConflictError
from alflow.ids import ClassId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import evaluations, rounds
from alflow.workflow.model.source import last_fit


@dataclass(frozen=True)
class Facts:
    """The project, its newest fit, and what was measured of it.

    Attributes:
        project: as it is stored.
        classes: in their order.
        fit: hash of the newest fit, of the round `of`.
        images: how many there are, by split.
        labelled: images of the pool with a settled class, by class.
        answers, people: standing answers, and how many people gave them.
        evaluations: of the zero-shot model (round 0) and of this fit, by split.
        at: when this was read.
    """

    project: Project
    classes: tuple[ClassLabel, ...]
    fit: str
    of: Round
    images: Mapping[Split, int]
    labelled: Mapping[ClassId, int]
    answers: int
    people: int
    evaluations: tuple[Evaluation, ...]
    at: datetime


def gather_facts(tx: Transaction, project_id: ProjectId) -> Facts:
    """Of the newest fit of a project.

    Raises:
        NotFoundError: there is no such project.
        ConflictError: no round is closed yet.
    """
    project, past = projects.by_id(tx, project_id), rounds.all_(tx, project_id)
    fit = last_fit(past)
    if fit is None:
        raise ConflictError(f"project '{project.name}' has no fit yet: close a round first")
    of = next(one for one in reversed(past) if one.state is RoundState.CLOSED and one.hashes.get("fit") == fit)
    standing = labels.of_project(tx, project_id)
    measured = [one for one in evaluations.of_project(tx, project_id) if one.round_number in {0, of.number}]
    return Facts(
        project,
        tuple(projects.classes(tx, project_id)),
        fit,
        of,
        items.counts(tx, project_id),
        Counter(outcomes.settled(tx, project_id).values()),
        len(standing),
        len({one.annotator_id for one in standing}),
        tuple(measured),
        datetime.now(UTC),
    )
