"""Metrics against scikit-learn, loops and cases worked by hand; the bootstrap against its definition."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from torch import Tensor

from alflow import metrics
from alflow.errors import InvalidInputError


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


def test_intervals_hold_the_value_and_shrink_with_the_items() -> None:
    widths = []
    for n in (100, 1600):
        p, y = predictions(n)
        found = metrics.all_metrics(p, y, torch.Generator().manual_seed(0))
        assert set(found) == set(metrics.METRICS)
        value, low, high = found["accuracy"]
        assert low <= value <= high
        standard_error = (value * (1 - value) / n) ** 0.5
        assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.15)
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


@pytest.mark.parametrize(("n", "right"), [(1, 0), (2, 2), (3, 3), (40, 0)])
def test_where_all_answers_are_alike_the_accuracy_is_as_unsure_as_they_are_few(n: int, right: int) -> None:
    """A bootstrap of them would be as sure of two as of two thousand."""
    p, y = torch.tensor([[0.8, 0.2]]).repeat(n, 1), torch.full((n,), int(right == 0))
    exact = binomtest(right, n).proportion_ci(method="exact")
    expected = pytest.approx((right / n, exact.low, exact.high))
    assert metrics.all_metrics(p, y, torch.Generator().manual_seed(0))["accuracy"] == expected
    twice = torch.arange(n).repeat(2)
    grouped = metrics.all_metrics(p.repeat(2, 1), y.repeat(2), torch.Generator().manual_seed(0), groups=twice)
    assert grouped["accuracy"] == expected


def test_a_paired_difference_is_that_of_the_same_resamples() -> None:
    """Written out for the density, which is a mean of single items: the resamples of the difference itself."""
    sharper = P.square() / P.square().sum(1, keepdim=True)
    found = metrics.paired_differences(sharper, P, Y, torch.Generator().manual_seed(0), n_bootstrap=400)
    gaps = (P.gather(1, Y[:, None]).log() - sharper.gather(1, Y[:, None]).log())[:, 0]
    drawn = torch.randint(len(Y), (400, len(Y)), generator=torch.Generator().manual_seed(0))
    tails = torch.tensor([0.025, 0.975], dtype=torch.float64)
    assert found["nlpd"] == pytest.approx((float(gaps.mean()), *gaps[drawn].mean(1).quantile(tails).tolist()))
    assert found["accuracy"] == (0.0, 0.0, 0.0)  # squaring moves no maximum
    alone = metrics.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=400)["brier"]
    assert found["brier"].high - found["brier"].low < 0.8 * (alone.high - alone.low)
    with pytest.raises(InvalidInputError, match="check the predictions for NaN"):
        metrics.paired_differences(sharper, P * torch.nan, Y, torch.Generator())


def test_items_of_one_group_are_resampled_together() -> None:
    """Every item three times is the same bootstrap as every item once; as independent, copies look like evidence."""
    copies, group = torch.arange(len(Y)).repeat(3), 7 - 2 * torch.arange(len(Y)).repeat(3)  # any numbers, any order
    once = metrics.all_metrics(P, Y, torch.Generator().manual_seed(0), 200)
    thrice = metrics.all_metrics(P[copies], Y[copies], torch.Generator().manual_seed(0), 200, groups=group)
    apart = metrics.all_metrics(P[copies], Y[copies], torch.Generator().manual_seed(0), 200)
    gap = metrics.paired_differences(
        P[copies], P.square()[copies], Y[copies], torch.Generator().manual_seed(0), 200, ["nlpd"], group
    )
    for name in ("nlpd", "brier", "accuracy"):
        width, wide, narrow = (found[name].high - found[name].low for found in (once, thrice, apart))
        assert thrice[name].value == pytest.approx(once[name].value)
        assert wide == pytest.approx(width, rel=0.25)  # other draws: groups come in the order of their numbers
        assert narrow < 0.75 * wide
    assert gap["nlpd"].low < gap["nlpd"].value < gap["nlpd"].high


def test_blocks_of_resamples_are_the_same_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = metrics.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=20)
    monkeypatch.setattr(metrics, "_WEIGHTS_AT_ONCE", 7 * len(Y))
    parts = metrics.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=20)
    assert parts["nlpd"].value == whole["nlpd"].value
    assert parts["nlpd"].low == pytest.approx(whole["nlpd"].low)


def test_single_precision_gives_the_same_numbers() -> None:
    for name, metric in metrics.METRICS.items():
        assert float(metric(P.float(), Y)) == pytest.approx(float(metric(P, Y)), abs=2e-3), name


def test_an_undefined_metric_is_left_out() -> None:
    right = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    found = metrics.all_metrics(right, torch.tensor([0, 0]), torch.Generator().manual_seed(0))
    assert "error_auroc" not in found
    assert found["accuracy"] == pytest.approx((1.0, 0.025**0.5, 1.0))
    assert found["brier"] == pytest.approx((0.05, 0.02, 0.08))


def test_what_is_no_prediction_is_refused() -> None:
    generator = torch.Generator()
    with pytest.raises(InvalidInputError, match="0 labels"):
        metrics.all_metrics(P[:0], Y[:0], generator)
    with pytest.raises(InvalidInputError, match="none of the 5 classes"):
        metrics.all_metrics(P, Y + 5, generator)
    with pytest.raises(InvalidInputError, match="check the predictions for NaN"):
        metrics.all_metrics(P.clone().fill_(torch.nan), Y, generator)
