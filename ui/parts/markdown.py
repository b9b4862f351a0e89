"""Guidelines as HTML: Markdown without any HTML of its author, without pictures and scripts of other sites.

Pictures are those of this server alone. A link to another site opens beside the desk, and tells that site nothing.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from alflow.ui.door.prefix import below

_OURS: Final = re.compile(r"/images/[0-9]{1,10}/[0-9]{1,10}/(thumbnail|rendition|full)")


def render(text: str) -> str:
    """The HTML."""
    return str(_MARKDOWN.render(text))


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    """A picture of this server; of any other its description."""
    source = str(tokens[index].attrGet("src"))
    if _OURS.fullmatch(source):
        tokens[index].attrSet("src", below(source))
        return self.image(tokens, index, options, env)
    return escape(self.renderInlineAsText(tokens[index].children or [], options, env))


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return self.renderToken(tokens, index, options, env)


_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.add_render_rule("image", _image)
_MARKDOWN.add_render_rule("link_open", _link)
