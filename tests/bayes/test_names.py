"""Uncertain class names against draws of the text projection."""

import torch

from alflow.bayes.field import Frame
from alflow.bayes.model import Model
from alflow.bayes.names import name_deviations
from alflow.embeddings import Activations
from tests.bayes.conftest import World


def test_name_of_a_class_adds_its_own_deviation(world: World) -> None:
    """The deviation of the logit where only the text projection is drawn."""
    n_draws = 40_000
    model = Model(world.layers, *world.posteriors, world.classes, Frame.of(world.images))
    embeddings = model.images(world.images).direction
    V = world.weights()[1].draws(world.layers.text_weight, n_draws, torch.Generator().manual_seed(0))
    z = world.layers.scale * embeddings @ (V @ world.classes.values.T) / model.texts.expected_norm  # [K N C]
    expected = z.var(dim=0).mean(dim=0).sqrt()
    torch.testing.assert_close(name_deviations(model, embeddings), expected, rtol=0.02, atol=0)
    none = name_deviations(model, embeddings[:0])
    assert torch.equal(none, torch.zeros(len(none), dtype=none.dtype))
    assert isinstance(world.classes, Activations)
