"""alflow's own JSONL, as `alflow export labels labels.jsonl` writes it; withdrawn answers stay behind."""

import json
from collections.abc import Iterator

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
                yield _answer(f"line {number}", row)
            except InvalidInputError as error:
                yield Unusable(f"line {number}", str(error))


def _answer(place: str, row: str) -> Found:
    try:
        values = json.loads(row)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"it is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidInputError("it is no JSON object")
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
