"""Names on pages: whatever is in them, Markdown shows them as they are."""

import html

import pytest
from markdown_it import MarkdownIt

from alflow.ui.parts.session import escape, sentence

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    "name",
    [
        "[red]x",
        ":red[x] :cat: :material/home:",
        "[link](https://example.org) ![](https://example.org/x.png)",
        "<img src=https://example.org/x.png> <b>",
        "&copy; &lt;b&gt;",
        "*a* _b_ **c** ~~d~~ `e` $f$",
        "# head",
        "1. one",
        "- one",
        "> said",
        "| a | b |",
        "a -> b <- c -- d == e ^f^",
        "ada@example.org www.example.org https://example.org",
        "\\*a\\*",
        "\U0001f408 \u05d0\u05d1",
    ],
)
def test_a_name_is_text(name: str) -> None:
    assert _shown(name) == f"<p>{html.escape(name, quote=False).replace(chr(34), '&quot;')}</p>\n"


@pytest.mark.parametrize(
    ("name", "shown"), [("a\n\n# b\nc", "a # b c"), ("a\x1b[31mb", "a\\x1b[31mb"), ("\u202egnp", "\\u202egnp")]
)
def test_what_a_name_never_holds_but_an_error_may_is_one_line(name: str, shown: str) -> None:
    assert _shown(name) == f"<p>{html.escape(shown)}</p>\n"


def test_commands_are_shown_as_such_and_names_are_not() -> None:
    said = sentence("'`*x*` :cat:' is gone: run `alflow embed --all`, or `alflow :cat:`")
    shown = str(_MARKDOWN.render(said)).replace("\u2060", "")
    assert shown == "<p>'`*x*` :cat:' is gone: run <code>alflow embed --all</code>, or `alflow :cat:`.</p>\n"


def _shown(name: str) -> str:
    """What one sees; a word joiner, which keeps Streamlit from finding links and icons in what is left, is not seen."""
    return str(_MARKDOWN.render(escape(name))).replace("\u2060", "")
