"""The deck's JSON, translated for `alflow.workflow.desk.exchange` and back.

Events of the browser: `{"kind": "answer", "token", "candidate_id", "verdict", "class_id", "seconds", "shown"}`, with
`comment` and `proposed_class` where there are some, `{"kind": "likewise", "token", "answer", "item_ids", "seconds",
"screen"}` to label near copies as the answer of that token, and `{"kind": "undo", "token"}`. Each is idempotent, so a
deck may send an event until it has seen it acknowledged. A refusal is final: the deck shows the reason. An event that
is in order but failed is marked `again`: the deck keeps it and sends it later. A negative candidate id stands for a
gold check, which is shown like any other image; the acknowledgement has its result only where the project wants that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from heapq import nlargest
from typing import Any

from alflow.domain.answers import Verdict
from alflow.domain.projects import Suggestion
from alflow.domain.rounds import RoundState
from alflow.errors import AlflowError, InvalidInputError
from alflow.ids import AnnotatorId, CandidateId, CheckId, ItemId, ProjectId
from alflow.ui.door.body import field, seconds
from alflow.ui.parts import markdown
from alflow.workflow.desk import guidelines, own
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.label import PastAnswer
from alflow.workflow.desk.likewise import Follow, Followed
from alflow.workflow.desk.messages import (
    Acknowledgement,
    Answer,
    CheckAnswer,
    CheckEntry,
    DeskState,
    Event,
    Likewise,
    Undo,
    Wish,
)
from alflow.workflow.desk.queue import QueueEntry
from alflow.workflow.desk.submission import Submission
from alflow.workflow.desk.worth import Worth
from alflow.workflow.rounds import waiting
from alflow.workspace import Workspace

LONGEST_KEY = 200
STOPPED = "stopped"
"""What pages are told of the round of a project that is stopped, in place of the round's own state."""

MOST_PROBABLE = 12
"""How many classes come first where they are sorted by probability; the others keep their order."""
RIVALS = 2
"""The two most probable classes, whose examples are shown side by side."""
_USUAL = Wish()

Sent = Mapping[str, Any]


def sync(
    workspace: Workspace,
    project_id: ProjectId,
    annotator_id: AnnotatorId,
    events: Sequence[Sent],
    wish: Wish = _USUAL,
    chosen: Sent | None = None,
) -> dict[str, Any]:
    """Apply `events` in order, renew the annotator's leases, and say what to show.

    Args:
        workspace: where.
        project_id: whose queue.
        annotator_id: who answers.
        events: what the deck has not seen acknowledged, oldest first.
        wish: what to show.
        chosen: what this person chose for their desk since they were told what is kept of it; None: nothing is told.

    Raises:
        UnavailableError: the database does not answer; nothing is lost, the deck sends everything again.
        NotFoundError: there is no such project or annotator.
    """
    read = [_event(sent) for sent in events]
    state = exchange(workspace, project_id, annotator_id, [each for each in read if not isinstance(each, dict)], wish)
    fates = iter(state.acknowledgements)
    settings = state.project.settings
    own_ = {} if chosen is None else {"own": own.choose(workspace, project_id, annotator_id, chosen)}
    told = 0 if settings.suggestion is not Suggestion.BEFORE else MOST_PROBABLE if settings.sort_classes else RIVALS
    return {
        "acknowledgements": [each if isinstance(each, dict) else _acknowledgement(next(fates)) for each in read],
        "kind": wish.queue,
        "queue": [_entry(entry, told) | _group(state, entry.item.id) for entry in state.queue],
        "aside": {kind.value: n for kind, n in state.set_aside.items()},
        "round": _round(state),
        "awaited": _awaited(workspace, state),
        "recent": [_recent(answer) | _group(state, answer.item.id) for answer in state.recent],
        **own_,
    }


def guide(workspace: Workspace, project_id: ProjectId) -> dict[str, Any]:
    """What annotators read beside the image: the guidelines as HTML without any HTML of their author, and examples.

    Raises:
        NotFoundError: there is no such project.
    """
    guide_ = guidelines.guidelines(workspace, project_id)
    return {"html": markdown.render(guide_.text), "examples": guide_.examples}


