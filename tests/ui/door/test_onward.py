"""Where a sign-in leads: only ever to a page of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from alflow.ui.door import onward


@pytest.mark.parametrize(
    "place",
    [
        "/rounds?project=birds",
        "/label?project=two%20words&x=https://example.org//",
        "/images/1/2/full",
        "/password",
        "/history?project=a%2Fb",
    ],
)
def test_a_page_of_ours_is_a_place_to_go_to(place: str) -> None:
    assert onward.safe(place) == place


@pytest.mark.parametrize(
    "place",
    [
        "",
        "rounds",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https:evil.example",
        "https://evil.example/label",
        "javascript:alert(1)",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/%252fevil.example",
        "/x/..//evil.example",
        "//[",
        "/label?\r\nSet-Cookie: a=b",
        "/label\x00",
        "/label\u2028",
        "/sign-in",
        "/sign-in?next=%2Flabel",
        "/sign-out",
        "/%73ign-out",
        "/oauth2callback",
        "/" + "x" * 2_000,
    ],
)
def test_no_other_place_is(place: str) -> None:
    assert onward.safe(place) == onward.HOME


@given(st.text(alphabet="/\\\t:@.?#%25fFcC evil"))
def test_whatever_is_written_stays_here(place: str) -> None:
    safe = onward.safe(place)
    assert safe.startswith("/")
    assert not safe.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/rounds", b"project=two%20words", "/sign-in?next=%2Frounds%3Fproject%3Dtwo%2520words"),
        ("GET", "/", b"", "/sign-in"),
        ("POST", "/rounds", b"", "/sign-in"),
        ("GET", "//evil.example", b"", "/sign-in"),
        ("GET", "/é", b"", "/sign-in?next=%2F%25C3%25A9"),
    ],
)
def test_the_way_to_the_form_keeps_where_one_was_going(method: str, path: str, query: bytes, expected: str) -> None:
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": []}
    assert onward.to_sign_in(HTTPConnection(scope)) == expected
