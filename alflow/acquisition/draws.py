"""Joint draws of the class probabilities of any number of images: one draw index for pool and targets alike.

The logits of two images and two classes share Cov = k(x, x*) Q_cc' (`alflow.acquisition.beliefs`), and k is an inner
product, k = u . u*. A draw of the Gaussian field with that covariance is therefore one random matrix, shared by all
images; N of them cost N P C K operations and no N x N matrix.

Axes: N rows, K draws, C classes, P width of the features.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Question

_ENTRIES = 2**23  # of a block [rows K C]: 32 MB in float32


@dataclass(frozen=True)
class FieldDraws:
    """K draws of the field: functions from an image to its logits.

    Attributes:
        on_features: [P K C], what a draw adds to the logits for each unit of a feature.
    """

    on_features: Float[Tensor, "P K C"]

    @classmethod
    def of(cls, query: Question, n_draws: int, generator: torch.Generator) -> Self:
        """Draw n_draws times."""
        known = query.labelled
        shape = (known.features.shape[1], n_draws, len(query.Q))
        noise = torch.randn(shape, generator=generator, dtype=known.mean.dtype)
        return cls(noise @ _root(query.Q).to(noise.dtype).T)

    def probabilities(self, rows: Beliefs) -> Float[Tensor, "N K C"]:
        """Class probabilities of these images under every draw."""
        n_draws, n_classes = self.on_features.shape[1:]
        moved = rows.features @ self.on_features.flatten(1)
        return torch.softmax(rows.mean[:, None] + moved.view(len(rows), n_draws, n_classes), dim=2)

    def blocks(self, rows: Beliefs) -> Iterator[Float[Tensor, "n K C"]]:
        """`probabilities` of some rows at a time, in order: what fits the cache, however large the pool."""
        size = max(1, _ENTRIES // self.on_features[0].numel())
        for part in torch.split(torch.arange(len(rows)), size):
            yield self.probabilities(rows[part])


def _root(covariance: Float[Tensor, "M M"]) -> Float[Tensor, "M M"]:
    """R with R R^T = covariance, which may be singular."""
    values, vectors = torch.linalg.eigh(covariance.double())
    root: Tensor = (vectors * values.clamp_min(0).sqrt()).to(covariance.dtype)
    return root
