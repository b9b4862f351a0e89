"""Why the images of a round were asked about, with their answers."""

from dataclasses import dataclass

from alflow.domain.reasons import Reasons
from alflow.domain.rounds import Round
from alflow.errors import NotFoundError
from alflow.ids import ProjectId
from alflow.store.rounds import reasons, rounds
from alflow.workflow.rounds.review import CandidateReview, find_round, round_candidates
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Why:
    """A candidate and the reasons for it; None for one that a person chose, or that an earlier alflow asked about."""

    review: CandidateReview
    reasons: Reasons | None


def why(
    workspace: Workspace, project_id: ProjectId, number: int, after: int | None = None, limit: int | None = None
) -> tuple[Round, list[Why]]:
    """The round of that number, and its candidates in the order of the queue; a page of them, as `round_candidates`.

    Raises:
        NotFoundError: there is no such round.
    """
    round_ = find_round(workspace, project_id, number)
    with workspace.database.read() as tx:
        known = reasons.of_round(tx, round_.id)
    asked = round_candidates(workspace, round_.id, after, limit)
    return round_, [Why(each, known.get(each.item.id)) for each in asked]


def newest_number(workspace: Workspace, project_id: ProjectId) -> int:
    """Number of the newest round.

    Raises:
        NotFoundError: the project has none yet.
    """
    with workspace.database.read() as tx:
        newest = rounds.last(tx, project_id)
    if newest is None:
        raise NotFoundError("the project has no round yet: open the first (`alflow round open`)")
    return newest.number
