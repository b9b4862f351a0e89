"""Guidelines and names: what their authors may have drawn, and what not."""

import re

import pytest

from alflow.ui.parts import markdown
from alflow.ui.parts.session import escape


@pytest.mark.parametrize(
    "text",
    [
        "![a spy](http://evil.example/p.png)",
        "![a spy](https://evil.example/p.png 'title')",
        "![a spy](//evil.example/p.png)",
        "![a spy](/\\evil.example/p.png)",
        "![a spy](/images/1/1/../../../sign-out)",
        "![a spy](/sign-out)",
        "![a spy](/images/1/1/full?x=http://evil.example)",
        "![a spy](data:image/svg+xml;base64,AAAA)",
        "![a spy][1]\n\n[1]: http://evil.example/p.png",
        "![a *spy*](<http://evil.example/p.png>)",
    ],
)
def test_no_picture_comes_from_elsewhere(text: str) -> None:
    html = markdown.render(text)
    assert "<img" not in html
    assert "spy" in html


@pytest.mark.parametrize("kind", ["thumbnail", "rendition", "full"])
def test_pictures_of_this_server_are_shown(kind: str) -> None:
    html = markdown.render(f'![a "robin" <b>](/images/1/12/{kind})')
    assert f'src="./images/1/12/{kind}"' in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "text", ["<img src=http://evil.example/p.png>", "<script>alert(1)</script>", "<iframe src=//evil.example></iframe>"]
)
def test_html_is_text(text: str) -> None:
    assert not re.search(r"<(img|script|iframe)", markdown.render(text))


def test_a_description_is_text_too() -> None:
    assert "<b>" not in markdown.render('![x <b>bold</b> &amp; "](http://evil.example/p.png)')


@pytest.mark.parametrize("target", ["javascript:alert(1)", "vbscript:x", "data:text/html,x", "JaVaScRiPt:alert(1)"])
def test_links_lead_to_pages_only(target: str) -> None:
    assert "<a" not in markdown.render(f"[x]({target})")


def test_a_link_opens_beside_the_desk_and_tells_nothing() -> None:
    html = markdown.render("[x](https://example.org/) <https://example.org>")
    assert html.count('target="_blank"') == html.count('rel="noopener noreferrer nofollow"') == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*c", r"a\_b\*c"),
        ("&lt;", r"\&lt\;"),
        ("two\n\n    lines", "two lines"),
        (":cat:", "\\:\u2060cat\\:"),
        ("12: x", r"12\: x"),
        ("www.evil.example", "www\u2060\\.evil\\.example"),
        ("a@b", "a\\@\u2060b"),
        ("a->b--c", "a\\-\u2060\\>b\\-\u2060\\-c"),
    ],
)
def test_names_are_shown_as_they_are(text: str, shown: str) -> None:
    assert escape(text) == shown
