import torch

from alflow.bayes.field import Frame
from alflow.bayes.fit import refit
from alflow.bayes.model import Model
from alflow.embeddings import Activations
from tests.bayes.conftest import World


def test_quick_predictions_are_the_predictions_before_and_after_labels(world: World) -> None:
    frame = Frame.of(world.images)
    model = Model(world.layers, world.image_posterior, world.text_posterior, world.classes, frame)
    lengths = world.images.embed(world.layers.image_weight).norm(dim=1)
    labels = torch.tensor([0, 1, 3])
    support = world.images[torch.arange(3)]
    for one in (model, refit(model, support, labels, torch.Generator().manual_seed(0))):
        assert torch.allclose(one.quick_probabilities(world.images, lengths), one.probabilities(world.images))
        without = Activations(world.images.values)
        bare = without.embed(world.layers.image_weight).norm(dim=1)
        assert torch.allclose(one.quick_probabilities(without, bare), one.probabilities(without))
