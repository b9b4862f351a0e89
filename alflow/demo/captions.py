"""What is said about a training picture: its name or a keyword, and its Unicode subgroup, each in a template."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.demo.emoji import Emoji

PROMPT = "a drawing of {}"
"""How the demo asks for its classes; one of the templates of training."""

TEMPLATES = (PROMPT, "a drawing of a {}", "a {} emoji", "{}", "a picture of {}", "an icon: {}")

_NAME_SHARE = 0.6  # the rest says a keyword


class Captions:
    """Draws tokenized captions; every text is tokenized once.

    Both kinds return the distinct texts of a batch [M L] and which of them each row got [N].
    """

    def __init__(self, table: Sequence[Emoji], tokenize: Callable[[list[str]], Tensor]) -> None:
        self._table = table
        self._keywords = [[word for word in emoji.keywords if len(word) > 2] or [emoji.name] for emoji in table]
        self._tokenize = tokenize
        self._known: dict[str, Tensor] = {}

    def names(
        self, emoji: Int64[Tensor, " N"], generator: torch.Generator
    ) -> tuple[Int64[Tensor, "M L"], Int64[Tensor, " N"]]:
        """Name or keyword of each row of the table, in any template."""
        draws = torch.rand(len(emoji), 3, generator=generator).tolist()
        texts = []
        for row, (kind, which, template) in zip(emoji.tolist(), draws, strict=True):
            word = self._table[row].name if kind < _NAME_SHARE else _pick(self._keywords[row], which)
            texts.append(_pick(TEMPLATES, template).format(word))
        return self._distinct(texts)

    def subgroups(
        self, emoji: Int64[Tensor, " N"], generator: torch.Generator
    ) -> tuple[Int64[Tensor, "M L"], Int64[Tensor, " N"]]:
        """Subgroup of each row in Unicode's words (`animal bird`), in one template: a subgroup is one text."""
        template = _pick(TEMPLATES, torch.rand((), generator=generator).item())
        return self._distinct([template.format(self._table[row].subgroup.replace("-", " ")) for row in emoji.tolist()])

    def _distinct(self, texts: Sequence[str]) -> tuple[Int64[Tensor, "M L"], Int64[Tensor, " N"]]:
        place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return torch.stack([self._tokens(text) for text in place]), torch.tensor([place[text] for text in texts])

    def _tokens(self, text: str) -> Tensor:
        if text not in self._known:
            self._known[text] = self._tokenize([text])[0]
        return self._known[text]


def _pick(options: Sequence[str], draw: float) -> str:
    return options[int(draw * len(options))]
