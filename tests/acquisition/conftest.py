from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp

import pytest
import torch
from torch import Tensor

from alflow.acquisition.beliefs import Query, ask
from alflow.bayes import field as field_module
from alflow.bayes.curvature import Factors
from alflow.bayes.field import Frame, seen_rows
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
    def frame(self) -> Frame:
        return Frame.of(Activations.concatenate([self.pool, self.target]))

    @property
    def query(self) -> Query:
        return ask(self.model, self.pool, self.target, self.labelled)

    @property
    def model(self) -> Model:
        """Given the labelled images, with some mean of the field."""
        zero_shot = Model(self.layers, self.image_posterior, self.text_posterior, self.classes, self.frame)
        field = zero_shot.field
        weight = 0.3 * torch.randn(field.weight.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
        seen = seen_rows(self.frame.features(self.labelled.values))
        return replace(zero_shot, learnt=replace(field, weight=weight, seen=seen))

    def draws(self, n_draws: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Class probabilities [N K C] of pool and target under the same draws of the field's weights.

        Given the labelled images the weights have the covariance (I - R^T R) AMPLITUDE of features, times Q of classes.
        """
        field, frame = self.model.field, self.model.frame
        left = torch.eye(field.seen.shape[1], dtype=torch.float64) - field.seen.T @ field.seen
        values, vectors = torch.linalg.eigh(self.model.class_covariance)
        of_classes = vectors * values.clamp_min(0).sqrt()
        noise = torch.randn(n_draws, *field.weight.shape, generator=generator, dtype=torch.float64)
        weights = (
            field.weight + field_module.AMPLITUDE**0.5 * torch.linalg.cholesky(left) @ noise @ of_classes.T
        )  # [K U C]
        found = []
        for images in (self.pool, self.target):
            zero_shot = self.model.zero_shot_logits(images) * exp(field.log_scale)
            z = zero_shot[:, None] + torch.einsum("nu,kuc->nkc", frame.features(images.values), weights)
            found.append(z.softmax(dim=2))
        return found[0], found[1]


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
