"""G9, G10, G13: the same numbers as other libraries on the same tensors; skipped where they are not installed.

pip install scikit-activeml batchbald-redux baal
"""

import numpy as np
import pytest
import torch

from alflow.acquisition.epig import epig_from_draws
from alflow.acquisition.herding import RADIUS, max_herding
from alflow.acquisition.scores import bald, entropy, least_confidence, margin
from alflow.acquisition.stochastic import batch_bald


@pytest.fixture
def draws():
    """[N K C]"""
    return (2 * torch.randn(20, 6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).softmax(dim=2)


@pytest.fixture
def baal():
    return pytest.importorskip("baal.active.heuristics", reason="baal is not installed", exc_type=ImportError)


def test_g9_bald_is_that_of_baal(draws, baal):
    theirs = baal.BALD().compute_score(draws.transpose(1, 2).numpy())  # [N C K]
    np.testing.assert_allclose(bald(draws), theirs, rtol=0, atol=1e-12)


def test_g10_epig_is_that_of_baal(draws, baal):
    pool, target = draws[:12], draws[12:]
    theirs = baal.EPIG().compute_score(pool.transpose(1, 2).numpy(), target.transpose(1, 2).numpy())
    np.testing.assert_allclose(epig_from_draws(pool, target), theirs, rtol=0, atol=1e-5)  # theirs is in float32


def test_g9_g13_bald_and_batch_bald_are_those_of_batchbald_redux(draws):
    redux = pytest.importorskip("batchbald_redux.batchbald", reason="batchbald-redux is not installed")
    theirs = redux.get_batchbald_batch(draws.log(), 4, num_samples=1000, dtype=torch.double)
    ours = batch_bald(draws, 4, torch.Generator())
    assert ours.rows.tolist() == theirs.indices
    np.testing.assert_allclose(ours.scores.cumsum(0), theirs.scores, rtol=0, atol=1e-10)
    alone = redux.get_bald_batch(draws.log(), 20, dtype=torch.double)
    np.testing.assert_allclose(bald(draws)[alone.indices], alone.scores, rtol=0, atol=1e-12)


def test_g9_scores_are_those_of_scikit_activeml(draws):
    pool = pytest.importorskip("skactiveml.pool", reason="scikit-activeml is not installed")
    probabilities = draws.mean(dim=1)
    for ours, method in ((least_confidence, "least_confident"), (margin, "margin_sampling"), (entropy, "entropy")):
        theirs = pool.uncertainty_scores(probabilities.numpy(), method=method)
        np.testing.assert_allclose(ours(probabilities), theirs, rtol=0, atol=1e-12)


def test_g13_batch_bald_is_that_of_scikit_activeml(draws):
    pool = pytest.importorskip("skactiveml.pool", reason="scikit-activeml is not installed")
    theirs = pool.batch_bald(draws.transpose(0, 1).numpy().copy(), 3, n_MC_samples=3**3, random_state=0)  # [B N]
    ours = batch_bald(draws, 3, torch.Generator())
    assert ours.rows.tolist() == np.nanargmax(theirs, axis=1).tolist()
    np.testing.assert_allclose(bald(draws), theirs[0], rtol=0, atol=1e-5)  # theirs adds 1e-7 to what it takes logs of


@pytest.mark.parametrize("labelled", [0, 4])
def test_max_herding_is_that_of_scikit_activeml(labelled):
    pool = pytest.importorskip("skactiveml.pool", reason="scikit-activeml is not installed")
    points = torch.randn(40, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    answers = np.full(40, np.nan)
    answers[:labelled] = 0
    theirs = pool.MaxHerding(metric_dict={"gamma": 1 / RADIUS**2}, missing_label=np.nan, random_state=0)
    rows, utilities = theirs.query(points.numpy(), answers, batch_size=6, return_utilities=True)
    unit = torch.nn.functional.normalize(points, dim=1)
    ours = max_herding(unit[labelled:], unit[:labelled], 6, torch.Generator())
    assert (ours.rows + labelled).tolist() == rows.tolist()
    np.testing.assert_allclose(ours.all_scores, utilities[0, labelled:], rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.scores, utilities[np.arange(6), rows], rtol=0, atol=1e-12)
