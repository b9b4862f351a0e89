import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from alflow.acquisition.draws import FieldDraws
from alflow.acquisition.epig import epig, epig_from_draws
from alflow.acquisition.epig_draws import largest, u_centred, u_statistic, upper_bound


def random_draws(n, n_draws, n_classes, seed=0, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(n, n_draws, n_classes, generator=generator, dtype=torch.float64)).softmax(dim=2)


def scaled_gram(draws):
    """[N K K] of p_k / sqrt(pbar)."""
    u = draws / draws.mean(dim=1, keepdim=True).sqrt()
    return u @ u.transpose(1, 2)


def unbiased_hsic(left, right):
    """Song et al. (2012), equation 5, of two [K K] kernels."""
    K = len(left)
    left, right = (gram - torch.diag(gram.diagonal()) for gram in (left, right))
    product = left @ right
    return (product.trace() + left.sum() * right.sum() / ((K - 1) * (K - 2)) - 2 * product.sum() / (K - 2)) / (
        K * (K - 3)
    )


def test_u_statistic_is_half_the_unbiased_hsic_of_every_pair():
    pool, target = random_draws(4, 8, 3), random_draws(5, 8, 4, seed=1)
    expected = [torch.stack([unbiased_hsic(x, t) for t in scaled_gram(target)]).mean() / 2 for x in scaled_gram(pool)]
    torch.testing.assert_close(u_statistic(pool.split(3), target.split(2)), torch.stack(expected), rtol=0, atol=1e-12)


def test_u_centred_rows_sum_to_zero_off_the_diagonal():
    centred = u_centred(scaled_gram(random_draws(1, 9, 3))[0])
    assert (centred.diagonal() == 0).all()
    torch.testing.assert_close(centred.sum(dim=1), torch.zeros(9, dtype=torch.float64), rtol=0, atol=1e-12)


def test_g10_independent_draws_score_zero_without_the_bias():
    """Draws that share no index tell nothing: the plain estimate is all bias, the U-statistic none."""
    pool = torch.cat([random_draws(40, 12, 3, seed=seed) for seed in range(10)])
    target = random_draws(30, 12, 3, seed=99)
    score, plain = u_statistic([pool], [target]), epig_from_draws(pool, target)
    assert score.mean().abs() < 4 * score.std() / 400**0.5
    assert plain.min() > 0
    assert plain.mean() > 10 * score.mean().abs()


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 30))
def test_the_bound_is_never_below_the_joint(seed, sharpness):
    pool, target = random_draws(6, 5, 3, seed, sharpness), random_draws(4, 5, 3, seed + 1, sharpness)
    assert (upper_bound([pool], [target]) >= epig_from_draws(pool, target) - 1e-12).all()


def test_pruning_finds_the_exact_top(make_world):
    query = make_world(pool=400, precision=60.0).query
    draws = FieldDraws.of(query, 32, torch.Generator().manual_seed(0))
    pool, target = draws.probabilities(query.pool), draws.probabilities(query.target)
    everything = epig_from_draws(pool, target)
    looked_at: list[int] = []

    def evaluate(rows):
        looked_at.extend(rows.tolist())
        return epig_from_draws(pool[rows], target)

    rows, values = largest(upper_bound(pool.split(100), [target]), evaluate, 10)
    assert set(rows.tolist()) == set(everything.topk(10).indices.tolist())
    torch.testing.assert_close(values, everything.topk(10).values)
    assert len(looked_at) < 400


def test_u_statistic_ranks_as_the_closed_form(make_world):
    query = make_world(pool=60, precision=200.0).query
    draws = FieldDraws.of(query, 512, torch.Generator().manual_seed(0))
    found = u_statistic(draws.blocks(query.pool), draws.blocks(query.target))
    assert spearmanr(found, epig(query)).statistic > 0.9
