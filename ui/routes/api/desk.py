"""The desk for programs: reserve images, get them, answer, take back. The same exchange as the deck's."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from fastapi import APIRouter
from starlette.responses import Response

from alflow.accounts import Visitor
from alflow.domain.answers import Verdict
from alflow.domain.projects import ClassLabel, Suggestion
from alflow.domain.rounds import Candidate
from alflow.errors import InvalidInputError, UnavailableError
from alflow.ids import AnnotatorId, CandidateId, ClassId, ItemId, ProjectId
from alflow.ui.components.modules import FOREVER
from alflow.ui.door import pools
from alflow.ui.routes.api import asked, requests, responses
from alflow.ui.routes.api.projects import NOTHING, progress
from alflow.ui.routes.desk import event_of
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.messages import QUEUES, Acknowledgement, CheckEntry, Event, Undo, Wish
from alflow.workflow.desk.queue import QueueEntry
from alflow.workflow.desk.submission import Submission
from alflow.workflow.desk.worth import Worth
from alflow.workflow.images.pool import rendition_bytes
from alflow.workflow.projects.projects import project_classes
from alflow.workflow.rounds import waiting
from alflow.workspace import Workspace

router = APIRouter(prefix="/v1/projects/{project:int}", tags=["desk"])
_NAMED: Final = 20  # classes that a refusal lists


@router.post("/lease", dependencies=asked.ANSWERS)
async def lease(
    place: asked.Place, project: asked.Project, person: asked.Person, wish: requests.Lease
) -> responses.Queue:
    """Reserve the next images, and renew what is reserved. Leases last `lease_minutes` of the project."""
    return await pools.ANSWERS.run(_lease, place, project, person, wish)


@router.get("/images/{item:int}/{kind:str}", response_class=Response, dependencies=asked.READS)
def image(
    place: asked.Place, project: asked.Project, item: asked.Number, kind: Literal["rendition", "thumbnail"]
) -> Response:
    """The JPEG that people see of an image: 1024 pixels on the longer side at most, or 256. It never changes."""
    content = rendition_bytes(place, project, ItemId(item), kind)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


@router.post("/answers", dependencies=asked.ANSWERS)
async def answer(
    place: asked.Place, project: asked.Project, whoever: asked.Whoever, sent: requests.AnswerSent
) -> responses.Stored:
    """Answer about a candidate. The same key once more stores nothing; another key replaces this person's answer."""
    return await pools.ANSWERS.run(_answer, place, project, whoever, sent)


@router.post("/undo", dependencies=asked.ANSWERS)
async def undo(
    place: asked.Place, project: asked.Project, whoever: asked.Whoever, sent: requests.UndoSent
) -> responses.Stored:
    """Take an answer back; it stays in the history, and its image is reserved for this person again."""
    return await pools.ANSWERS.run(_stored, place, project, whoever.annotator.id, Undo(sent.key, sent.key))


def _lease(place: Workspace, project: ProjectId, person: AnnotatorId, asked_for: requests.Lease) -> responses.Queue:
    if asked_for.queue not in QUEUES:
        raise InvalidInputError(f"there is no such queue; there are {', '.join(sorted(QUEUES))}")
    showing = None if asked_for.showing is None else CandidateId(asked_for.showing)
    state = exchange(place, project, person, (), Wish(asked_for.queue, asked_for.count, showing, asked_for.leave))
    classes = {each.id: each for each in project_classes(place, project)}
    guesses = state.project.settings.suggestion is Suggestion.BEFORE
    return responses.Queue(
        images=[_leased(project, each, classes if guesses else {}) for each in state.queue],
        leased_until=datetime.now(UTC) + state.project.settings.lease if state.queue else None,
        round=progress(state.progress),
        awaited=waiting.awaited(place, project),
        set_aside=state.set_aside,
    )


def _leased(
    project: ProjectId, entry: QueueEntry | CheckEntry, classes: Mapping[ClassId, ClassLabel]
) -> responses.Leased:
    """A check is named by a negative number, as at the desk; nothing else tells it from the others."""
    image = f"{asked.BELOW}/v1/projects/{project}/images/{entry.item.id}/rendition"
    about: dict[str, Any] = {
        "item_id": entry.item.id,
        "width": entry.item.width,
        "height": entry.item.height,
        "image": image,
    }
    if isinstance(entry, CheckEntry):
        named = CandidateId(-entry.check_id)
        return responses.Leased(candidate_id=named, rank=entry.rank, is_extra=False, suggestion=None, **about)
    candidate = entry.candidate
    return responses.Leased(
        candidate_id=candidate.id,
        rank=candidate.rank,
        is_extra=not candidate.origin.queued,
        suggestion=_guess(candidate, classes),
        **about,
    )


def _guess(candidate: Candidate, classes: Mapping[ClassId, ClassLabel]) -> responses.Guess | None:
    if (found := classes.get(candidate.predicted_class_id)) is None:
        return None
    return responses.Guess(class_id=found.id, class_name=found.name, probability=candidate.probabilities.get(found.id))


def _answer(place: Workspace, project: ProjectId, whoever: Visitor, sent: requests.AnswerSent) -> responses.Stored:
    given = Submission(
        token=sent.key,
        candidate_id=CandidateId(sent.candidate_id),
        verdict=sent.verdict,
        class_id=_class(place, project, sent),
        seconds=sent.seconds,
        shown={"page": "api", "by": whoever.session},
        comment=sent.comment,
        proposed_class=sent.proposed_class,
    )
    return _stored(place, project, whoever.annotator.id, event_of(sent.key, given))


def _class(place: Workspace, project: ProjectId, sent: requests.AnswerSent) -> ClassId | None:
    """The class that is meant.

    Raises:
        InvalidInputError: it is named twice, or there is none of that name.
    """
    if sent.class_name is None:
        return None if sent.class_id is None else ClassId(sent.class_id)
    if sent.class_id is not None or sent.verdict is not Verdict.CLASS:
        raise InvalidInputError("a class is named once, and by the verdict `class` only: leave out class_name")
    classes = project_classes(place, project)
    found = next((each.id for each in classes if each.name == sent.class_name), None)
    if found is None:
        known = ", ".join(each.name for each in classes[:_NAMED])
        raise InvalidInputError(f"no class is called {sent.class_name!r}: choose one of {known}")
    return found


def _stored(place: Workspace, project: ProjectId, person: AnnotatorId, event: Event) -> responses.Stored:
    """Apply one event.

    Raises:
        AlflowError: it is refused.
        UnavailableError: it could not be stored now.
    """
    state = exchange(place, project, person, [event], NOTHING)
    (fate,) = state.acknowledgements
    if fate.refusal is not None:
        raise UnavailableError(str(fate.refusal)) if fate.retry else fate.refusal
    return responses.Stored(key=str(event.key), round=progress(state.progress), feedback=_feedback(fate))


def _feedback(fate: Acknowledgement) -> responses.Feedback | None:
    match fate.feedback:
        case Worth():
            return responses.Feedback(words=fate.feedback.words, right=None)
        case Outcome(right=bool()):
            return responses.Feedback(words=None, right=fate.feedback.right)
    return None
