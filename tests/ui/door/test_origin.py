"""Whose page speaks: ours in any spelling, behind a proxy too, and nobody else's."""

import pytest
from starlette.requests import HTTPConnection

from alflow.ui.door import origin

PUBLIC = "https://label.example.org"


def _asks(method: str = "POST", **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "method": method, "path": "/", "headers": raw})


@pytest.mark.parametrize(
    ("page", "host", "public"),
    [
        ("http://127.0.0.1:8501", "127.0.0.1:8501", ""),
        ("http://localhost:8501", "localhost:8501", PUBLIC),  # past the proxy, on the machine itself
        ("https://label.example.org", "label.example.org", ""),
        ("https://label.example.org", "label.example.org:443", ""),
        ("http://label.example.org", "label.example.org:80", ""),
        ("https://label.example.org", "Label.Example.ORG", ""),
        ("https://label.example.org", "label.example.org.", ""),
        ("http://[::1]:8501", "[0:0:0:0:0:0:0:1]:8501", ""),
        ("https://label.example.org", "127.0.0.1:8501", PUBLIC),
        ("https://label.example.org", "alflow", PUBLIC + "/"),
        ("https://label.example.org", "alflow", "https://Label.Example.org:443/"),
        ("https://label.example.org", "alflow", "HTTPS://label.example.org."),
        ("https://label.example.org:8443", "alflow", "https://label.example.org:8443"),
        ("https://xn--bcher-kva.example", "alflow", "https://bücher.example"),
        ("http://label.example.org", "alflow", "http://label.example.org:80"),
    ],
)
def test_our_pages_are_ours_in_any_spelling(page: str, host: str, public: str) -> None:
    assert not origin.is_foreign(_asks(origin=page, host=host), public)
    assert not origin.is_foreign(_asks(origin=page, host=host, sec_fetch_site="same-origin"), public)


@pytest.mark.parametrize("public", ["", PUBLIC])
@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example",
        "https://label.example.org.evil.example",
        "https://evil.example/label.example.org",
        "https://label.example.org@evil.example",
        "https://label.example.org:8443",
        "ftp://label.example.org",
        "null",
        "",
        "label.example.org",
        "https://",
        "https://label.example.org:x",
        "https://[::1",
    ],
)
def test_pages_of_others_are_foreign(page: str, public: str) -> None:
    assert origin.is_foreign(_asks(origin=page, host="label.example.org"), public)


def test_http_is_another_page_than_https_where_the_public_address_says_so() -> None:
    assert origin.is_foreign(_asks(origin="http://label.example.org", host="alflow"), PUBLIC)


def test_a_host_that_the_proxy_made_up_makes_no_page_ours() -> None:
    """A page of the visitor's own machine, whose name the proxy happens to give to the server."""
    page = "http://127.0.0.1:8501"
    assert origin.is_foreign(_asks(origin=page, host="127.0.0.1:8501", sec_fetch_site="cross-site"), PUBLIC)
    assert not origin.is_foreign(_asks(origin=page, host="127.0.0.1:8501", sec_fetch_site="same-origin"), PUBLIC)


@pytest.mark.parametrize(
    ("method", "site", "foreign"),
    [
        ("POST", "cross-site", True),
        ("POST", "same-site", True),
        ("DELETE", "cross-site", True),
        ("POST", "same-origin", False),
        ("GET", "cross-site", False),  # a link that leads here
        ("POST", "none", False),
    ],
)
def test_without_an_origin_the_browser_is_believed(method: str, site: str, foreign: bool) -> None:
    assert origin.is_foreign(_asks(method, host="label.example.org", sec_fetch_site=site), PUBLIC) is foreign


def test_programs_say_nothing_and_are_no_pages() -> None:
    assert not origin.is_foreign(_asks(host="label.example.org"), PUBLIC)


def test_every_one_of_several_origins_counts() -> None:
    raw = [(b"host", b"a.org"), (b"origin", b"http://a.org"), (b"origin", b"http://evil.example")]
    assert origin.is_foreign(HTTPConnection({"type": "http", "method": "POST", "path": "/", "headers": raw}))
