"""What a value may be, kept beside the field that holds it, so that one check serves every door."""

from dataclasses import Field, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

LARGEST_SEED: Final = 2**53 - 1
"""What a browser and a database column hold alike."""

_CALLED: Final = {bool: "yes or no", str: "a text", tuple: "a list"}
_BOUNDS: Final = "bounds"
_LONGEST: Final = "longest"
_TITLE: Final = "title"
_MEANING: Final = "meaning"


@dataclass(frozen=True)
class Bounds:
    """A number from `low` to `high`; with `above` or `below` that end itself is left out."""

    low: float
    high: float
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether the value lies between; NaN does not."""
        higher = self.low < value if self.above else self.low <= value
        return higher and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        low, high = (f"{end:,}" for end in (self.low, self.high))
        return f"{'more than ' if self.above else ''}{low} to {'less than ' if self.below else ''}{high}"


def within(low: float, high: float, *, above: bool = False, below: bool = False) -> dict[str, Any]:
    """Metadata of a field that holds a number between two bounds."""
    return {_BOUNDS: Bounds(low, high, above, below)}


def at_most(longest: int) -> dict[str, Any]:
    """Metadata of a field that holds a text of so many characters at most."""
    return {_LONGEST: longest}


def told(title: str, meaning: str) -> dict[str, Any]:
    """Metadata of a field that people set: its name on a page, and what it means, for every help text."""
    return {_TITLE: title, _MEANING: meaning}


def title_of(kind: type[Any], name: str) -> str:
    """What a page calls a field that people set."""
    return str(kind.__dataclass_fields__[name].metadata[_TITLE])


def meaning_of(kind: type[Any], name: str) -> str:
    """What a field that people set means."""
    return str(kind.__dataclass_fields__[name].metadata[_MEANING])


def bounds_of(kind: type[Any], name: str) -> Bounds:
    """The bounds of a field."""
    found: Bounds = kind.__dataclass_fields__[name].metadata[_BOUNDS]
    return found


def has_bounds(kind: type[Any], name: str) -> bool:
    """Whether a field holds a number between bounds."""
    return _BOUNDS in kind.__dataclass_fields__[name].metadata


def need(kind: type[Any], name: str) -> str:
    """What a field needs, in words."""
    return _need(kind.__dataclass_fields__[name], get_type_hints(kind)[name], object()) or ""


def unfit(values: Any) -> dict[str, str]:
    """The fields of a dataclass that cannot be what they are: name -> what each needs."""
    hints = get_type_hints(type(values))
    needs = {each.name: _need(each, hints[each.name], getattr(values, each.name)) for each in fields(values)}
    return {name: need for name, need in needs.items() if need}


def _need(each: "Field[Any]", hint: Any, value: object) -> str | None:
    """What the value would have to be; None where it is that."""
    kinds = get_args(hint) if isinstance(hint, UnionType) else (get_origin(hint) or hint,)
    if value is None and NoneType in kinds:
        return None
    kind = next(one for one in kinds if one is not NoneType)
    bounds, longest = each.metadata.get(_BOUNDS), each.metadata.get(_LONGEST)
    if _is(value, kind) and (not bounds or value in bounds) and (not longest or len(str(value)) <= longest):
        return None
    if bounds:
        return f"a whole number, {bounds}" if kind is int else str(bounds)
    return f"up to {longest} characters" if longest else _CALLED.get(kind) or " or ".join(kind)


def _is(value: object, kind: type) -> bool:
    """Whether it is of the kind: truth is no number, and a whole number is a number."""
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind)
