import torch

from alflow.acquisition import beliefs as module
from alflow.acquisition.beliefs import Beliefs, believe
from alflow.embeddings import Activations


def test_features_have_the_variance_of_the_field(make_world):
    world = make_world()
    variance = world.model.field.variance(world.frame.features(world.pool.values))
    torch.testing.assert_close(world.query.pool.variance, variance, rtol=1e-10, atol=0)


def test_probabilities_are_those_of_the_model(make_world):
    world = make_world()
    torch.testing.assert_close(world.query.pool.probabilities, world.model.probabilities(world.pool))


def test_joint_covariance_of_two_images_and_two_classes_is_that_of_the_draws(make_world):
    world = make_world(pool=2, target=2, classes=3)
    query, n_draws = world.query, 40_000
    expected = torch.einsum("nt,cd->ntcd", query.pool.features @ query.target.features.T, query.Q)

    pool, target = (draws.log() for draws in world.draws(n_draws, torch.Generator().manual_seed(1)))
    # A softmax forgets a constant: compare what it keeps, the logits less their mean over the classes.
    centre = torch.eye(3, dtype=torch.float64) - 1 / 3
    means = query.pool.mean, query.target.mean
    pool, target = ((z - mean[:, None]) @ centre for z, mean in zip((pool, target), means, strict=True))
    products = torch.einsum("nkc,tkd->ntcdk", pool, target)
    error = (products.mean(dim=4) - centre @ expected @ centre).abs()
    assert (error < 5 * products.std(dim=4) / n_draws**0.5).all()


def test_chunks_do_not_show(make_world, monkeypatch):
    world = make_world()
    whole = world.query.pool
    monkeypatch.setattr(module, "_ROWS", 7)
    torch.testing.assert_close(vars(world.query.pool), vars(whole), rtol=1e-13, atol=1e-14)


def test_no_rows_are_beliefs_of_no_rows(make_world):
    world = make_world(labelled=0)
    assert len(world.query.labelled) == 0
    assert world.query.labelled.features.shape == (0, 9)


def test_half_precision_activations_are_computed_in_the_dtype_of_the_layers(make_world):
    world = make_world()
    stored = Activations(world.pool.values.half())
    found = believe(world.model, stored)
    assert found.features.dtype == torch.float64
    torch.testing.assert_close(vars(found), vars(believe(world.model, Activations(stored.values.double()))))


def test_rows_and_concatenation_undo_each_other(make_world):
    pool = make_world().query.pool
    parts = [pool[rows] for rows in torch.arange(len(pool)).split(11)]
    torch.testing.assert_close(vars(Beliefs.concatenate(parts)), vars(pool), rtol=0, atol=0)


def test_residuals_move_the_prediction_but_not_the_kernel(make_world):
    world = make_world()
    shifted = believe(world.model, Activations(world.pool.values, torch.full((40, 6), 3.0, dtype=torch.float64)))
    plain = believe(world.model, world.pool)
    assert not torch.allclose(shifted.probabilities, plain.probabilities)
    torch.testing.assert_close(shifted.features, plain.features)
    assert world.query.Q.shape == (5, 5)
