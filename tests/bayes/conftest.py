"""A small world with every part written out: two layers, their factors, a few rows."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers


def random_factors(P: int, D: int, n: float, generator: torch.Generator) -> Factors:
    """Positive definite sums over n pairs, with a wide spectrum."""
    a, b = (torch.randn(2 * w, w, dtype=torch.float64, generator=generator) for w in (P, D))
    widths = torch.logspace(0, -2, P, dtype=torch.float64)
    return Factors(n * (a * widths).T @ (a * widths), n * b.T @ b / 50, n)


@dataclass(frozen=True)
class World:
    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    images: Activations
    classes: Activations

    @property
    def posteriors(self) -> tuple[KroneckerPosterior, KroneckerPosterior]:
        return self.image_posterior, self.text_posterior


def make_world(form: str = "damped", N: int = 5, C: int = 4, P: int = 6, P_t: int = 5, D: int = 4) -> World:
    g = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=g)

    layers = LastLayers(normal(D, P), normal(D, P_t), scale=8.0, bias=-2.0)
    make = KroneckerPosterior.exact if form == "exact" else KroneckerPosterior.damped
    image, text = make(random_factors(P, D, 40, g), 30.0, 10.0), make(random_factors(P_t, D, 40, g), 20.0, 10.0)
    return World(layers, image, text, Activations(normal(N, P), 0.3 * normal(N, D)), Activations(normal(C, P_t)))


@pytest.fixture(params=["damped", "exact"])
def world(request: pytest.FixtureRequest) -> World:
    return make_world(request.param)


@pytest.fixture
def damped_world() -> World:
    return make_world("damped")
