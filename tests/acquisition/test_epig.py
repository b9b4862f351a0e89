from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy.stats import spearmanr

from alflow.acquisition import epig as module
from alflow.acquisition.epig import class_term, epig, epig_from_draws, pairs_from_draws
from alflow.acquisition.scores import bald

INFORMATION = Path(__file__).parent.parent / "data" / "information.safetensors"


def random_draws(seed, n, n_draws, n_classes, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(n, n_draws, n_classes, generator=generator, dtype=torch.float64)).softmax(dim=2)


def test_draws_meet_the_reference():
    reference = load_file(INFORMATION)
    pool, target = reference["pool_probs"], reference["target_probs"]
    torch.testing.assert_close(pairs_from_draws(pool, target), reference["epig_pairs"], rtol=0, atol=1e-9)
    torch.testing.assert_close(epig_from_draws(pool, target), reference["epig"], rtol=0, atol=1e-9)


@given(st.integers(0, 1000), st.floats(0.1, 30))
def test_g10_information_is_bounded(seed, sharpness):
    """Ground truth G10: 0 <= I(y; y*) <= min(BALD(x), BALD(x*), log(1 + chi^2))."""
    pool, target = random_draws(seed, 4, 6, 3, sharpness), random_draws(seed + 1, 5, 6, 4, sharpness)
    information = pairs_from_draws(pool, target)
    joint = torch.einsum("nkc,tkd->ntcd", pool, target) / 6
    product = torch.einsum("nc,td->ntcd", pool.mean(dim=1), target.mean(dim=1))
    chi_square = ((joint - product).square() / product).sum(dim=(2, 3))
    assert (information >= -1e-12).all()
    assert (information <= bald(pool)[:, None] + 1e-12).all()
    assert (information <= bald(target)[None] + 1e-12).all()
    assert (information <= chi_square.log1p() + 1e-12).all()


def test_g10_information_is_symmetric():
    pool, target = random_draws(0, 6, 8, 3), random_draws(1, 5, 8, 4)
    torch.testing.assert_close(pairs_from_draws(pool, target), pairs_from_draws(target, pool).T, rtol=0, atol=1e-12)


def test_g10_target_that_reveals_the_draw_makes_epig_bald():
    pool = random_draws(0, 6, 8, 3)
    reveals = torch.eye(8, dtype=torch.float64)[None]  # [T=1 K=8 C=8]: class k under draw k
    torch.testing.assert_close(epig_from_draws(pool, reveals), bald(pool), rtol=0, atol=1e-12)


def test_g10_draws_of_their_own_leave_bias_only():
    """Without a shared draw index what remains is about (C - 1)(C* - 1) / 2K times a constant, and vanishes."""
    few, many = (epig_from_draws(random_draws(0, 20, K, 3), random_draws(1, 20, K, 3)).mean() for K in (50, 1600))
    assert 16 < few / many < 64  # 32 in expectation


def test_class_term_is_the_written_out_trace():
    generator = torch.Generator().manual_seed(0)
    p, q = random_draws(1, 3, 1, 5)[:, 0], random_draws(2, 4, 1, 5)[:, 0]
    root = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    Q = root @ root.T
    F, F_target = (torch.diag_embed(rows) - rows[:, :, None] * rows[:, None] for rows in (p, q))
    expected = torch.einsum("nab,bc,tcd,da->nt", F, Q, F_target, Q)
    torch.testing.assert_close(class_term(p, q, Q), expected, rtol=0, atol=1e-12)


def test_streamed_epig_is_the_written_out_second_order(make_world, monkeypatch):
    """1/2 tr(F Sigma F* Sigma^T) with the cross-covariance Sigma [C C] of each pair, blocks smaller than the pool."""
    monkeypatch.setattr(module, "_ROWS", 7)
    query = make_world().query
    pool, target = query.pool, query.target
    k = pool.features @ target.features.T
    sigma = k[..., None, None] * query.Q  # [N T C C]
    F, F_target = (
        torch.diag_embed(rows) - rows[:, :, None] * rows[:, None] for rows in (pool.probabilities, target.probabilities)
    )
    pairs = 0.5 * torch.einsum("nab,ntbc,tcd,ntad->nt", F, sigma, F_target, sigma)
    torch.testing.assert_close(epig(query), pairs.mean(dim=1), rtol=1e-12, atol=0)
    assert (pairs >= 0).all()


def test_g11_closed_form_agrees_with_joint_draws(make_world, monkeypatch):
    """Ground truth G11 in a small world: rank correlation with 4,096 joint draws, and size where variance is small."""
    monkeypatch.setattr("alflow.bayes.field.AMPLITUDE", 0.1)
    monkeypatch.setattr("alflow.bayes.field.SCALE_DEVIATION", 1e-3)
    world = make_world(pool=60)
    drawn = epig_from_draws(*world.draws(4096, torch.Generator().manual_seed(3)))
    closed = epig(world.query)
    assert spearmanr(closed, drawn).statistic > 0.97
    assert 0.8 < (closed.sum() / drawn.sum()).item() < 1.25
