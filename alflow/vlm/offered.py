"""Models that a page or a beginner may choose from: some of each size; every reference of `alflow.vlm.models` works."""

from dataclasses import dataclass
from typing import Final

BYTES_PER_WEIGHT: Final = 4
"""As they are kept and fetched: float32."""


@dataclass(frozen=True)
class OfferedModel:
    """A model of open_clip, with the weights of one training.

    Attributes:
        reference: as a project names it.
        parameters: how many weights both towers have.
        image_size: side of the picture it looks at, in pixels.
        words: what it is for.
    """

    reference: str
    parameters: int
    image_size: int
    words: str


OFFERED: Final = (
    OfferedModel("MobileCLIP2-S0/dfndr2b", 74_835_073, 256, "small, for a laptop"),
    OfferedModel("ViT-B-32/laion2b_s34b_b79k", 151_277_313, 224, "fast: large patches"),
    OfferedModel("ViT-B-16/datacomp_xl_s13b_b90k", 149_620_737, 224, "finer patches, about four times the work"),
    OfferedModel("ViT-B-16-SigLIP2/webli", 375_187_970, 224, "class names of many languages"),
    OfferedModel("ViT-L-14/datacomp_xl_s13b_b90k", 427_616_513, 224, "large: a GPU is of use"),
    OfferedModel("ViT-SO400M-16-SigLIP2-384/webli", 1_136_039_602, 384, "very large: needs a GPU"),
)
