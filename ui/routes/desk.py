"""The deck's side of the labelling use cases: the browser's JSON in and out, translated for `workflow.desk.exchange`.

Events of the browser: `{"kind": "answer", "token", "candidate_id", "verdict", "class_id", "seconds", "shown"}`, with
`comment` and `proposed_class` where there are some, and `{"kind": "undo", "token"}`. Each is idempotent, so a deck may
send an event again until it has seen it acknowledged. A refused event is final: the deck shows the reason. An event
that failed for no fault of its own is marked `again`: the deck keeps it and sends it later. A negative candidate id is
that of a gold check, which is shown like any other image; the answer is acknowledged with its result only where the
project says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from alflow.domain import RoundState, Suggestion, Verdict
from alflow.errors import AlflowError, InvalidInputError
from alflow.ids import AnnotatorId, CandidateId, CheckId, ItemId, ProjectId
from alflow.workflow.desk import guidelines
from alflow.workflow.desk.exchange import (
    Acknowledgement,
    Answer,
    CheckAnswer,
    CheckEntry,
    DeskState,
    Event,
    Undo,
    Wish,
    exchange,
)
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.label import PastAnswer, QueueEntry, Submission
from alflow.workflow.desk.worth import Worth
from alflow.workflow.rounds import waiting
from alflow.workspace import Workspace
from ui.door.body import field, seconds
from ui.parts import markdown

LONGEST_KEY = 200
_USUAL = Wish()

Sent = Mapping[str, Any]


def sync(
    workspace: Workspace, project_id: ProjectId, annotator_id: AnnotatorId, events: Sequence[Sent], wish: Wish = _USUAL
) -> dict[str, Any]:
    """Apply `events` in order, renew the annotator's leases, and say what to show.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who answers.
        events: what the deck has not seen acknowledged, oldest first.
        wish: what to show.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, the deck sends everything again.
        NotFoundError: there is no such project or annotator.
    """
    read = [_event(sent) for sent in events]
    state = exchange(workspace, project_id, annotator_id, [each for each in read if not isinstance(each, dict)], wish)
    fates = iter(state.acknowledgements)
    suggests = state.project.settings.suggestion is Suggestion.BEFORE
    return {
        "acknowledgements": [each if isinstance(each, dict) else _acknowledgement(next(fates)) for each in read],
        "kind": wish.queue,
        "queue": [_entry(entry, suggests=suggests) for entry in state.queue],
        "aside": {kind.value: n for kind, n in state.aside.items()},
        "round": _round(state),
        "awaited": _awaited(workspace, state),
        "recent": [_recent(answer) for answer in state.recent],
    }


def guide(workspace: Workspace, project_id: ProjectId) -> dict[str, Any]:
    """What annotators read beside the image: the guidelines as HTML without any HTML of their author, and examples.

    Raises:
        NotFoundError: there is no such project.
    """
    told = guidelines.guidelines(workspace, project_id)
    return {"html": markdown.render(told.text), "examples": told.examples}


def _event(sent: Sent) -> Event | dict[str, Any]:
    """What was sent; or why it cannot be read, as the deck is told."""
    key = _key(sent)
    try:
        token = field(sent, "token", str)
        if sent.get("kind") == "undo":
            return Undo(key, token)
        given = _submission(token, sent)
    except AlflowError as error:
        return {"key": key, "stored": False, "reason": str(error)}
    return Answer(key, given) if given.candidate_id >= 0 else CheckAnswer(key, CheckId(-given.candidate_id), given)


def _acknowledgement(fate: Acknowledgement) -> dict[str, Any]:
    key = fate.event.key
    if fate.refusal is not None:
        return {"key": key, "stored": False, "reason": str(fate.refusal)} | ({"again": True} if fate.again else {})
    told: dict[str, Any] = {"key": key, "stored": True}
    match fate.told:
        case Worth():
            return told | {"worth": {"token": _token(fate.event), **asdict(fate.told)}}
        case Outcome(right=bool()):
            return told | {"check": asdict(fate.told)}
    return told | ({"worth": None} if isinstance(fate.event, Answer) else {})


def _token(event: Event) -> str:
    return event.token if isinstance(event, Undo) else event.given.token


def _entry(entry: QueueEntry | CheckEntry, *, suggests: bool) -> dict[str, Any]:
    """What the browser may know of an item; what the model thinks of it only where the project says so."""
    if isinstance(entry, CheckEntry):
        return _image(CandidateId(-entry.check_id), entry.item.id, entry.rank, entry.item.width)
    told = _image(entry.candidate.id, entry.item.id, entry.candidate.rank, entry.item.width)
    if suggests:
        class_id = entry.candidate.predicted_class_id
        told["suggestion"] = {"class_id": class_id, "probability": entry.candidate.probabilities.get(class_id)}
    return told


def _image(candidate_id: CandidateId, item_id: ItemId, rank: int, width: int) -> dict[str, Any]:
    return {"candidate_id": candidate_id, "item_id": item_id, "rank": rank, "width": width}


def _awaited(workspace: Workspace, state: DeskState) -> str | None:
    """What to tell people who wait for an image; nobody waits while a round is open."""
    if state.progress is not None and state.progress.round.state is RoundState.OPEN:
        return None
    return waiting.awaited(workspace, state.project.id)


def _key(event: Sent) -> str | None:
    """What the deck calls the event, to be told its fate; what is no name is not said back."""
    key = event.get("key")
    return key if isinstance(key, str) and len(key) <= LONGEST_KEY and key.isprintable() else None


def _submission(token: str, event: Sent) -> Submission:
    try:
        verdict = Verdict(str(event.get("verdict")))
    except ValueError as error:
        known = ", ".join(Verdict)
        raise InvalidInputError(f"an answer is one of {known}") from error
    return Submission(
        token=token,
        candidate_id=field(event, "candidate_id", int),
        verdict=verdict,
        class_id=field(event, "class_id", int) if verdict is Verdict.CLASS else None,
        seconds=seconds(event),
        shown=field(event, "shown", dict),
        comment=field(event, "comment", str, ""),
        proposed_class=field(event, "proposed_class", str, ""),
    )


def _round(state: DeskState) -> dict[str, Any] | None:
    if state.progress is None:
        return None
    of = state.progress
    told = {"number": of.round.number, "state": of.round.state, "answered": of.answered, "total": of.total}
    return told | ({"checks": state.checks} if state.checks and state.checks[1] else {})


def _recent(past: PastAnswer) -> dict[str, Any]:
    answer = past.label
    return {
        "token": answer.token,
        "candidate_id": answer.candidate_id,
        "item_id": answer.item_id,
        "verdict": answer.verdict,
        "class_id": answer.class_id,
        "comment": answer.comment,
        "proposed_class": answer.proposed_class,
        "final": past.final,
    }
