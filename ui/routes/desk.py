"""The deck's side of the labelling use cases: events in, acknowledgements and the queue out.

Events of the browser: `{"kind": "answer", "token", "candidate_id", "verdict", "class_id", "seconds", "shown"}`, with
`comment` and `proposed_class` where there are some, and `{"kind": "undo", "token"}`. Each is one transaction and
idempotent, so a deck may send an event again until it has seen it acknowledged. A refused event is final: the deck
shows the reason. An event that failed for no fault of its own is marked `again`: the deck keeps it and sends it later,
and its neighbours are stored all the same. A negative candidate id is that of a gold check, which is shown like any
other image; the answer is acknowledged with its result only where the project says so.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alflow.domain import Label, Suggestion, Verdict
from alflow.errors import AlflowError, InvalidInputError, UnavailableError
from alflow.workflow.desk import gold, guidelines, label, worth
from alflow.workflow.projects import projects
from alflow.workflow.rounds import waiting
from alflow.workspace import Workspace
from ui.door.body import field, seconds
from ui.parts import markdown

AHEAD = 40  # what can be answered while the connection is lost: two minutes of it, at three seconds an image
RECENT = 12
LONGEST_KEY = 200
TODO = "todo"
QUEUES = frozenset({TODO, *Verdict} - {Verdict.CLASS})

Event = Mapping[str, Any]

_log = logging.getLogger(__name__)
_left: dict[tuple[int, int], float] = {}  # when somebody last closed the desk of a project


@dataclass(frozen=True)
class Wish:
    """What a deck wants to show.

    Attributes:
        queue: one of `QUEUES`: "todo", or the verdict whose queue of put-aside items is open.
        ahead: how many items to reserve, `AHEAD` at most; none for a page that only delivers what it kept.
        showing: the candidate on screen, which is kept if that is possible.
        leave: the page is being closed: what was reserved goes back.
    """

    queue: str = TODO
    ahead: int = AHEAD
    showing: int | None = None
    leave: bool = False


def sync(
    workspace: Workspace, project_id: int, annotator_id: int, events: Sequence[Mapping[str, Any]], wish: Wish = Wish()
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
    began, who = time.monotonic(), (project_id, annotator_id)
    acknowledgements = [_apply(workspace, project_id, annotator_id, event) for event in events]
    if wish.leave:
        _left[who] = time.monotonic()  # before the release, so that whoever reserves after it sees it
        label.leave(workspace, project_id, annotator_id)
    queue = _reserve(workspace, project_id, annotator_id, wish)
    if queue and _left.get(who, began) > began:  # the page was closed while it was asking: nobody will see these
        label.leave(workspace, project_id, annotator_id)
    progress = label.progress(workspace, project_id, annotator_id)
    suggestion = projects.project(workspace, project_id).settings.suggestion
    told = [_entry(entry, suggest=suggestion is Suggestion.BEFORE) for entry in queue]
    checks = None if queue else gold.results(workspace, project_id, annotator_id)
    recent = label.last_answers(workspace, project_id, annotator_id, RECENT)
    return {
        "acknowledgements": acknowledgements,
        "kind": wish.queue,
        "queue": _with_check(workspace, project_id, annotator_id, told) if wish.queue == TODO else told,
        "aside": {kind.value: n for kind, n in label.put_aside(workspace, project_id).items()},
        "round": _round(progress, checks),
        "awaited": waiting.awaited(workspace, project_id),
        "recent": [_recent(answer) for answer in recent],
    }


def guide(workspace: Workspace, project_id: int) -> dict[str, Any]:
    """What annotators read beside the image: the guidelines as HTML without any HTML of their author, and examples.

    Raises:
        NotFoundError: there is no such project.
    """
    told = guidelines.guidelines(workspace, project_id)
    return {"html": markdown.render(told.text), "examples": told.examples}


def _reserve(workspace: Workspace, project_id: int, annotator_id: int, wish: Wish) -> list[label.QueueEntry]:
    count = max(0, min(wish.ahead, AHEAD))
    if not count:
        return []
    if wish.queue == TODO:
        return label.next_candidates(workspace, project_id, annotator_id, count, showing=wish.showing)
    return label.next_aside(workspace, project_id, Verdict(wish.queue), annotator_id, count)


def _entry(entry: label.QueueEntry, *, suggest: bool) -> dict[str, Any]:
    """What the browser may know of an item; what the model thinks of it only where the project says so."""
    told: dict[str, Any] = {
        "candidate_id": entry.candidate.id,
        "item_id": entry.item.id,
        "rank": entry.candidate.rank,
        "width": entry.item.width,
    }
    if suggest:
        class_id = entry.candidate.predicted_class_id
        told["suggestion"] = {"class_id": class_id, "probability": entry.candidate.probabilities.get(class_id)}
    return told


def _with_check(
    workspace: Workspace, project_id: int, annotator_id: int, queue: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The queue, and in its place the check that is due; a queue at its end gets none."""
    due = gold.due(workspace, project_id, annotator_id) if queue else None
    if due is None or due.position >= len(queue):
        return queue
    rank = queue[due.position]["rank"]
    check = {"candidate_id": -due.check.id, "item_id": due.item.id, "rank": rank, "width": due.item.width}
    return [*queue[: due.position], check, *queue[due.position :]]


