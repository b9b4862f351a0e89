"""Reliability and risk against the metrics that sum them up, loops, and scikit-learn."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from torch import Tensor

from alflow import metrics
from alflow.reliability import reliability, risk_coverage
from tests.test_metrics import SMALL_P, SMALL_Y, P, Y


def judged(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return probabilities.amax(1), (probabilities.argmax(1) == labels).to(probabilities.dtype)


def test_bins_are_those_of_scikit_learn() -> None:
    confidence, correct = judged(P, Y)
    share, mean = calibration_curve(correct.numpy(), confidence.numpy(), n_bins=15)
    found = reliability(confidence, correct)
    assert [each.accuracy for each in found] == pytest.approx(share.tolist())
    assert [each.confidence for each in found] == pytest.approx(mean.tolist())
    assert sum(each.items for each in found) == len(Y)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 80), st.integers(2, 9), st.integers(0, 1000))
def test_the_bins_sum_to_the_calibration_error(n: int, n_classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    p = (3 * torch.randn(n, n_classes, dtype=torch.float64, generator=generator)).softmax(1)
    y = torch.randint(n_classes, (n,), generator=generator)
    found = reliability(*judged(p, y))
    gap = sum(each.items * abs(each.accuracy - each.confidence) for each in found) / n
    assert gap == pytest.approx(float(metrics.ece(p, y)))
    for each in found:
        assert each.low < each.confidence <= each.high
        assert 0 <= each.accuracy_low <= each.accuracy <= each.accuracy_high <= 1


def test_confidence_of_single_precision_falls_into_the_same_bins() -> None:
    sure = torch.tensor([0.0, 1 / 15, 0.2, 1.0, 1.0])
    found = reliability(sure, torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0]))
    assert sum(each.items for each in found) == 5
    assert (found[-1].low, found[-1].high, found[-1].items, found[-1].accuracy) == (14 / 15, 1.0, 2, 1.0)


def test_without_items_there_is_nothing() -> None:
    nothing = torch.zeros(0)
    assert reliability(nothing, nothing) == []
    assert risk_coverage(nothing, nothing) == []


def test_risk_by_hand() -> None:
    """Confidences .9 .8 .6 .6; right, wrong, then a right one and a wrong one that come together."""
    found = risk_coverage(*judged(SMALL_P, SMALL_Y))
    assert [(each.coverage, each.risk, each.confidence, each.items) for each in found] == [
        (0.25, 0, 0.9, 1),
        (0.5, 0.5, 0.8, 2),
        (1.0, 0.5, 0.6, 4),
    ]


def test_the_area_below_the_risk_is_the_metric() -> None:
    confidence, correct = judged(P, Y)
    found = risk_coverage(confidence, correct, n_points=len(Y))
    assert len(found) == len(Y)  # no ties
    assert sum(each.risk for each in found) / len(Y) == pytest.approx(float(metrics.aurc(P, Y)))
    assert found[-1].risk == pytest.approx(1 - float(metrics.accuracy(P, Y)))


def test_of_many_steps_those_that_can_be_seen_are_kept() -> None:
    confidence, correct = judged(P, Y)
    every = {each.items: each for each in risk_coverage(confidence, correct, n_points=len(Y))}
    few = risk_coverage(confidence, correct, n_points=20)
    assert len(few) == 20
    assert all(every[each.items] == each for each in few)
    assert few[-1].coverage == 1
    steps = [after.items - before.items for before, after in pairwise(few)]
    assert max(steps) <= 17  # 300 items in 19 steps
