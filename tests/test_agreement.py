import importlib.util
from math import isnan

import numpy as np
import pytest

from alflow import agreement
from alflow.agreement import Pair, Vote
from alflow.errors import UnavailableError
from alflow.settling import majority

HAS_CROWD_KIT = importlib.util.find_spec("crowdkit") is not None


def table(*rows: str) -> list[Vote]:
    """One row an annotator, one column an item; a dot is a missing vote, letters and digits are classes."""
    return [
        Vote(item, annotator, int(cell, 36))
        for annotator, row in enumerate(rows)
        for item, cell in enumerate(row.split())
        if cell != "."
    ]


PUBLISHED = [
    # Krippendorff 2011, A: two observers, two values
    (table("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"), 0.095),
    # B: two observers, five values
    (table("a a b b d c c c e d d a", "b a b b b c c c e d d d"), 0.692),
    # C: four observers, missing votes
    (
        table(
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ),
        0.743,
    ),
]


@pytest.mark.parametrize(("votes", "alpha"), PUBLISHED)
def test_alpha_is_that_of_the_published_examples(votes: list[Vote], alpha: float) -> None:
    found = agreement.krippendorff_alpha(votes)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.low < found.value < found.high


def test_the_interval_is_that_of_resampled_items() -> None:
    """Written out: draw as many items with replacement, and take alpha of the table of their votes."""
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 60)
    said = [np.where(generator.random(60) < 0.8, truth, generator.integers(0, 3, 60)) for _ in range(2)]
    votes = [Vote(item, who, int(said[who][item])) for who in range(2) for item in range(60)]
    resampled = []
    for _ in range(1_500):
        drawn = generator.integers(0, 60, 60)
        resampled.append(_two_observers(*(each[drawn] for each in said)))
    found = agreement.krippendorff_alpha(votes, n_bootstrap=4_000)
    assert found.value == pytest.approx(_two_observers(*said))
    assert (found.low, found.high) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=0.03)


def _two_observers(one: np.ndarray, other: np.ndarray) -> float:
    """Alpha of two observers who miss nothing: 1 - observed disagreement / that of any two of all votes."""
    everything = np.concatenate([one, other])
    pairs = everything[:, None] != everything[None]
    return float(1 - (one != other).mean() / (pairs.sum() / (len(everything) * (len(everything) - 1))))


def test_alpha_of_perfect_votes_is_one_and_of_one_class_or_single_votes_nothing() -> None:
    assert agreement.krippendorff_alpha(table("1 2 3", "1 2 3")).value == 1
    assert isnan(agreement.krippendorff_alpha(table("1 1 1", "1 1 1")).value)
    assert all(isnan(number) for number in agreement.krippendorff_alpha(table("1 2 3")))


def test_alpha_of_votes_thrown_with_dice_is_zero() -> None:
    drawn = np.random.default_rng(0).integers(0, 4, (3, 4_000))
    votes = [Vote(item, who, int(drawn[who, item])) for who in range(3) for item in range(4_000)]
    found = agreement.krippendorff_alpha(votes, n_bootstrap=200)
    assert found.low < 0 < found.high
    assert found.high - found.low < 0.05


def test_pairs_are_counted_on_common_items_only() -> None:
    votes = table("1 2 . 3", "1 3 2 .", ". 3 2 .")
    assert agreement.pairwise_agreement(votes) == {(0, 1): Pair(2, 0.5), (0, 2): Pair(1, 0.0), (1, 2): Pair(2, 1.0)}


def test_an_annotator_is_held_against_the_others() -> None:
    votes = table("1 1 1", "2 1 1", ". 1 2")
    assert agreement.consensus_of_others(votes) == {
        (0, 0): 2, (0, 1): 1, (1, 0): 1, (1, 1): 1, (1, 2): 1, (2, 2): 1
    }  # fmt: skip


def test_the_interval_of_a_share_is_wilsons() -> None:
    """The closed form: (k + z^2 / 2) / (n + z^2), give or take z sqrt(k (n - k) / n + z^2 / 4) / (n + z^2)."""
    k, n, z = 8, 10, 1.959963984540054
    middle, half = (k + z * z / 2) / (n + z * z), z * (k * (n - k) / n + z * z / 4) ** 0.5 / (n + z * z)
    assert agreement.share(k, n) == pytest.approx((0.8, middle - half, middle + half))
    assert agreement.share(3, 3).low < 0.5
    assert all(isnan(number) for number in agreement.share(0, 0))


@pytest.mark.skipif(HAS_CROWD_KIT, reason="crowd-kit is installed")
def test_without_crowd_kit_the_remedy_is_named() -> None:
    with pytest.raises(UnavailableError, match=r"alflow\[consensus\].*majority"):
        agreement.dawid_skene(table("1 2", "1 2"))


@pytest.mark.skipif(not HAS_CROWD_KIT, reason="crowd-kit is not installed")
def test_dawid_skene_trusts_the_reliable_few() -> None:
    """Two who are nearly always right against three who guess: the majority errs where the model does not."""
    generator, accuracies, n, classes = np.random.default_rng(0), [0.95, 0.95, 0.4, 0.4, 0.4], 300, 3
    truth = generator.integers(0, classes, n)
    votes = []
    for who, accuracy in enumerate(accuracies):
        said = np.where(generator.random(n) < accuracy, truth, (truth + generator.integers(1, classes, n)) % classes)
        votes += [Vote(item, who, int(said[item])) for item in range(n)]
    found = agreement.dawid_skene(votes)
    weighed = [max(found.probabilities[item], key=found.probabilities[item].__getitem__) for item in range(n)]
    plain = [majority([vote.choice for vote in votes if vote.item == item]) for item in range(n)]
    assert np.mean(np.array(weighed) == truth) > np.mean(np.array(plain, dtype=float) == truth) + 0.05
    assert [found.accuracy[who] for who in range(5)] == pytest.approx(accuracies, abs=0.08)
    assert agreement.dawid_skene([]).probabilities == {}


def test_nothing_is_known_of_no_votes() -> None:
    assert agreement.pairwise_agreement([]) == agreement.consensus_of_others([]) == {}
    assert isnan(agreement.krippendorff_alpha([]).value)
