"""A vocabulary for every model: what photos in general show, as open_clip ships it for zero-shot classification."""

from collections.abc import Sequence
from itertools import islice, zip_longest
from typing import Final

MOST_PROMPTS: Final = 1000
"""Of a project's own, at most: those of ImageNet's classes are as many."""


def vocabulary(prompts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """ImageNet's thousand class names, each in one of CLIP's eighty templates by turns, then a project's own prompts.

    Args:
        prompts: of each class; the first ones of all classes are taken before the second ones.
    """
    from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES  # noqa: PLC0415 - takes seconds to import

    n = len(OPENAI_IMAGENET_TEMPLATES)
    general = [OPENAI_IMAGENET_TEMPLATES[row % n](name) for row, name in enumerate(IMAGENET_CLASSNAMES)]
    by_turns = (prompt for turn in zip_longest(*prompts) for prompt in turn if prompt is not None)
    return tuple(dict.fromkeys((*general, *islice(dict.fromkeys(by_turns), MOST_PROMPTS))))
