"""Label Studio's export "JSON": tasks with annotations (https://labelstud.io/guide/export); predictions are no answers.

An annotation is an answer if it has one choice. One that was cancelled is a skip. `meta`, as alflow writes it, says
what an annotation without a choice means. People are their email, else their user name, else `Label Studio user N`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign.given import (
    Found,
    Given,
    Skipped,
    Unusable,
    seconds_of,
    time_of,
    verdict_of,
    word,
)

_IMAGE: Final = ("image", "img", "file_upload", "url", "photo", "picture")  # the usual names, the likeliest first


def read(tasks: list[Any]) -> Iterator[Found]:
    """The answers, task by task."""
    for number, task in enumerate(tasks, start=1):
        yield from _task(number, task)


def meant(task: Mapping[str, Any], place: str) -> Given:
    """Which image a task is about; nothing is said of it.

    Raises:
        InvalidInputError: no field of its data names an image.
    """
    if not isinstance(task.get("data"), dict):
        raise InvalidInputError("it has no 'data'")
    return Given(place, _image(task), "", content_hash=word(task["data"], "sha256") if _is_own(task["data"]) else "")


def _task(number: int, task: Any) -> Iterator[Found]:
    place = f"task {task.get('id', number)}" if isinstance(task, dict) else f"task {number}"
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        yield Unusable(place, "it has no 'data': export from Label Studio as JSON, not as JSON-MIN")
        return
    annotations = task.get("annotations", task.get("completions"))
    for annotation in annotations if isinstance(annotations, list) else []:
        try:
            yield _answer(place, task, annotation)
        except InvalidInputError as error:
            yield Unusable(place, str(error))
    if task.get("predictions"):
        yield Skipped("tasks with predictions, which are no answers")


def _answer(place: str, task: Mapping[str, Any], annotation: Any) -> Found:
    if not isinstance(annotation, dict):
        raise InvalidInputError("an annotation is no JSON object")
    choices, meta = _choices(annotation.get("result")), annotation.get("meta")
    own = meta if isinstance(meta, dict) and "verdict" in meta else {}
    if annotation.get("was_cancelled"):
        verdict, choices = Verdict.SKIP, []
    elif choices:
        verdict = Verdict.CLASS
    elif "verdict" in own and own["verdict"] != Verdict.CLASS:
        verdict = verdict_of(own["verdict"])
    else:
        return Skipped("annotations without a choice")
    if len(choices) > 1:
        raise InvalidInputError(f"it has {len(choices)} choices, and an image has one class")
    return replace(
        meant(task, place),
        label=choices[0] if choices else "",
        annotator=_person(annotation.get("completed_by")),
        at=time_of(annotation.get("created_at")),
        seconds=seconds_of(annotation.get("lead_time")),
        verdict=verdict,
        comment=word(own, "comment"),
        proposed_class=word(own, "proposed_class") if verdict is Verdict.NONE else "",
    )


def _choices(results: Any) -> list[str]:
    """The choices of an annotation; other kinds of results are not looked at.

    Raises:
        InvalidInputError: a choice is no text.
    """
    found: list[Any] = []
    for result in results if isinstance(results, list) else []:
        value = result.get("value") if isinstance(result, dict) and result.get("type") == "choices" else None
        chosen = value.get("choices") if isinstance(value, dict) else None
        found += chosen if isinstance(chosen, list) else []
    if any(not isinstance(each, str) for each in found):
        raise InvalidInputError("a choice is no text")
    return found


def _image(task: Mapping[str, Any]) -> str:
    """Address of the image of a task.

    Raises:
        InvalidInputError: no field of its data is one.
    """
    data = task["data"]
    named = [data.get("uri"), *(data.get(name) for name in _IMAGE)] if _is_own(data) else []
    fields = [*named, *(data.get(name) for name in _IMAGE), *data.values(), task.get("file_upload")]
    image = next((value for value in fields if isinstance(value, str) and value), None)
    if image is None:
        raise InvalidInputError("no field of its data names an image")
    return image


def _is_own(data: Mapping[str, Any]) -> bool:
    """Whether alflow has written the task, so that its fields are what they are called."""
    return "alflow_split" in data


def _person(value: Any) -> str:
    if isinstance(value, dict):
        named = next((value[name] for name in ("email", "username") if isinstance(value.get(name), str)), "")
        return named or _person(value.get("id"))
    return f"Label Studio user {value}" if isinstance(value, int) else ""
