"""One thing that was looked at, and what came of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from alflow.disk import in_words
from alflow.errors import AlflowError


class State(StrEnum):
    """OK; WARNING: it works, but not for long or not as tested; ERROR: something does not work now."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of the thing.
        state: how it is.
        words: one line: what was found; where it is not ok, what is wrong and then the remedy.
    """

    name: str
    state: State
    words: str


def ok(name: str, words: str) -> Check:
    """It is as it should be."""
    return _check(name, State.OK, words)


def warning(name: str, words: str) -> Check:
    """It works, but not for long, or not as tested."""
    return _check(name, State.WARNING, words)


def error(name: str, words: str) -> Check:
    """It does not work."""
    return _check(name, State.ERROR, words)


def looked(name: str, look: Callable[[], Check | Iterable[Check]]) -> Iterator[Check]:
    """What `look` finds; what it raises is an error of that name, so that the other checks go on."""
    try:
        found = look()
        yield from [found] if isinstance(found, Check) else found
    except AlflowError as refused:
        yield error(name, str(refused))
    except OSError as refused:
        yield error(name, in_words(refused, str(refused.filename or name), "used"))
    except Exception as failed:  # noqa: BLE001 - whatever is broken, the next check shall be made
        first = (str(failed).strip().splitlines() or [""])[0]
        yield error(name, f"the check failed ({type(failed).__name__}{first and ': '}{first}): see what it names")


def _check(name: str, state: State, words: str) -> Check:
    return Check(name, state, " ".join(words.split()))  # what is passed on may have several lines
