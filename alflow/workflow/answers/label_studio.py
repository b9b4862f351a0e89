"""Label Studio as the desk: alflow is its machine learning backend, and what is annotated there is an answer here.

The forms are those of the backends that Label Studio calls (https://labelstud.io/guide/ml): tasks and a labelling
interface come in, and for each task a prediction goes out, of one choice. Tasks are matched to images as those of an
export are (`alflow.workflow.answers.foreign`): by the hash that alflow's own export of tasks carries, else by address.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from alflow.domain.answers import Verdict
from alflow.domain.images import Item, Split
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import InvalidInputError
from alflow.ids import CandidateId, ClassId, ProjectId
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.store.rows import storable
from alflow.workflow.answers.bring import bring_found
from alflow.workflow.answers.brought import faults
from alflow.workflow.answers.foreign import label_studio
from alflow.workflow.answers.foreign.given import Found, Given
from alflow.workflow.answers.foreign.images import Images
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.meaning import meanings
from alflow.workflow.model.predictions import Prediction, predictions_of
from alflow.workflow.model.source import last_fit
from alflow.workflow.people.annotators import clean_name
from alflow.workspace import Workspace

ANSWERED: Final = frozenset({"ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED"})
"""Events of a webhook that bring answers."""

_NAMED: Final = 20
_LONGEST: Final = 100


@dataclass(frozen=True)
class Choices:
    """The tag of a labelling interface that takes the class of an image; `values` maps a class to its choice."""

    from_name: str
    to_name: str
    values: Mapping[ClassId, str]


@dataclass(frozen=True)
class Received:
    """What became of the annotations of an event: answers that are stored now, and what is wrong with the others."""

    stored: int = 0
    problems: tuple[str, ...] = ()


def version(workspace: Workspace, project_id: ProjectId) -> str:
    """The name of the model whose predictions are served: it changes with every fit."""
    with workspace.database.read() as tx:
        return _version(last_fit(rounds.all_(tx, project_id)))


def check_interface(workspace: Workspace, project_id: ProjectId, interface: str) -> None:
    """Whether predictions can be given in a labelling interface.

    Raises:
        InvalidInputError: it has no choices that mean classes of the project.
    """
    with workspace.database.read() as tx:
        choices_of(interface, projects.classes(tx, project_id))


def predict(
    workspace: Workspace, project_id: ProjectId, tasks: Sequence[Mapping[str, Any]], interface: str
) -> list[dict[str, Any]]:
    """A prediction for each task, in order; empty for a task whose image is not known, or not embedded yet.

    Raises:
        InvalidInputError: a task names no image, or the interface has no choices that mean classes.
        NotFoundError: nothing is embedded yet, or there is no posterior.
        ConflictError: the project has fewer than two classes.
    """
    with workspace.database.read() as tx:
        classes = projects.classes(tx, project_id)
    choices = choices_of(interface, classes)
    meant = _items(workspace, project_id, [_meant(task, number) for number, task in enumerate(tasks, start=1)])
    said, fit = predictions_of(workspace, project_id, [item.id for item in meant if item is not None])
    ids = {label.name: label.id for label in classes}
    told = [None if item is None else said.get(item.id) for item in meant]
    return [_prediction(choices, ids, one, _version(fit)) for one in told]


def receive(workspace: Workspace, project: Project, event: Mapping[str, Any], by: str) -> Received:
    """Take the annotations of a webhook's event; sent again, it changes nothing.

    About an image that a round asks for, it is an answer in that round's queue, in place of an earlier one of the same
    person; about any other image of the pool it is kept as answers that are imported are.

    Args:
        workspace: where.
        project: whose images.
        event: as Label Studio sends it.
        by: who let it in, for the record.
    """
    with workspace.database.read() as tx:
        classes = projects.classes(tx, project.id)
    stored, problems, others = 0, list[str](), list[Found]()
    for task, mark in _annotated(event):
        for found in label_studio.read([task]):
            if not isinstance(found, Given):
                others.append(found)
                continue
            try:
                done = _answer(workspace, project, found, classes, {"by": by, "annotation": mark})
            except InvalidInputError as error:
                problems.append(f"{found.place}: {error}")
                continue
            stored += done
            others += [] if done else [found]
    if others:
        brought = bring_found(workspace, project, others)
        stored, problems = stored + brought.added + brought.known, [*problems, *faults(brought)]
    return Received(stored, tuple(problems))


def choices_of(interface: str, classes: Sequence[ClassLabel]) -> Choices:
    """The first choices about an image that mean classes of the project.

    Raises:
        InvalidInputError: it is no labelling interface, or there are none.
    """
    if "<!DOCTYPE" in interface or "<!ENTITY" in interface:  # which could name other files, or grow without bounds
        raise InvalidInputError("the labelling interface declares a document type: leave it out")
    try:
        root = ET.fromstring(interface)
    except (ET.ParseError, ValueError) as error:
        raise InvalidInputError(f"the labelling interface is no XML: {error}") from error
    images = {tag.get("name") for tag in root.iter("Image")}
    for tag in root.iter("Choices"):
        said = [(each.get("value", ""), each.get("alias")) for each in tag.iter("Choice")]
        meant = meanings([value for value, _ in said], classes)
        values = {meant[value]: given or value for value, given in reversed(said) if value in meant}
        if values and tag.get("toName") in images:
            return Choices(tag.get("name", ""), tag.get("toName", ""), values)
    names = ", ".join(label.name for label in classes[:_NAMED])
    raise InvalidInputError(
        f"the labelling interface has no <Choices> of an <Image> whose values are classes: it needs some of {names}"
    )


def _prediction(
    choices: Choices, ids: Mapping[str, ClassId], one: Prediction | None, model_version: str
) -> dict[str, Any]:
    value = None if one is None else choices.values.get(ids[one.predicted])
    if one is None or value is None:
        return {"result": [], "score": 0.0, "model_version": model_version}
    score = one.probabilities[one.predicted]
    parts = f"epistemic {one.epistemic:.3f}, aleatoric {one.aleatoric:.3f} nats; novelty {one.novelty:.2f}"
    chosen = {
        "from_name": choices.from_name,
        "to_name": choices.to_name,
        "type": "choices",
        "value": {"choices": [value]},
        "score": score,
        "meta": {"text": [parts]},
    }
    return {"result": [chosen], "score": score, "model_version": model_version}


def _answer(
    workspace: Workspace, project: Project, given: Given, classes: Sequence[ClassLabel], record: Mapping[str, str]
) -> bool:
    """Store an answer about an image that was asked for; whether it was."""
    (item,) = _items(workspace, project.id, [given])
    class_id = meanings([given.label], classes).get(given.label) if given.verdict is Verdict.CLASS else None
    if item is None or item.split is not Split.POOL or (given.verdict is Verdict.CLASS and class_id is None):
        return False  # what is wrong is told where answers are imported
    with workspace.database.read() as tx:
        candidate = candidates.newest_of(tx, item.id)
    if candidate is None or not given.annotator:
        return False
    with workspace.database.begin() as tx:
        person = annotators.get_or_create(tx, clean_name(given.annotator))
    submission = Submission(
        token=_token(given, candidate.id, record["annotation"]),
        candidate_id=candidate.id,
        verdict=given.verdict,
        class_id=class_id,
        seconds=given.seconds,
        shown={"page": "label studio", **record},
        comment=given.comment,
        proposed_class=given.proposed_class,
    )
    submit(workspace, project.id, person.id, submission)
    return True


def _token(given: Given, candidate_id: CandidateId, mark: str) -> str:
    """The same for the same event, however often it is sent."""
    parts = (candidate_id, given.annotator, given.verdict, given.label, mark)
    return f"label studio {hashlib.sha256(repr(parts).encode()).hexdigest()}"


def _annotated(event: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The tasks of an event, each with the annotation that it is about, as in an export; and which version that is.

    Raises:
        InvalidInputError: it has not both.
    """
    tasks, annotations = (_listed(event.get(name)) for name in ("task", "annotation"))
    if not annotations:
        raise InvalidInputError("the event has no annotation: let the webhook send its payload")
    by_id = {task.get("id"): task for task in tasks}
    found = [(by_id.get(each.get("task"), tasks[0] if len(tasks) == 1 else None), each) for each in annotations]
    if any(task is None for task, _ in found):
        raise InvalidInputError("the event has an annotation without its task: let the webhook send its payload")
    return [
        ({**task, "annotations": [each]}, storable(f"{each.get('id')} of {each.get('updated_at')}")[:_LONGEST])
        for task, each in found
        if task is not None
    ]


def _listed(value: Any) -> list[dict[str, Any]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _items(workspace: Workspace, project_id: ProjectId, meant: Sequence[Given]) -> list[Item | None]:
    """The image of each; None where there is none, or several. All images are listed only where a hash is missing."""
    hashes = {each.content_hash for each in meant if each.content_hash}
    with workspace.database.read() as tx:
        known = {item.content_hash: item for item in items.by_hashes(tx, project_id, hashes)}
        images = Images(items.list_(tx, project_id)) if any(not each.content_hash for each in meant) else None
    found: list[Item | None] = []
    for each in meant:
        matches = [] if each.content_hash or images is None else images.find(each).items
        found.append(known.get(each.content_hash) if each.content_hash else matches[0] if len(matches) == 1 else None)
    return found


def _meant(task: Mapping[str, Any], number: int) -> Given:
    """Which image a task is about.

    Raises:
        InvalidInputError: it names none.
    """
    place = f"task {task.get('id', number)}"
    try:
        return label_studio.meant(task, place)
    except InvalidInputError as error:
        raise InvalidInputError(f"{place} cannot be used: {error}") from error


def _version(fit: str | None) -> str:
    return f"alflow {fit[:12]}" if fit else "alflow zero-shot"
