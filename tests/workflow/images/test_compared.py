"""A listing beside what is known: what is new, stable, changed, gone or back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.domain.watches import FileState, WatchedFile
from alflow.workflow.images.compared import LAST_AGAIN, Change, Look, compared
from alflow.workflow.images.sources import Entry

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOOK = Look(NOW, MINUTE)
NEW, READY, KNOWN, REFUSED, GONE = FileState


def known(uri: str, state: FileState, mark: str = "1", *, ago: timedelta = MINUTE, tries: int = 0) -> WatchedFile:
    return WatchedFile(uri, mark, state, NOW - ago, tries)


def found(uri: str, mark: str = "1") -> Entry:
    return Entry(uri, mark=mark)


def now(entries: list[Entry], files: list[WatchedFile], look: Look = LOOK) -> dict[str, FileState | None]:
    return {change.file.uri: None if change.forget else change.file.state for change in compared(entries, files, look)}


def test_a_file_is_ready_once_it_is_unchanged_for_long_enough() -> None:
    assert now([found("a")], []) == {"a": NEW}
    assert now([found("a")], [known("a", NEW, ago=MINUTE / 2)]) == {}
    assert now([found("a")], [known("a", NEW)]) == {"a": READY}
    (again,) = compared([found("a", "2")], [known("a", NEW)], LOOK)
    assert again == Change(WatchedFile("a", "2", NEW, NOW))


def test_where_files_appear_whole_they_are_ready_at_once() -> None:
    assert now([found("a")], [], Look(NOW, timedelta())) == {"a": READY}
    assert now([found("a", "2")], [known("a", KNOWN)], Look(NOW, timedelta())) == {"a": READY}


def test_what_was_taken_and_is_as_it_was_is_nothing_new() -> None:
    assert now([found("a"), found("b")], [known("a", KNOWN), known("b", REFUSED)]) == {}


def test_a_file_that_changed_after_it_was_taken_is_counted_and_comes_anew() -> None:
    (change,) = compared([found("a", "2")], [known("a", KNOWN)], LOOK)
    assert change.file == WatchedFile("a", "2", NEW, NOW, changes=1)
    (change,) = compared([found("a", "3")], [change.file], LOOK)
    assert change.file.changes == 1, "it was not taken in between"


def test_of_what_is_gone_only_what_was_taken_is_remembered() -> None:
    files = [known("a", KNOWN), known("b", NEW), known("c", REFUSED), known("d", GONE)]
    assert now([], files) == {"a": GONE, "b": None, "c": None}
    assert now([found("d")], [known("d", GONE)]) == {"d": KNOWN}


def test_nothing_is_gone_below_a_folder_that_could_not_be_read() -> None:
    files = [known("/a/b/1", KNOWN), known("/a/bc", KNOWN)]
    assert now([], files, Look(NOW, MINUTE, ["/a/b"])) == {"/a/bc": GONE}


def test_what_could_not_be_read_is_tried_again_with_pauses_and_what_is_no_picture_is_not() -> None:
    assert now([found("a")], [known("a", REFUSED, ago=LAST_AGAIN)]) == {}
    for tries, pause in ((1, MINUTE), (3, 4 * MINUTE), (50, LAST_AGAIN)):
        assert now([found("a")], [known("a", REFUSED, ago=pause, tries=tries)]) == {"a": READY}
        assert now([found("a")], [known("a", REFUSED, ago=pause * 0.9, tries=tries)]) == {}


@pytest.mark.slow
@given(
    st.dictionaries(st.text(max_size=3), st.sampled_from("12")),
    st.dictionaries(st.text(max_size=3), st.sampled_from("12")),
)
def test_every_file_of_both_sides_is_compared_once(listed: dict[str, str], kept: dict[str, str]) -> None:
    changes = list(
        compared(
            [found(uri, listed[uri]) for uri in sorted(listed)],
            [known(uri, KNOWN, kept[uri]) for uri in sorted(kept)],
            LOOK,
        )
    )
    told = {change.file.uri: change.file.state for change in changes}
    assert len(told) == len(changes)
    wanted = {uri: NEW for uri, mark in listed.items() if kept.get(uri) != mark}
    assert told == wanted | dict.fromkeys(kept.keys() - listed.keys(), GONE)
