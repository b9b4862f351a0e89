"""alflow's own JSONL: an answer a line, as `alflow export labels` writes it, or an image a line with its votes.

The latter is the table of a data set that was exported: `labels.jsonl` of FiftyOne and Croissant, `metadata.jsonl` of
an imagefolder, whose votes are JSON text. Withdrawn answers stay behind.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign.given import (
    Found,
    Given,
    Skipped,
    Unusable,
    seconds_of,
    text_of,
    time_of,
    verdict_of,
    word,
)


def read(data: bytes) -> Iterator[Found]:
    """The answers, one a line.

    Raises:
        InvalidInputError: it is no UTF-8 text.
    """
    for number, row in enumerate(text_of(data).split("\n"), start=1):
        if row.strip():
            try:
                yield from _line(f"line {number}", row)
            except InvalidInputError as error:
                yield Unusable(f"line {number}", str(error))


def _line(place: str, row: str) -> Iterator[Found]:
    try:
        values = json.loads(row)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"it is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidInputError("it is no JSON object")
    if "votes" not in values:
        yield _answer(place, values)
        return
    votes = _votes(values["votes"])
    for vote in votes:
        try:
            known = {"uri": values.get("uri"), "content_hash": values.get("sha256")}
            yield _answer(place, vote | known)
        except InvalidInputError as error:
            yield Unusable(place, str(error))
    if not votes and values.get("label"):
        yield Skipped("classes that no vote gave")


def _votes(value: Any) -> list[dict[str, Any]]:
    """The votes about an image.

    Raises:
        InvalidInputError: they are none.
    """
    try:
        votes = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"its votes are no JSON: {error}") from error
    if not isinstance(votes, list) or any(not isinstance(vote, dict) for vote in votes):
        raise InvalidInputError("its votes are no list of answers")
    return votes


def _answer(place: str, values: Mapping[str, Any]) -> Found:
    if values.get("withdrawn_at"):
        return Skipped("withdrawn answers")
    return Given(
        place,
        word(values, "uri"),
        word(values, "class_name"),
        word(values, "annotator"),
        time_of(values.get("at")),
        seconds_of(values.get("seconds")),
        verdict_of(values.get("verdict", "class")),
        word(values, "content_hash"),
        word(values, "comment"),
        word(values, "proposed_class"),
    )
