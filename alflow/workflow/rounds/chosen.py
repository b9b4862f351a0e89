"""Send images that a person chose to the queue of the open round.

They are candidates of origin PERSON, with who chose them and why: neither the strategy's nor the control slice's, so
that no estimate takes them for either. They are queued after the candidates that wait already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, Round, RoundState
from alflow.errors import ConflictError, InvalidInputError
from alflow.ids import AnnotatorId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates, reserve, rounds
from alflow.store.rounds.candidates import NewCandidate
from alflow.text import clean_reason
from alflow.workflow.model.model import load_model, load_rows
from alflow.workflow.model.source import last_fit
from alflow.workflow.rounds.plan import described
from alflow.workspace import Workspace


@dataclass(frozen=True)
class SentReport:
    """What became of a selection: items that are asked about now, and why others are not."""

    round_number: int
    queued: tuple[ItemId, ...]
    refused: Mapping[ItemId, str]


def send_to_queue(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, item_ids: Sequence[ItemId], why: str
) -> SentReport:
    """Let the open round ask about these items too; items that it asks about already, or that are settled, stay out.

    Raises:
        InvalidInputError: nothing is selected, or no reason is given.
        ConflictError: no round is open.
        NotFoundError: there is no such project, item or annotator.
    """
    why = clean_reason(why)
    wanted = list(dict.fromkeys(item_ids))
    if not wanted:
        raise InvalidInputError("no image is selected: select those to send to the queue")
    with workspace.database.read() as tx:
        project, round_ = projects.by_id(tx, project_id), _open(rounds.current(tx, project_id))
        refused = _refused(tx, project, round_, items.by_ids(tx, wanted))
        past = rounds.all_(tx, project_id)
    asked = [item for item in wanted if item not in refused]
    new = _described(workspace, project, last_fit(past), asked)
    embedded = {one.item_id for one in new}
    refused |= {item: "is not embedded yet" for item in asked if item not in embedded}
    with workspace.database.begin() as tx:
        annotators.lock(tx, by)
        extra = reserve.lock(tx, project_id, unsettled=True)
        round_ = _open(rounds.lock(tx, round_.id))
        refused |= _refused(tx, project, round_, items.by_ids(tx, [one.item_id for one in new]))
        new = [one for one in new if one.item_id not in refused]
        behind = candidates.next_rank(tx, round_.id)
        marked = [
            replace(one, rank=behind + place, origin=Origin.PERSON, chosen_by=by, reason=why)
            for place, one in enumerate(new)
        ]
        reserve.take(tx, round_.id, {extra[one.item_id]: one for one in marked if one.item_id in extra})
        candidates.add(tx, round_.id, [one for one in marked if one.item_id not in extra])
    return SentReport(round_.number, tuple(one.item_id for one in marked), refused)


def _open(round_: Round | None) -> Round:
    """The round, if it is open.

    Raises:
        ConflictError: there is none, or it is answered.
    """
    if round_ is None:
        raise ConflictError("no round is open: send images once the next one is (`alflow round open`, or the schedule)")
    if round_.state is not RoundState.OPEN:
        raise ConflictError(f"round {round_.number} is {round_.state}: send images once the next one is open")
    return round_


def _refused(tx: Transaction, project: Project, round_: Round, chosen: Sequence[Item]) -> dict[ItemId, str]:
    """Item id -> why it cannot be asked about."""
    asked = {one.item_id for one in candidates.of_round(tx, round_.id)}
    settled = outcomes.settled(tx, project.id)
    refused: dict[ItemId, str] = {}
    for item in chosen:
        if item.project_id != project.id:
            refused[item.id] = "belongs to another project"
        elif item.split is not Split.POOL:
            refused[item.id] = f"belongs to the {item.split} split: only images of the pool can be asked about"
        elif item.id in asked:
            refused[item.id] = f"is in round {round_.number} already"
        elif item.id in settled:
            refused[item.id] = "has a label: withdraw it first, or request another vote on the Quality page"
    return refused


def _described(
    workspace: Workspace, project: Project, fit: str | None, item_ids: Sequence[ItemId]
) -> list[NewCandidate]:
    """What the model of the round believes about them, as about its other candidates."""
    if not item_ids:
        return []
    model = load_model(workspace, project, fit)
    (rows,) = load_rows(workspace, project, model, item_ids)
    if not len(rows):
        return []
    nothing = rows.activations[torch.empty(0, dtype=torch.int64)]
    query = model.ask(rows.activations, nothing, nothing)
    return described(project, model, rows.item_ids.tolist(), query.pool)
