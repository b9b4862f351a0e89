import math

import pytest

from alflow.errors import InvalidInputError
from alflow.text import check_json, clean_name, clean_text, likeness, visible


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  traffic   light ", "traffic light"),
        ("a\u00a0b\u3000c", "a b c"),
        ("cafe\u0301", "caf\u00e9"),
        ("[red]x", "[red]x"),
        (":cat:", ":cat:"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("x" * 200, "x" * 200),
        ("\U0001f600" * 200, "\U0001f600" * 200),
    ],
)
def test_names_are_kept_in_one_form(given: str, kept: str) -> None:
    assert clean_name("a class name", given) == kept
    assert clean_name("a class name", kept) == kept


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "missing"),
        (" \u3000 ", "missing"),
        ("\ufe0f", "missing"),
        ("x" * 201, "200 visible characters: 'xxx.*' has 201"),
        ("a\0b", r"'a\\x00b': it holds U\+0000 \(a control character\)"),
        ("a\x1b[31mb", r"U\+001B"),
        ("a\nb", r"U\+000A \(a line end\)"),
        ("a\u2028b", r"U\+2028"),
        ("a\udcffb", r"U\+DCFF \(half of a surrogate pair\)"),
        ("a\u200bb", r"U\+200B \(ZERO WIDTH SPACE\)"),
        ("ca\u200dt", r"U\+200D"),
        ("\u202eevil", r"U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
        ("a\u2066b\u2069", r"U\+2066"),
        ("\ufeffcat", r"U\+FEFF"),
        ("ca\u00adt", r"U\+00AD"),
        ("\u3164", r"U\+3164"),
        ("cat\U000e0041", r"U\+E0041"),
        ("cat\uffff", r"U\+FFFF"),
    ],
)
def test_names_that_cannot_be_kept_or_seen_are_refused(given: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^a class name .*{says}") as refused:
        clean_name("a class name", given)
    assert str(refused.value).isprintable()


def test_texts_may_have_lines_but_nothing_that_cannot_be_kept() -> None:
    assert clean_text("a comment", " two\r\n\tlines\u200b ", 20) == "two\r\n\tlines\u200b"
    assert clean_text("a comment", "", 20) == ""
    for wrong in ("a\0b", "a\x1b[2J", "\ud800", "x" * 21):
        with pytest.raises(InvalidInputError, match=r"^a comment"):
            clean_text("a comment", wrong, 20)


@pytest.mark.parametrize(
    "value",
    [
        {"a": "\0"},
        {"\0": 1},
        {"a": ["\udc80"]},
        {"a": math.nan},
        [math.inf],
        {"a": {1, 2}},
        "x" * 100,
        [10**5000],
    ],
)
def test_json_that_a_database_would_refuse_is_refused_at_the_door(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^what was on screen"):
        check_json("what was on screen", value, 50)


def test_json_that_is_deep_without_end_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="what was on screen"):
        check_json("what was on screen", deep, 10**6)


def test_what_looks_like_an_escape_in_json_is_none() -> None:
    check_json("what was on screen", {"a": "\\u0000", "b": ["é", 1.5, None, True]}, 100)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]x[/] :cat:", "plain [red]x[/] :cat:"),
        ("\x1b]0;title\x07\x9b31m", r"\x1b]0;title\x07\x9b31m"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff", r"\udcff"),
        ("\0", r"\x00"),
        ("\u00e9\U0001f600", "\u00e9\U0001f600"),
        ("\U0001f408\u200d\u2b1b", "\U0001f408\u200d\u2b1b"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\u200db", r"a\u200db"),
        ("\u200d\u200c\n", r"\u200d\u200c\n"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        ("traffic_light", "traffic light"),
        ("traffic-light", "Traffic  Light"),
        ("traffic\u2011light", "traffic light"),
        ("cafe\u0301", "caf\u00e9"),
        ("\uff43\uff41\uff54", "cat"),
        ("\ufb01sh", "fish"),
        ("cat\ufe0f", "cat"),
        ("_cat_", "cat"),
        ("STRASSE", "stra\u00dfe"),
        ("c\u0430t", "cat"),
        ("Cat\u00a0dog", "cat dog"),
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert likeness(one) == likeness(other)


def test_names_that_do_not_look_alike() -> None:
    apart = ["A", "A-", "A+", "-1", "1", "C", "C#", "C++", "café", "cafe", "cats", "catdog", "cat dog", "_", "-", "+"]
    assert len({likeness(name) for name in apart}) == len(apart)
