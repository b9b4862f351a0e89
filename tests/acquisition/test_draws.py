import torch

from alflow.acquisition import draws as module
from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.draws import FieldDraws


def test_covariance_of_two_images_and_two_classes_is_that_of_the_beliefs(make_world):
    query, n_draws = make_world(pool=3, target=2, classes=3).query, 30_000
    both = Beliefs.concatenate([query.pool, query.target])
    k = both.features @ both.features.T
    expected = torch.einsum("nt,cd->ntcd", k, query.Q)
    draws = FieldDraws.of(query, n_draws, torch.Generator().manual_seed(0))
    z = draws.probabilities(both).log() - both.mean[:, None]
    centre = torch.eye(3, dtype=torch.float64) - 1 / 3  # a softmax forgets a constant
    z = (z - z.mean(dim=1, keepdim=True)) @ centre
    products = torch.einsum("nkc,tkd->ntcdk", z, z)
    error = (products.mean(dim=4) - centre @ expected @ centre).abs()
    assert (error < 5 * products.std(dim=4) / n_draws**0.5 + 1e-12).all()


def test_every_image_sees_the_same_draws_and_blocks_do_not_show(make_world, monkeypatch):
    query = make_world().query
    draws = FieldDraws.of(query, 11, torch.Generator().manual_seed(0))
    whole = draws.probabilities(query.pool)
    torch.testing.assert_close(draws.probabilities(query.pool[torch.tensor([7, 3])]), whole[[7, 3]])
    monkeypatch.setattr(module, "_ENTRIES", 3 * 11 * 5)
    blocks = list(draws.blocks(query.pool))
    assert [len(block) for block in blocks] == [3] * 13 + [1]
    torch.testing.assert_close(torch.cat(blocks), whole)
