from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from alflow.acquisition.beliefs import Query, ask
from alflow.bayes.curvature import Factors
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.model import Model
from alflow.embeddings import Activations, LastLayers


@dataclass(frozen=True)
class World:
    """A random model of a size at which every definition can be written out."""

    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    classes: Activations
    pool: Activations
    target: Activations
    labelled: Activations

    @property
    def query(self) -> Query:
        return ask(self.model, self.pool, self.target, self.labelled)

    @property
    def model(self) -> Model:
        return Model(self.layers, self.image_posterior, self.text_posterior, self.classes)

    def draws(self, n_draws: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Class probabilities [N K C] of pool and target under the same draws of both projections.

        Norms are held at the root of their expected square, as ProbCosine holds them.
        """
        query = self.query
        W = self.image_posterior.draws(self.layers.image_weight, n_draws, generator)
        V = self.text_posterior.draws(self.layers.text_weight, n_draws, generator)
        h = torch.einsum("kdp,cp->kcd", V, self.classes.values) / self._norm(self.classes, text=True)[:, None]
        found = []
        for images, known in ((self.pool, query.pool), (self.target, query.target)):
            g = torch.einsum("kdp,np->nkd", W, images.values) / self._norm(images)[:, None, None]
            z = self.layers.scale * torch.einsum("nkd,kcd->nkc", g, h) + self.layers.bias
            assert z.shape == (len(known), n_draws, len(self.classes))
            found.append(z.softmax(dim=2))
        return found[0], found[1]

    def _norm(self, rows: Activations, *, text: bool = False) -> Tensor:
        posterior = self.text_posterior if text else self.image_posterior
        mean = rows.values @ (self.layers.text_weight if text else self.layers.image_weight).T
        spread = posterior.row_variance(rows.values) * posterior.output_covariance.trace()
        return (mean.square().sum(dim=1) + spread).sqrt()


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> MakeWorld:
    def make(
        *, seed: int = 0, pool: int = 40, target: int = 30, labelled: int = 6, classes: int = 5, precision: float = 20.0
    ) -> World:
        generator = torch.Generator().manual_seed(seed)
        D, P, P_t = 6, 8, 7

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        def posterior(width: int) -> KroneckerPosterior:
            rows, outputs = normal(3 * width, width), normal(3 * D, D)
            return KroneckerPosterior.damped(Factors(rows.T @ rows, outputs.T @ outputs, 50), precision, tau=2.0)

        return World(
            layers=LastLayers(normal(D, P), normal(D, P_t), scale=6.0, bias=-2.0),
            image_posterior=posterior(P),
            text_posterior=posterior(P_t),
            classes=Activations(normal(classes, P_t)),
            pool=Activations(normal(pool, P)),
            target=Activations(normal(target, P)),
            labelled=Activations(normal(labelled, P)),
        )

    return make
