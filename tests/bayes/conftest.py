"""A small world with every part written out: two layers, their factors, a few rows."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers
from tests.bayes.paper import Weights


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

    def weights(self, form: str = "damped") -> tuple[Weights, Weights]:
        """Gaussians over both layers in either form, of the same factors, prior precision and tau."""
        if form == "damped":
            image, text = (Weights.damped(one) for one in self.posteriors)
        else:
            image, text = (Weights.exact(one.spectrum, one.prior_precision, one.tau) for one in self.posteriors)
        return image, text

    @property
    def posteriors(self) -> tuple[KroneckerPosterior, KroneckerPosterior]:
        return self.image_posterior, self.text_posterior


def make_world(N: int = 5, C: int = 4, P: int = 6, P_t: int = 5, D: int = 4) -> World:
    g = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=g)

    layers = LastLayers(normal(D, P), normal(D, P_t), scale=8.0, bias=-2.0)
    image = KroneckerPosterior.damped(random_factors(P, D, 40, g), 30.0, 10.0)
    text = KroneckerPosterior.damped(random_factors(P_t, D, 40, g), 20.0, 10.0)
    return World(layers, image, text, Activations(normal(N, P), 0.3 * normal(N, D)), Activations(normal(C, P_t)))


@pytest.fixture
def world() -> World:
    return make_world()


def row_covariance(posterior: KroneckerPosterior, a: Tensor, b: Tensor) -> Tensor:
    """k(x, x') of every row of a with every row of b."""
    return (a @ posterior.row_root) @ (b @ posterior.row_root).T


def output_covariance(posterior: KroneckerPosterior) -> Tensor:
    """Binv."""
    return (posterior.spectrum.output_basis * posterior.output_spectrum) @ posterior.spectrum.output_basis.T
