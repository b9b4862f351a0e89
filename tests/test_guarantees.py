"""Certified acceptance: its p-values against scipy's, and how often it errs in projects that were simulated."""

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
import pytest
from scipy.stats import hypergeom

from alflow.estimates import clopper_pearson
from alflow.guarantees import Evidence, Examined, examine, examine_classes, fallback, needed, p_value

PROJECTS, BOUND, DELTA = 300, 0.05, 0.1
KINDS, WORST = (0, 1, 2, 3), 1
"""How the error of a world depends on the confidence: it rises with doubt; it is just above the bound everywhere; it
falls with doubt; it is below the bound everywhere."""
TOLERATED = DELTA + 2 * sqrt(DELTA * (1 - DELTA) / PROJECTS)


def test_p_values_are_those_of_the_hypergeometric_distribution() -> None:
    k, n, left = np.array([0, 1, 3, 0]), np.array([150, 240, 400, 3]), np.array([1_000_000, 1000, 500, 7])
    excess = np.floor(0.02 * left).astype(int) + 1
    assert p_value(k, n, left, 0.02) == pytest.approx(hypergeom.cdf(k, n + left, k + excess, n))
    taken, wrong = np.array([200, 200]), np.array([1, 50])  # K grows by 1, and by 200 * 11 // 500 = 4 at most
    found = p_value(np.array([2, 2]), np.array([300, 300]), np.array([500, 500]), 0.02, taken, wrong)
    assert found == pytest.approx(hypergeom.cdf([2, 2], 1000, [2 + 11 + 1, 2 + 11 + 4], 300))


def test_in_a_large_pool_it_is_the_test_of_clopper_and_pearson() -> None:
    for k, n in ((0, 148), (0, 149), (2, 311), (2, 313), (5, 520), (5, 524)):
        upper = float(clopper_pearson(k, n, 0.9)[1])  # of a two-sided interval: 5% above
        found = float(p_value(np.array(k), np.array(n), np.array(10**7), 0.02))
        assert (found <= 0.05) == (upper <= 0.02), (k, n, found, upper)


def test_a_level_is_handed_on_by_what_was_rejected_and_lost_by_what_was_not() -> None:
    levels = fallback(np.array([0.01, 0.02, 0.2, 0.01, 0.02]), np.array([0.02, 0.0, 0.0, 0.02, 0.01]))
    assert levels == pytest.approx([0.02, 0.02, 0.02, 0.02, 0.03])


def test_nothing_is_accepted_where_nothing_is_known_or_left() -> None:
    none = np.empty(0)
    for evidence in (
        Evidence(none, none.astype(bool), np.array([0.9])),
        Evidence(np.full(400, 0.9), np.zeros(400, dtype=bool), none),
        Evidence(np.full(400, 0.9), np.ones(400, dtype=bool), np.full(100, 0.9)),
    ):
        assert examine(evidence, BOUND, DELTA).best is None


def test_equally_confident_images_are_accepted_together() -> None:
    tested = examine(Evidence(np.full(400, 0.9), np.zeros(400, dtype=bool), np.full(1000, 0.9)), BOUND, DELTA)
    assert tested.thresholds.tolist() == [0.9]
    assert tested.best == 0
    assert tested.left.tolist() == [1000]


@pytest.mark.slow
@pytest.mark.parametrize("taste", [None, "doubtful", "confident", "random"])
@pytest.mark.parametrize("kinds", [KINDS, (WORST,)])
def test_g16_certificates_err_in_at_most_delta_of_the_projects(kinds: Sequence[int], taste: str | None) -> None:
    """Whatever the model is sure of, and whatever a strategy took out of the pool before."""
    found = [_project(seed, kinds, taste) for seed in range(PROJECTS)]
    assert np.mean([error is not None and error > BOUND for error in found]) <= TOLERATED
    if kinds == KINDS:
        assert np.mean([error is not None for error in found]) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [KINDS, (WORST,)])
def test_g16_holds_for_all_classes_of_a_project_together(kinds: Sequence[int]) -> None:
    projects = [_classes(seed, kinds) for seed in range(PROJECTS)]
    assert np.mean([any(error > BOUND for error in one) for one in projects]) <= TOLERATED
    if kinds == KINDS:
        assert np.mean([len(one) > 1 for one in projects]) > 0.1


