"""What is said about a training picture: mostly its name, often a keyword, seldom its subgroup, each in a template."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.demo.emoji import Emoji, subgroup_words

PROMPT = "a drawing of {}"
"""How the demo asks for its classes; one of the templates of training."""

TEMPLATES = (PROMPT, "a drawing of a {}", "a {} emoji", "{}", "a picture of {}", "an icon: {}")

_NAME_SHARE, _KEYWORD_SHARE = 0.55, 0.38  # the rest names the subgroup


class Captions:
    """Draws tokenized captions; every text is tokenized once."""

    def __init__(self, table: Sequence[Emoji], tokenize: Callable[[list[str]], Tensor]) -> None:
        self._table = table
        self._keywords = [[word for word in emoji.keywords if len(word) > 2] or [emoji.name] for emoji in table]
        self._tokenize = tokenize
        self._known: dict[str, Tensor] = {}

    def draw(
        self, emoji: Int64[Tensor, " N"], generator: torch.Generator
    ) -> tuple[Int64[Tensor, "M L"], Int64[Tensor, " N"]]:
        """A caption for each row of the table: the distinct texts, tokenized, and which of them each row got."""
        draws = torch.rand(len(emoji), 3, generator=generator).tolist()
        texts = [
            _pick(TEMPLATES, template).format(self._say(row, kind, which))
            for row, (kind, which, template) in zip(emoji.tolist(), draws, strict=True)
        ]
        place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return torch.stack([self._tokens(text) for text in place]), torch.tensor([place[text] for text in texts])

    def _say(self, row: int, kind: float, which: float) -> str:
        if kind < _NAME_SHARE:
            return self._table[row].name
        if kind < _NAME_SHARE + _KEYWORD_SHARE:
            return _pick(self._keywords[row], which)
        return subgroup_words(self._table[row].subgroup)

    def _tokens(self, text: str) -> Tensor:
        if text not in self._known:
            self._known[text] = self._tokenize([text])[0]
        return self._known[text]


def _pick(options: Sequence[str], draw: float) -> str:
    return options[int(draw * len(options))]
