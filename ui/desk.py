"""The deck's side of the labelling use cases: events in, acknowledgements and the queue out.

Events of the browser: `{"kind": "answer", "token", "candidate_id", "verdict", "class_id", "seconds", "shown"}` and
`{"kind": "undo", "token"}`. Each is one transaction and idempotent, so a deck may send an event again until it has
seen it acknowledged. A refused event is final: the deck drops it and shows the reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from alflow.domain import Label, Verdict
from alflow.errors import AlflowError, InvalidInputError
from alflow.workflow import label
from alflow.workspace import Workspace

AHEAD = 6  # the item on screen and the next five
RECENT = 12

Event = Mapping[str, Any]


def sync(
    workspace: Workspace, project_id: int, annotator_id: int, events: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Apply `events` in order, renew the annotator's leases, and say what to show.

    Raises:
        NotFoundError: there is no such project or annotator.
    """
    acknowledgements = [_apply(workspace, project_id, annotator_id, event) for event in events]
    queue = label.next_candidates(workspace, project_id, annotator_id, AHEAD)
    progress = label.progress(workspace, project_id, annotator_id)
    recent = label.last_answers(workspace, project_id, annotator_id, RECENT)
    return {
        "acknowledgements": acknowledgements,
        "queue": [
            {"candidate_id": entry.candidate.id, "item_id": entry.item.id, "rank": entry.candidate.rank}
            for entry in queue
        ],
        "round": _round(progress),
        "recent": [_recent(answer.label) for answer in recent],
    }


def _apply(workspace: Workspace, project_id: int, annotator_id: int, event: Event) -> dict[str, Any]:
    try:
        token = _field(event, "token", str)
        if event.get("kind") == "undo":
            label.undo(workspace, annotator_id, token, project_id)
        else:
            label.submit(workspace, annotator_id, _submission(token, event), project_id)
    except AlflowError as error:
        return {"key": event.get("key"), "stored": False, "reason": str(error)}
    return {"key": event.get("key"), "stored": True}


def _submission(token: str, event: Event) -> label.Submission:
    try:
        verdict = Verdict(str(event.get("verdict")))
    except ValueError as error:
        raise InvalidInputError(f"An answer is a class or a skip, not {event.get('verdict')!r}.") from error
    return label.Submission(
        token=token,
        candidate_id=_field(event, "candidate_id", int),
        verdict=verdict,
        class_id=_field(event, "class_id", int) if verdict is Verdict.CLASS else None,
        seconds=float(_field(event, "seconds", (int, float))),
        shown=_field(event, "shown", dict),
    )


def _field(event: Event, name: str, kind: Any) -> Any:
    value = event.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidInputError(f"An answer without a usable {name!r} was sent: {value!r}.")
    return value


def _round(progress: label.QueueProgress) -> dict[str, Any] | None:
    if progress.round_number is None:
        return None
    return {
        "number": progress.round_number,
        "state": progress.state,
        "answered": progress.answered,
        "total": progress.total,
    }


def _recent(answer: Label) -> dict[str, Any]:
    return {
        "token": answer.token,
        "candidate_id": answer.candidate_id,
        "item_id": answer.item_id,
        "verdict": answer.verdict,
        "class_id": answer.class_id,
    }