def _event(sent: Sent) -> Event | dict[str, Any]:
    """The event that was sent; or the acknowledgement of one that cannot be read."""
    key = _key(sent)
    try:
        token = field(sent, "token", str)
        if sent.get("kind") == "undo":
            return Undo(key, token)
        if sent.get("kind") == "likewise":
            return Likewise(key, _follow(token, sent))
        given = _submission(token, sent)
    except AlflowError as error:
        return {"key": key, "stored": False, "reason": str(error)}
    return event_of(key, given)


def event_of(key: str | None, given: Submission) -> Answer | CheckAnswer:
    """The event of an answer: a negative number names a check."""
    return Answer(key, given) if given.candidate_id >= 0 else CheckAnswer(key, CheckId(-given.candidate_id), given)


def _acknowledgement(fate: Acknowledgement) -> dict[str, Any]:
    key = fate.event.key
    if fate.refusal is not None:
        return {"key": key, "stored": False, "reason": str(fate.refusal)} | ({"again": True} if fate.retry else {})
    stored: dict[str, Any] = {"key": key, "stored": True}
    if fate.offer is not None:
        stored |= {"offer": {"token": _token(fate.event), "item_ids": list(fate.offer.item_ids)}}
    match fate.feedback:
        case Followed():
            return stored | {"likewise": asdict(fate.feedback)}
        case Worth():
            return stored | {"worth": {"token": _token(fate.event), **asdict(fate.feedback)}}
        case Outcome(right=bool()):
            return stored | {"check": asdict(fate.feedback)}
    return stored | ({"worth": None} if isinstance(fate.event, Answer) else {})


def _token(event: Event) -> str:
    match event:
        case Undo():
            return event.token
        case Likewise():
            return event.asked.token
    return event.given.token


def _entry(entry: QueueEntry | CheckEntry, told: int) -> dict[str, Any]:
    """What the browser may know of an item; as many of its probable classes are told as the project wants."""
    if isinstance(entry, CheckEntry):
        return _image(CandidateId(-entry.check_id), entry.item.id, entry.rank, entry.item.width)
    image = _image(entry.candidate.id, entry.item.id, entry.candidate.rank, entry.item.width)
    image |= {} if entry.candidate.origin.queued else {"extra": True}
    if not told:
        return image
    class_id, believed = entry.candidate.predicted_class_id, entry.candidate.probabilities
    image |= {"suggestion": {"class_id": class_id, "probability": believed.get(class_id)}}
    likely = nlargest(told, believed, key=believed.__getitem__)
    return image | {"rivals": likely[:RIVALS]} | ({"likely": likely} if told > RIVALS else {})


def _group(state: DeskState, item_id: ItemId) -> dict[str, Any]:
    group = state.groups.get(item_id)
    return {"group": {"name": group.name, "images": [one[1:] for one in group.images]}} if group else {}


def _image(candidate_id: CandidateId, item_id: ItemId, rank: int, width: int) -> dict[str, Any]:
    return {"candidate_id": candidate_id, "item_id": item_id, "rank": rank, "width": width}


def _awaited(workspace: Workspace, state: DeskState) -> str | None:
    """What to tell people who wait for an image; nobody waits while a round is open."""
    if state.progress is not None and state.progress.round.state is RoundState.OPEN:
        return None
    return waiting.awaited(workspace, state.project.id)


def _key(event: Sent) -> str | None:
    """The deck's name of the event, which the acknowledgement repeats; None where it cannot be a name."""
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


def _follow(token: str, event: Sent) -> Follow:
    item_ids = field(event, "item_ids", list)
    if not all(type(each) is int for each in item_ids):
        raise InvalidInputError("`item_ids` must be whole numbers")
    return Follow(
        token, field(event, "answer", str), tuple(item_ids), seconds(event), field(event, "screen", str, None)
    )


def _round(state: DeskState) -> dict[str, Any] | None:
    if state.progress is None:
        return None
    of = state.progress
    now = of.round.state if state.project.is_active else STOPPED
    progress = {"number": of.round.number, "state": now, "answered": of.answered, "total": of.total}
    return progress | ({"checks": state.checks} if state.checks and state.checks[1] else {})


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
    } | ({} if past.likewise is None else {"likewise": past.likewise})