def _check(workspace: Workspace, project_id: int, annotator_id: int, given: label.Submission) -> dict[str, Any]:
    found = gold.answer(workspace, project_id, annotator_id, -given.candidate_id, given)
    return {} if found.right is None else {"check": {"right": found.right, "class_id": found.class_id}}


def _worth(workspace: Workspace, stored: Label) -> dict[str, Any] | None:
    told = worth.worth(workspace, stored)
    return None if told is None else {"token": stored.token, **asdict(told)}


def _apply(workspace: Workspace, project_id: int, annotator_id: int, event: Event) -> dict[str, Any]:
    key = _key(event)
    try:
        token = field(event, "token", str)
        if event.get("kind") == "undo":
            label.undo(workspace, annotator_id, token, project_id)
        else:
            given = _submission(token, event)
            if given.candidate_id < 0:
                told = _check(workspace, project_id, annotator_id, given)
                return {"key": key, "stored": True, **told}
            stored = label.submit(workspace, annotator_id, given, project_id)
            return {"key": key, "stored": True, "worth": _worth(workspace, stored)}
    except UnavailableError:
        raise
    except AlflowError as error:
        return {"key": key, "stored": False, "reason": str(error)}
    except Exception:  # noqa: BLE001 - whatever it is, the other answers must not wait for it
        _log.exception("the deck's event %r failed; the deck keeps it", key)
        reason = "The server could not store an answer; it is kept and sent again"
        return {"key": key, "stored": False, "again": True, "reason": reason}
    return {"key": key, "stored": True}


def _key(event: Event) -> str | None:
    """What the deck calls the event, to be told its fate; what is no name is not said back."""
    key = event.get("key")
    return key if isinstance(key, str) and len(key) <= LONGEST_KEY and key.isprintable() else None


def _submission(token: str, event: Event) -> label.Submission:
    try:
        verdict = Verdict(str(event.get("verdict")))
    except ValueError as error:
        known = ", ".join(Verdict)
        raise InvalidInputError(f"an answer is one of {known}") from error
    return label.Submission(
        token=token,
        candidate_id=field(event, "candidate_id", int),
        verdict=verdict,
        class_id=field(event, "class_id", int) if verdict is Verdict.CLASS else None,
        seconds=seconds(event),
        shown=field(event, "shown", dict),
        comment=field(event, "comment", str, ""),
        proposed_class=field(event, "proposed_class", str, ""),
    )


def _round(progress: label.QueueProgress, checks: tuple[int, int] | None) -> dict[str, Any] | None:
    if progress.round_number is None:
        return None
    told = {
        "number": progress.round_number,
        "state": progress.state,
        "answered": progress.answered,
        "total": progress.total,
    }
    return told | ({"checks": checks} if checks and checks[1] else {})


def _recent(past: label.PastAnswer) -> dict[str, Any]:
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
