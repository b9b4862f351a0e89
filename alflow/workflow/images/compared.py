"""What a new listing of a watched source says of its files, beside what is known of them: nothing is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from alflow.domain.watches import FileState, WatchedFile
from alflow.pauses import pause
from alflow.workflow.images.addresses import is_below
from alflow.workflow.images.sources import Entry

FIRST_AGAIN: Final = timedelta(minutes=1)
"""Pause before a file that could not be read is tried again; it doubles with each further failure."""

LAST_AGAIN: Final = timedelta(hours=6)


@dataclass(frozen=True)
class Look:
    """One look at a source.

    Attributes:
        at: when.
        settles: for how long a file has to be unchanged before it is taken; nothing where files appear whole.
        shut: folders that could not be read this time: of what is below them nothing new is known.
    """

    at: datetime
    settles: timedelta
    shut: Sequence[str] = ()


@dataclass(frozen=True)
class Change:
    """What is known now of a file; or, of one that is gone and was never taken, that it is to be forgotten."""

    file: WatchedFile
    forget: bool = False


def compared(found: Iterable[Entry], known: Iterable[WatchedFile], look: Look) -> Iterator[Change]:
    """The files of which something else is known now; both come in the order of their places."""
    listed, kept = iter(found), iter(known)
    new, old = next(listed, None), next(kept, None)
    while new is not None or old is not None:
        if old is None or (new is not None and new.uri < old.uri):
            assert new is not None
            yield Change(_seen(new, look))
            new = next(listed, None)
        elif new is None or old.uri < new.uri:
            if old.state is not FileState.GONE and not any(is_below(old.uri, folder) for folder in look.shut):
                yield _missing(old, look)
            old = next(kept, None)
        else:
            if (now := _again(old, new, look)) != old:
                yield Change(now)
            new, old = next(listed, None), next(kept, None)


def _seen(entry: Entry, look: Look) -> WatchedFile:
    return WatchedFile(entry.uri, entry.mark, FileState.NEW if look.settles else FileState.READY, look.at)


def _missing(old: WatchedFile, look: Look) -> Change:
    was_taken = old.state is FileState.KNOWN or old.changes > 0
    return Change(replace(old, state=FileState.GONE, at=look.at), forget=not was_taken)


def _again(old: WatchedFile, entry: Entry, look: Look) -> WatchedFile:
    if entry.mark != old.mark:
        taken = old.state in {FileState.KNOWN, FileState.GONE}
        return replace(_seen(entry, look), changes=old.changes + taken)
    if old.state is FileState.GONE:
        return replace(old, state=FileState.KNOWN, at=look.at)
    if old.state is FileState.NEW and look.at - old.at >= look.settles:
        return replace(old, state=FileState.READY)
    if old.state is FileState.REFUSED and old.tries and look.at - old.at >= pause(old.tries, FIRST_AGAIN, LAST_AGAIN):
        return replace(old, state=FileState.READY)
    return old
