"""Unbiased shares of a pool while labels are chosen: coverage of the intervals, and the chances of random picks."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, binomtest

from alflow.acquisition.stochastic import gumbel_top_k
from alflow.errors import InvalidInputError
from alflow.estimates import Draw, clopper_pearson, gumbel_chances, pool_share, slice_size, uniform, wilson

PROJECTS = 500


@pytest.mark.parametrize(("method", "ends"), [("wilson", wilson), ("exact", clopper_pearson)])
def test_intervals_are_those_of_scipy(method: str, ends: object) -> None:
    for k, n in ((0, 12), (3, 12), (12, 12), (40, 300)):
        truth = binomtest(k, n).proportion_ci(0.95, method)  # type: ignore[arg-type]
        found = ends(k / n if method == "wilson" else k, n)  # type: ignore[operator]
        assert tuple(map(float, found)) == pytest.approx((truth.low, truth.high), abs=1e-9)


def test_of_no_images_nothing_is_known() -> None:
    assert tuple(map(float, wilson(0.5, 0))) == (0, 1)
    assert pool_share([]).images == 0
    assert np.isnan(pool_share([Draw(0, 0, 10, np.empty(0), np.empty(0))]).value)


def test_wilsons_coverage_is_nearer_to_what_is_asked_than_the_exact_intervals() -> None:
    """Over slices of 20 to 400 images and shares of 2 to 98%: why it was chosen."""
    shares, covered = np.linspace(0.02, 0.98, 49), {"wilson": [], "exact": []}
    for n in (20, 40, 80, 150, 400):
        k = np.arange(n + 1)
        for name, (low, high) in {"wilson": wilson(k / n, n), "exact": clopper_pearson(k, n)}.items():
            for share in shares:
                covered[name].append(binom.pmf(k[(low <= share) & (share <= high)], n, share).sum())
    means = {name: float(np.mean(each)) for name, each in covered.items()}
    assert abs(means["wilson"] - 0.95) < 0.005
    assert means["exact"] > 0.965


@pytest.mark.slow
@pytest.mark.parametrize("taste", ["confident", "doubtful", "gumbel"])
def test_intervals_cover_in_93_to_97_of_100_projects(taste: str) -> None:
    """Eight rounds in which a strategy takes the best images out of the pool; a mean of all labels would be far off."""
    found = [_project(seed, taste) for seed in range(PROJECTS)]
    covered = np.mean([low <= truth <= high for truth, low, high, _ in found])
    naive = np.mean([low <= truth <= high for truth, _, _, (low, high) in found])
    assert 0.93 <= covered <= 0.97
    assert naive < 0.8


@pytest.mark.slow
def test_picks_that_were_random_narrow_the_interval() -> None:
    weighted = [high - low for _, low, high, _ in (_project(seed, "gumbel") for seed in range(60))]
    alone = [high - low for _, low, high, _ in (_project(seed, "gumbel", use_picks=False) for seed in range(60))]
    assert np.mean(weighted) < 0.9 * np.mean(alone)


@pytest.mark.slow
def test_chances_of_gumbel_picks_are_those_that_they_have() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(60, generator=generator) ** 2
    scores[:5] = 0
    drawn = np.zeros(60)
    for _ in range(4000):
        drawn[gumbel_top_k(scores, 12, generator).rows.numpy()] += 1
    found = gumbel_chances(scores.numpy(), 12)
    assert found.sum() == pytest.approx(12)
    assert found == pytest.approx(drawn / 4000, abs=0.035)
    assert gumbel_chances([0.2, np.nan, 0.0, 3.0], 2).tolist() == [1, 0, 0, 1]


def test_the_advised_slice_gives_the_interval_that_was_wanted() -> None:
    for share in (0.5, 0.9, 1.0):
        size = slice_size(0.03, share)
        low, high = wilson(share, size)
        assert high - low <= 0.06
        low, high = wilson(share, size - 1)
        assert high - low > 0.06
    assert slice_size(0.05) == 381
    for wrong in (0.0, 0.5, -1.0, float("nan")):
        with pytest.raises(InvalidInputError, match="half width"):
            slice_size(wrong)


def _project(seed: int, taste: str, *, use_picks: bool = True) -> tuple[float, float, float, tuple[float, float]]:
    """The truth, the interval, and the interval of the plain mean over everything that was labelled."""
    generator = np.random.default_rng(seed)
    size = 3000
    confidence = generator.random(size)
    y = (generator.random(size) < generator.uniform(0.2, 0.9) + 0.3 * (confidence - 0.5)).astype(float)
    asked, draws = np.zeros(size, dtype=bool), []
    for _ in range(8):
        left = np.flatnonzero(~asked)
        known, n_slice, n_picks = float(y[asked].sum()), 12, 40
        drawn = generator.permutation(left)[:n_slice]
        rest = left[~np.isin(left, drawn)]
        chances = np.full(len(left), uniform(n_slice, len(left)))
        if taste == "gumbel":
            weights = 0.1 + confidence[rest]
            picked = rest[np.argsort(-(np.log(weights) + generator.gumbel(size=len(rest))))[:n_picks]]
            scores = np.zeros(size)
            scores[left] = 0.1 + confidence[left]
            by_picks = gumbel_chances(scores[left], n_picks)
            if use_picks:
                chances = chances + (1 - chances) * by_picks
        else:
            best = confidence[rest] if taste == "confident" else -confidence[rest]
            picked = rest[np.argsort(-best)[:n_picks]]
        of = dict(zip(left.tolist(), chances.tolist(), strict=True))
        used = np.concatenate([drawn, picked]) if taste == "gumbel" and use_picks else drawn
        draws.append(Draw(known, size - len(left), len(left), y[used], np.array([of[one] for one in used.tolist()])))
        asked[np.concatenate([drawn, picked])] = True
    found = pool_share(draws)
    naive = wilson(y[asked].mean(), asked.sum())
    return float(y.mean()), found.low, found.high, (float(naive[0]), float(naive[1]))
