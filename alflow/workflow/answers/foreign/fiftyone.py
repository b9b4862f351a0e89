"""FiftyOne: `samples.json` of a FiftyOneDataset, or `labels.json` of a FiftyOneImageClassificationDataset.

A class is a `Classification`: `label`, and what else its owner put there; `annotator` and `at` are read if they are
there, in it or in the sample, and `last_modified_at` of the sample is the time where no other is. One with a
`confidence` is a model's, unless its field was named. In the simple layout a class is a number, a name, or an object
with `label` (https://docs.voxel51.com/user_guide/export_datasets.html).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from alflow.errors import InvalidInputError
from alflow.workflow.answers.foreign.given import Found, Given, Skipped, Unusable, seconds_of, time_of

_USUAL: Final = "ground_truth"
_KINDS: Final = ("Classification", "Classifications")


def is_whole(found: Any) -> bool:
    """Whether a file of JSON looks like `samples.json`."""
    return isinstance(found, dict) and isinstance(found.get("samples"), list)


def is_simple(found: Any) -> bool:
    """Whether a file of JSON looks like `labels.json` with classifications."""
    return isinstance(found, dict) and "classes" in found and isinstance(found.get("labels"), dict)


def read_whole(found: Mapping[str, Any], field: str) -> Iterator[Found]:
    """The classes, sample by sample; `field` names where they are.

    Raises:
        InvalidInputError: it does not tell which field holds them.
    """
    samples = found["samples"]
    name = _field(samples, field)
    for number, sample in enumerate(samples, start=1):
        place = f"sample {number}"
        if not isinstance(sample, dict) or not isinstance(sample.get("filepath"), str):
            yield Unusable(place, "it has no 'filepath'")
            continue
        value = sample.get(name)
        about = {key: sample.get(key) for key in ("annotator", "at", "last_modified_at")}
        yield from _classes(place, sample["filepath"], value, about, predicted=bool(field))


def read_simple(found: Mapping[str, Any], field: str) -> Iterator[Found]:
    """The classes, image by image; the layout has no fields.

    Raises:
        InvalidInputError: a field is named, or the classes are no names.
    """
    if field:
        raise InvalidInputError("it has no fields (FiftyOneImageClassificationDataset): leave the field out")
    names = found["classes"] or []
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise InvalidInputError("its 'classes' are no list of names")
    for image, value in found["labels"].items():
        try:
            label = _named(value, names)
        except InvalidInputError as error:
            yield Unusable(f"image {image}", str(error))
            continue
        yield from _classes(f"image {image}", image, label, {}, predicted=False)


def _named(value: Any, names: list[str]) -> Any:
    """The value with the name in the place of its number.

    Raises:
        InvalidInputError: it is no number of a class.
    """
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    label = value.get("label") if isinstance(value, dict) else value
    if isinstance(label, int) and not isinstance(label, bool):
        if not 0 <= label < len(names):
            raise InvalidInputError(f"its class {label} is not among the {len(names)} of the file")
        label = names[label]
    return value | {"label": label} if isinstance(value, dict) else {"label": label}


def _field(samples: list[Any], wanted: str) -> str:
    """The field that holds the class.

    Raises:
        InvalidInputError: none does, or several may.
    """
    there = dict.fromkeys(
        name
        for sample in samples
        if isinstance(sample, dict)
        for name, value in sample.items()
        if isinstance(value, dict) and value.get("_cls") in _KINDS
    )
    if wanted and wanted not in there:
        raise InvalidInputError(f"no sample has a class in {wanted!r}: field is one of {', '.join(there) or 'none'}")
    if wanted or _USUAL in there or len(there) < 2:
        return wanted or (_USUAL if _USUAL in there else next(iter(there), _USUAL))
    raise InvalidInputError(f"it has classes in several fields, {', '.join(there)}: field says which holds the answers")


def _classes(place: str, image: str, value: Any, about: Mapping[str, Any], *, predicted: bool) -> Iterator[Found]:
    """What one field of one image says."""
    many = value.get("classifications") if isinstance(value, dict) and "classifications" in value else value
    found = [one for one in (many if isinstance(many, list) else [many]) if one is not None]
    if len(found) > 1:
        yield Unusable(place, f"it has {len(found)} classes, and an image has one")
    elif not found or (isinstance(found[0], dict) and found[0].get("label") is None):
        yield Skipped("samples without a class")
    else:
        try:
            yield _answer(place, image, found[0], about, predicted=predicted)
        except InvalidInputError as error:
            yield Unusable(place, str(error))


def _answer(place: str, image: str, value: Any, about: Mapping[str, Any], *, predicted: bool) -> Found:
    if not isinstance(value, dict) or not isinstance(value.get("label"), str):
        raise InvalidInputError("its class is no Classification with a 'label'")
    if value.get("confidence") is not None and not predicted:
        return Skipped("classes with a confidence, which are predictions")
    attributes = value.get("attributes")
    more = attributes if isinstance(attributes, dict) else {}
    said = {name: _plain(one) for name, one in (*about.items(), *more.items(), *value.items()) if one is not None}
    who, at = said.get("annotator"), said.get("at", said.get("last_modified_at"))
    return Given(
        place,
        image,
        value["label"],
        who if isinstance(who, str) else "",
        at if isinstance(at, datetime) else time_of(at),
        seconds_of(said.get("seconds")),
    )


def _plain(value: Any) -> Any:
    """What a field of the database or an attribute holds; a date of MongoDB's JSON is a time or milliseconds.

    Raises:
        InvalidInputError: it is a date that there is not.
    """
    if not isinstance(value, dict):
        return value
    if "$date" not in value:
        return value.get("value")
    date = value["$date"]
    if isinstance(date, dict):
        date = date.get("$numberLong")
    try:
        return datetime.fromtimestamp(int(date) / 1000, UTC) if not isinstance(date, str) or date.isdigit() else date
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise InvalidInputError(f"its time {str(date)[:60]!r} is none") from error
