"""Argilla 2: the file that `dataset.records.to_json` writes, or a dump of `to_list`, flattened or not.

A record has `responses: {question: [{value, user_id}]}` and says neither the names of users nor when they answered
(https://docs.argilla.io/latest/how_to_guides/import_export/); only a flattened one says which responses are drafts, and
which were discarded, which is a skip. Its image is a field: an address, or the bytes of the file in base64, whose
SHA-256 tells which image it is. `suggestions` are of models and no answers.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from alflow.domain.answers import Verdict
from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign.given import Found, Given, Skipped, Unusable

_NAMES: Final = ("uri", "path", "file_path", "image_path", "filepath", "file_name", "filename", "image", "name")
_IMAGE: Final = re.compile(r"(?i)://|\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)$")
_OF_RECORD: Final = ("id", "status", "_server_id", "score")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PARTS: Final = (
    "responses",
    "responses.users",
    "responses.status",
    "suggestion",
    "suggestion.agent",
    "suggestion.score",
)


def is_one(found: Any) -> bool:
    """Whether a file of JSON looks like records of Argilla."""
    first = next(iter(_listed(found)), None)
    return isinstance(first, dict) and (
        ("fields" in first and bool({"responses", "suggestions"} & first.keys()))
        or any(str(name).endswith(".responses") for name in first)
    )


def read(found: Any, field: str) -> Iterator[Found]:
    """The responses, record by record; `field` names the question.

    Raises:
        InvalidInputError: it does not tell which question asks for the class, or is an export of Argilla 1.
    """
    records = [_nested(record) for record in _listed(found)]
    question = _question(records, field)
    for number, record in enumerate(records, start=1):
        place = f"record {number}"
        if not isinstance(record, dict):
            yield Unusable(place, "it is no JSON object")
            continue
        for response in _responses(record).get(question) or []:
            try:
                yield _answer(place, record, response)
            except InvalidInputError as error:
                yield Unusable(place, str(error))
        if record.get("suggestions"):
            yield Skipped("records with suggestions, which are no answers")


def _listed(found: Any) -> list[Any]:
    """The records, also of `to_dict(orient="index")`."""
    if isinstance(found, list):
        return found
    values = list(found.values()) if isinstance(found, dict) else []
    return values if all(isinstance(one, dict) for one in values) else []


def _nested(record: Any) -> Any:
    """A record that was flattened, as it was before."""
    if not isinstance(record, dict) or not any(str(name).endswith(".responses") for name in record):
        return record
    responses: dict[str, list[Any]] = {}
    for name, values in record.items():
        question, _, part = str(name).partition(".responses")
        if part or question == name or not isinstance(values, list):
            continue
        users, statuses = (_aligned(record.get(f"{name}.{kind}"), len(values)) for kind in ("users", "status"))
        responses[question] = [
            {"value": value, "user_id": user, "status": status}
            for value, user, status in zip(values, users, statuses, strict=True)
        ]
    own = [name for name in record if name not in _OF_RECORD and not str(name).endswith(_PARTS)]
    plain = {name: record[name] for name in own}
    suggested = [name for name, value in record.items() if str(name).endswith(".suggestion") and value is not None]
    return {"id": record.get("id"), "fields": plain, "metadata": {}, "responses": responses, "suggestions": suggested}


def _aligned(values: Any, count: int) -> list[Any]:
    return values if isinstance(values, list) and len(values) == count else [None] * count


def _responses(record: Mapping[str, Any]) -> dict[str, Any]:
    """By question.

    Raises:
        InvalidInputError: they are those of Argilla 1.
    """
    found = record.get("responses")
    if isinstance(found, list) and found:
        raise InvalidInputError("it is an export of Argilla 1: open it in Argilla 2, and use `dataset.records.to_json`")
    return found if isinstance(found, dict) else {}


def _question(records: list[Any], wanted: str) -> str:
    """The question whose answers are the classes.

    Raises:
        InvalidInputError: it is not the only one and not named, or the named one is not there.
    """
    asked = dict.fromkeys(name for record in records if isinstance(record, dict) for name in _responses(record))
    if wanted and wanted not in asked and asked:
        raise InvalidInputError(f"nobody answers the question {wanted!r}: field is one of {', '.join(asked)}")
    if not wanted and len(asked) > 1:
        raise InvalidInputError(f"it answers several questions, {', '.join(asked)}: field says which holds the class")
    return wanted or next(iter(asked), "")


def _answer(place: str, record: Mapping[str, Any], response: Any) -> Found:
    if not isinstance(response, dict):
        raise InvalidInputError("a response is no JSON object")
    if response.get("status") == "draft":
        return Skipped("drafts")
    discarded = response.get("status") == "discarded"
    value = response.get("value")
    chosen = value if isinstance(value, list) else [value]
    if not discarded and len(chosen) > 1:
        raise InvalidInputError(f"it has {len(chosen)} labels, and an image has one class")
    label = chosen[0] if chosen and isinstance(chosen[0], str) else ""
    if not discarded and not label:
        return Skipped("responses that are no label")
    image, of_original, of_copy = _image(record)
    user = response.get("user_id")
    return Given(
        place,
        image,
        "" if discarded else label,
        f"Argilla user {user}" if user not in {None, "", "None"} else "",
        verdict=Verdict.SKIP if discarded else Verdict.CLASS,
        content_hash=of_original,
        copy_hash=of_copy,
    )


def _image(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """What the image is called, the SHA-256 of the original and that of what the record holds, each may be empty.

    Raises:
        InvalidInputError: nothing tells.
    """
    about, shown = _part(record, "metadata"), _part(record, "fields")
    texts = [one for one in shown.values() if isinstance(one, str)]
    held = next((one for one in texts if one.startswith("data:")), "")
    likely = [one for one in texts if _IMAGE.search(one)]
    named = [*(where.get(name) for where in (about, shown) for name in _NAMES), *likely, record.get("id"), *texts]
    image = next((one for one in named if isinstance(one, str) and one and not one.startswith("data:")), "")
    told = next((one for where in (about, shown) if isinstance(one := where.get("sha256"), str)), "")
    if not image and not held:
        raise InvalidInputError("no field and no metadata names an image")
    return image, told if _HASH.fullmatch(told) else "", _sha256(held)


def _part(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _sha256(held: str) -> str:
    """Of the bytes in a data URI; empty if it holds none."""
    try:
        data = base64.b64decode(held.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        return ""
    return hashlib.sha256(data).hexdigest() if data else ""
