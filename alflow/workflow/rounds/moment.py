"""What opening and closing a round read from the database, in one transaction so that all parts agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Candidate, Origin, Round, RoundState
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId, RoundId
from alflow.store.answers import certificates, outcomes
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds


@dataclass(frozen=True)
class Moment:
    """A project as it was stored at one moment.

    Attributes:
        project: with its settings.
        classes: in their order.
        rounds: by number.
        settled: item -> class, by answers of their own (`outcomes.evidence`).
        truths: test item -> class, where it is known.
        controls: candidates of the control slices, those of the newest round first, each by rank.
        accepted: item -> class by the model's word alone, where the project's setting lets fits use it.
    """

    project: Project
    classes: Sequence[ClassLabel]
    rounds: Sequence[Round]
    settled: Mapping[ItemId, ClassId]
    truths: Mapping[ItemId, ClassId]
    controls: Sequence[Candidate]
    accepted: Mapping[ItemId, ClassId] = field(default_factory=dict)

    @property
    def current(self) -> Round | None:
        """The round that is not closed, if there is one."""
        return next((one for one in self.rounds if one.state is not RoundState.CLOSED), None)

    def round(self, round_id: RoundId) -> Round:
        """The project's round of that id.

        Raises:
            NotFoundError: there is none.
        """
        found = next((one for one in self.rounds if one.id == round_id), None)
        if found is None:
            raise NotFoundError(f"the project has no round with the id {round_id}")
        return found

    def support(self, class_ids: Sequence[ClassId]) -> dict[ItemId, ClassId]:
        """Item -> class, by item, of these classes: settled, or accepted where fits use that."""
        return _of_classes({**self.accepted, **self.settled}, class_ids)

    def judges(self, class_ids: Sequence[ClassId]) -> dict[ItemId, ClassId]:
        """Test item -> class, by item, of these classes."""
        return _of_classes(self.truths, class_ids)


def look(tx: Transaction, project_id: ProjectId) -> Moment:
    """The project as this transaction sees it.

    Raises:
        NotFoundError: there is none.
    """
    project = projects.by_id(tx, project_id)
    accepted = certificates.accepted(tx, project_id) if project.settings.fit_accepted else {}
    return Moment(
        project,
        projects.classes(tx, project_id),
        rounds.all_(tx, project_id),
        outcomes.evidence(tx, project_id),
        items.truths(tx, project_id, Split.TEST),
        candidates.of_origin(tx, project_id, Origin.CONTROL),
        {item: one.class_id for item, one in accepted.items()},
    )


def _of_classes(known: Mapping[ItemId, ClassId], class_ids: Sequence[ClassId]) -> dict[ItemId, ClassId]:
    return {item: class_id for item, class_id in sorted(known.items()) if class_id in class_ids}
