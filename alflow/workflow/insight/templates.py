"""Templates of prompts to choose from: {} stands for the shown name of a class; several are an ensemble.

References:
    Radford et al., Learning Transferable Visual Models From Natural Language Supervision, arXiv 2103.00020, section
    3.1.4 and its notebook on prompts (the seven and the eighty templates).
"""

from collections.abc import Mapping
from typing import Final

PHOTO: Final = "A photo"
EIGHTY: Final = "Eighty ways, as CLIP's authors evaluate on ImageNet"

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    PHOTO: ("a photo of a {}.",),
    "The name alone": ("{}",),
    "A picture": ("a picture of a {}.",),
    "A close-up": ("a close-up photo of a {}.", "a cropped photo of a {}."),
    "A poor photo": ("a bad photo of a {}.", "a blurry photo of a {}.", "a low resolution photo of a {}."),
    "A drawing": ("a drawing of a {}.", "a sketch of a {}.", "a painting of a {}.", "a cartoon of a {}."),
    "An icon": ("an icon of a {}.", "an emoji of a {}.", "a symbol of a {}."),
    "From above": ("a satellite photo of a {}.", "an aerial photo of a {}."),
    "A texture": ("a photo of a {} texture.", "a photo of a {} pattern."),
    "A scene": ("a photo of a {} scene.", "a photo taken in a {}."),
    "Seven ways, by CLIP's authors": (
        "itap of a {}.",
        "a bad photo of the {}.",
        "a origami {}.",
        "a photo of the large {}.",
        "a {} in a video game.",
        "art of the {}.",
        "a photo of the small {}.",
    ),
}
"""By title."""


def eighty() -> tuple[str, ...]:
    """The templates of `EIGHTY`, as open_clip ships them."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES  # noqa: PLC0415 - takes seconds to import

    return tuple(str(template("{}")) for template in OPENAI_IMAGENET_TEMPLATES)


def templates_of(title: str) -> tuple[str, ...]:
    """The templates of a title, `EIGHTY` too."""
    return eighty() if title == EIGHTY else TEMPLATES[title]
