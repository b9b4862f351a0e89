"""Metrics against scikit-learn, loops and cases worked by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from torch import Tensor

from alflow import metrics


def predictions(n: int = 300, C: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Probabilities, and labels that follow sharper ones: an under-confident model."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, C, dtype=torch.float64, generator=generator)
    labels = torch.multinomial((2 * z).softmax(1), 1, generator=generator)[:, 0]
    return z.softmax(1), labels


P, Y = predictions()
# Two classes, confidences .9 .8 .6 .6; right, wrong, right, wrong.
SMALL_P = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]], dtype=torch.float64)
SMALL_Y = torch.tensor([0, 0, 0, 0])


def test_accuracies_and_density_are_those_of_scikit_learn() -> None:
    guess = P.argmax(1)
    assert float(metrics.accuracy(P, Y)) == pytest.approx((guess == Y).double().mean().item())
    assert float(metrics.macro_accuracy(P, Y)) == pytest.approx(balanced_accuracy_score(Y, guess))
    assert float(metrics.nlpd(P, Y)) == pytest.approx(log_loss(Y, P.numpy(), labels=range(5)))


def test_macro_accuracy_leaves_out_absent_classes() -> None:
    assert float(metrics.macro_accuracy(SMALL_P, SMALL_Y)) == 0.5


def test_impossible_answers_cost_no_infinity() -> None:
    sure = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert float(metrics.nlpd(sure, torch.tensor([1]))) == pytest.approx(-np.log(1e-12))


def test_brier_by_hand() -> None:
    assert float(metrics.brier(SMALL_P, SMALL_Y)) == pytest.approx((0.02 + 1.28 + 0.32 + 0.72) / 4)


def test_ece_is_the_loop_over_bins() -> None:
    confidence, correct = P.max(1).values, (P.argmax(1) == Y).double()
    expected = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            expected += inside.double().mean() * (correct[inside].mean() - confidence[inside].mean()).abs()
    assert float(metrics.ece(P, Y)) == pytest.approx(float(expected))


def test_adaptive_ece_is_the_loop_over_equal_shares() -> None:
    order = P.max(1).values.argsort(stable=True)
    confidence, correct = P.max(1).values[order].numpy(), (P.argmax(1) == Y).double()[order].numpy()
    shares = zip(np.split(confidence, 15), np.split(correct, 15), strict=True)  # 300 = 15 x 20
    assert float(metrics.adaptive_ece(P, Y)) == pytest.approx(np.mean([abs(a.mean() - c.mean()) for c, a in shares]))


def test_calibrated_predictions_have_little_calibration_error() -> None:
    generator = torch.Generator().manual_seed(0)
    p = torch.randn(20_000, 4, dtype=torch.float64, generator=generator).softmax(1)
    y = torch.multinomial(p, 1, generator=generator)[:, 0]
    assert float(metrics.ece(p, y)) < 0.02
    assert float(metrics.adaptive_ece(p, y)) < 0.02


def test_error_auroc_is_that_of_scikit_learn_with_ties() -> None:
    wrong = P.argmax(1) != Y
    uncertainty = P.max(1).values.neg().mul(10).round()  # many ties
    found = metrics.error_auroc(P, Y, uncertainty=uncertainty)
    assert float(found) == pytest.approx(roc_auc_score(wrong, uncertainty))
    entropy = -(P * P.log()).sum(1)
    assert float(metrics.error_auroc(P, Y)) == pytest.approx(roc_auc_score(wrong, entropy))


def test_aurc_by_hand() -> None:
    """Risks 0, 1/2, then two equally confident items with half an error each: 1.5/3 and 2/4."""
    assert float(metrics.aurc(SMALL_P, SMALL_Y)) == pytest.approx((0 + 1 / 2 + 1.5 / 3 + 2 / 4) / 4)


def test_aurc_does_not_see_the_order_of_items() -> None:
    shuffled = torch.randperm(len(Y), generator=torch.Generator().manual_seed(1))
    coarse = (P * 10).round() / 10
    assert float(metrics.aurc(coarse, Y)) == pytest.approx(float(metrics.aurc(coarse[shuffled], Y[shuffled])))


@pytest.mark.parametrize("name", metrics.METRICS)
def test_a_weight_of_two_is_the_item_twice(name: str) -> None:
    metric = metrics.METRICS[name]
    weights = torch.randint(0, 3, (4, len(Y)), generator=torch.Generator().manual_seed(2))
    found = metric(P, Y, weights.double())
    for value, counts in zip(found, weights, strict=True):
        rows = torch.arange(len(Y)).repeat_interleave(counts)
        # Bins and coverage steps fall on whole items, whose copies a weight keeps together.
        tolerance = {"adaptive_ece": 0.02, "aurc": 2e-3}.get(name, 1e-12)
        assert float(value) == pytest.approx(float(metric(P[rows], Y[rows])), abs=tolerance)


def test_single_precision_gives_the_same_numbers() -> None:
    for name, metric in metrics.METRICS.items():
        assert float(metric(P.float(), Y)) == pytest.approx(float(metric(P, Y)), abs=2e-3), name


def test_score_intervals_are_those_of_scipy() -> None:
    right, total = torch.tensor([0.0, 3.0, 7.0, 250.0]), torch.tensor([1.0, 3.0, 20.0, 1000.0])
    low, high = metrics.wilson(right.double(), total.double())
    for k, n, *ends in zip(right.int().tolist(), total.int().tolist(), low.tolist(), high.tolist(), strict=True):
        found = binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert ends == pytest.approx([found.low, found.high])
    assert metrics.wilson(torch.zeros(1), torch.zeros(1))[0].isnan().all()
