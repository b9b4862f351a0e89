"""Numerics at the size of CLIP ViT-B/32 (P = 768, D = 512): random inputs, since the times do not depend on values."""

from collections.abc import Iterator

import torch
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import Spectrum
from tests.bench.harness import Row, case, timed

P, D = 768, 512
GENERATOR = torch.Generator().manual_seed(0)


@case
def decomposition() -> Iterator[Row]:
    image = factors(P)
    yield timed("decompose the factors of one tower", lambda: Spectrum.of(image))


def normal(*shape: int) -> Tensor:
    """Standard normal numbers in float32."""
    return torch.randn(shape, generator=GENERATOR)


def factors(width: int) -> Factors:
    """Factors of 10,000 pairs whose spectrum falls, as that of real activations does."""
    scales = torch.linspace(0, -6, width).exp()
    activations, slopes = normal(10_000, width) * scales, normal(10_000, D)
    return Factors((activations.T @ activations).double(), (slopes.T @ slopes).double(), 10_000)