def test_so_many_further_labels_bring_a_certificate() -> None:
    generator = np.random.default_rng(3)
    left = generator.random(5000)
    evidence = Evidence(generator.random(40), np.zeros(40, dtype=bool), left)
    assert examine(evidence, 0.02, DELTA).best is None
    wanted = needed(evidence, 0.02, DELTA).least
    assert wanted is not None
    more = generator.permutation(left)[:wanted]
    extended = Evidence(np.concatenate([evidence.slice_confidence, more]), np.zeros(40 + wanted, dtype=bool), left)
    assert examine(extended, 0.02, DELTA).best is not None


def test_no_number_of_labels_helps_a_model_that_is_always_wrong() -> None:
    evidence = Evidence(np.linspace(0, 1, 50), np.ones(50, dtype=bool), np.linspace(0, 1, 900))
    found = needed(evidence, BOUND, DELTA)
    assert found.likely is None
    assert needed(Evidence(np.empty(0), np.empty(0, dtype=bool), np.empty(0)), BOUND, DELTA).least is None


def _project(seed: int, kinds: Sequence[int], taste: str | None) -> float | None:
    """The true error among what is accepted; None where nothing is."""
    generator = np.random.default_rng(seed)
    size = int(generator.choice([400, 1500, 6000]))
    confidence, wrong = _world(generator, size, kinds)
    if taste is None:
        drawn = generator.permutation(size)[: int(generator.choice([80, 150, 300]))]
        mine, gone = _mask(size, drawn), np.zeros(size, dtype=bool)
    else:
        mine, gone = _rounds(generator, confidence, taste)
    left = ~(mine | gone)
    evidence = Evidence(confidence[mine], wrong[mine], confidence[left], confidence[gone], wrong[gone])
    return _error(examine(evidence, BOUND, DELTA), confidence[left], wrong[left])


def _rounds(generator: np.random.Generator, confidence: np.ndarray, taste: str) -> tuple[np.ndarray, np.ndarray]:
    """Images of the slices, and those that the strategy took, after eight rounds."""
    size = len(confidence)
    mine, gone = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    wish: Callable[[], np.ndarray] = {
        "doubtful": lambda: confidence,
        "confident": lambda: -confidence,
        "random": lambda: generator.random(size),
    }[taste]
    for _ in range(8):
        left = np.flatnonzero(~(mine | gone))
        mine[generator.permutation(left)[: size // 40]] = True
        left = np.flatnonzero(~(mine | gone))
        gone[left[np.argsort(wish()[left])[: size // 25]]] = True
    return mine, gone


def _world(generator: np.random.Generator, size: int, kinds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    confidence = generator.random(size)
    rate = [
        0.4 * (1 - confidence) ** generator.uniform(2, 5),
        np.full(size, BOUND * generator.uniform(1.0, 1.1)),
        0.08 * confidence,
        np.full(size, BOUND * generator.uniform(0.1, 0.6)),
    ][generator.choice(kinds)]
    return confidence, generator.random(size) < rate


def _classes(seed: int, kinds: Sequence[int]) -> list[float]:
    """True errors among what is accepted of each class that has a threshold."""
    generator = np.random.default_rng(seed)
    parts = []
    for share in (0.5, 0.25, 0.15, 0.1):
        size = int(10_000 * share)
        confidence, wrong = _world(generator, size, kinds)
        mine = generator.random(size) < 0.15
        parts.append((Evidence(confidence[mine], wrong[mine], confidence[~mine]), wrong[~mine]))
    found = examine_classes([each[0] for each in parts], BOUND, DELTA)
    errors = [_error(tested, parts[place][0].left, parts[place][1]) for place, tested in found.items()]
    return [error for error in errors if error is not None]


def _error(tested: Examined, confidence: np.ndarray, wrong: np.ndarray) -> float | None:
    if tested.best is None:
        return None
    accepted = confidence >= tested.thresholds[tested.best]
    assert accepted.sum() == tested.left[tested.best]
    return float(wrong[accepted].mean())


def _mask(size: int, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
