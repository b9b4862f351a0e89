"""Send labels that are likely wrong to the reviewers, who settle them on the Adjudicate page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.domain.answers import Label
from alflow.errors import InvalidInputError
from alflow.ids import AnnotatorId, ItemId, ProjectId
from alflow.store.answers import adjudications, outcomes, referrals
from alflow.store.answers.referrals import is_referral
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.text import clean_reason
from alflow.workspace import Workspace

__all__ = ["Referred", "is_referral", "refer", "referred", "referred_items"]


@dataclass(frozen=True)
class Referred:
    """What became of a selection: the items that were sent now, those that had been, and why others were not."""

    sent: tuple[ItemId, ...]
    known: tuple[ItemId, ...]
    refused: Mapping[ItemId, str]


def refer(workspace: Workspace, project_id: ProjectId, by: AnnotatorId, reasons: Mapping[ItemId, str]) -> Referred:
    """Send items to the Adjudicate page, each with its reason; one that waits there already is not sent again.

    Labels stay as they are until a reviewer settles them.

    Raises:
        InvalidInputError: nothing is selected, or a reason is empty or too long.
        NotFoundError: there is no such item or annotator.
    """
    if not reasons:
        raise InvalidInputError("no image is selected: select those to send to adjudication")
    wanted = {item: clean_reason(why) for item, why in reasons.items()}
    with workspace.database.begin() as tx:
        annotators.lock(tx, by)
        found = items.by_ids(tx, list(wanted))
        referrals.lock_items(tx, list(wanted))
        known, decided = referrals.standing(tx, project_id), adjudications.standing(tx, project_id)
        labelled = outcomes.settled(tx, project_id)
        refused: dict[ItemId, str] = {}
        for item in found:
            if item.project_id != project_id:
                refused[item.id] = "belongs to another project"
            elif item.id in decided:
                refused[item.id] = "was settled by a reviewer"
            elif item.id not in labelled and item.id not in known:
                refused[item.id] = "has no label"
        waiting = [item for item in wanted if item in known and item not in refused]
        new = {item: why for item, why in wanted.items() if item not in known and item not in refused}
        referrals.add(tx, project_id, by, new, datetime.now(UTC))
    return Referred(tuple(new), tuple(waiting), refused)


def referred(workspace: Workspace, project_id: ProjectId) -> dict[ItemId, Label]:
    """Item id -> its referral, of those that no reviewer has settled yet; the first sent first."""
    with workspace.database.read() as tx:
        sent, decided = referrals.standing(tx, project_id), adjudications.standing(tx, project_id)
    return {item: one for item, one in sent.items() if item not in decided}


def referred_items(workspace: Workspace, project_id: ProjectId) -> list[ItemId]:
    """Ids of the items that were sent and that no reviewer has settled yet, the first sent first."""
    return list(referred(workspace, project_id))
