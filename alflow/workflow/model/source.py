"""Where a posterior is from, kept with its factors."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self

from alflow.errors import InvalidInputError


@dataclass(frozen=True)
class PosteriorSource:
    """What a posterior was made of.

    Attributes:
        kind: "imported", "pairs" (estimated from images with captions), or "pool" (from those of the pool without).
        images, texts: how many are behind the factors of either side.
        made_of: hash of the encoder, the images and the texts, where alflow chose these itself.
        vocabulary: hash of those texts.
    """

    kind: Literal["imported", "pairs", "pool"]
    images: int
    texts: int
    made_of: str | None = None
    vocabulary: str | None = None

    @property
    def words(self) -> str:
        """In words."""
        if self.kind == "pool":
            texts = f"{self.texts:,} texts (vocabulary {self.vocabulary[:12] if self.vocabulary else 'unknown'})"
            return f"estimated from {self.images:,} images of the pool and {texts}"
        return f"{'imported, ' if self.kind == 'imported' else ''}estimated from {self.images:,} image-caption pairs"

    def as_metadata(self) -> dict[str, str]:
        """To be kept with tensors."""
        return {"source": json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """What `as_metadata` made; None where there is nothing of it.

        Raises:
            InvalidInputError: it is something else.
        """
        if "source" not in metadata:
            return None
        try:
            return cls(**json.loads(metadata["source"]))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"this is no source of a posterior: {error}") from error
