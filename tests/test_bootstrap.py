"""Intervals of metrics: the bootstrap against its definition."""

import pytest
import torch
from scipy.stats import binomtest

from alflow import bootstrap
from alflow.errors import InvalidInputError
from alflow.metrics import METRICS
from tests.test_metrics import P, Y, predictions


def test_intervals_hold_the_value_and_shrink_with_the_items() -> None:
    widths = []
    for n in (100, 1600):
        p, y = predictions(n)
        found = bootstrap.all_metrics(p, y, torch.Generator().manual_seed(0))
        assert set(found) == set(METRICS)
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
    assert bootstrap.all_metrics(p, y, torch.Generator().manual_seed(0))["accuracy"] == expected
    twice = torch.arange(n).repeat(2)
    grouped = bootstrap.all_metrics(p.repeat(2, 1), y.repeat(2), torch.Generator().manual_seed(0), groups=twice)
    assert grouped["accuracy"] == expected


def test_a_paired_difference_is_that_of_the_same_resamples() -> None:
    """Written out for the density, which is a mean of single items: the resamples of the difference itself."""
    sharper = P.square() / P.square().sum(1, keepdim=True)
    found = bootstrap.paired_differences(sharper, P, Y, torch.Generator().manual_seed(0), n_bootstrap=400)
    gaps = (P.gather(1, Y[:, None]).log() - sharper.gather(1, Y[:, None]).log())[:, 0]
    drawn = torch.randint(len(Y), (400, len(Y)), generator=torch.Generator().manual_seed(0))
    tails = torch.tensor([0.025, 0.975], dtype=torch.float64)
    assert found["nlpd"] == pytest.approx((float(gaps.mean()), *gaps[drawn].mean(1).quantile(tails).tolist()))
    assert found["accuracy"] == (0.0, 0.0, 0.0)  # squaring moves no maximum
    alone = bootstrap.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=400)["brier"]
    assert found["brier"].high - found["brier"].low < 0.8 * (alone.high - alone.low)
    with pytest.raises(InvalidInputError, match="check the predictions for NaN"):
        bootstrap.paired_differences(sharper, P * torch.nan, Y, torch.Generator())


def test_items_of_one_group_are_resampled_together() -> None:
    """Every item three times is the same bootstrap as every item once; as independent, copies look like evidence."""
    copies, group = torch.arange(len(Y)).repeat(3), 7 - 2 * torch.arange(len(Y)).repeat(3)  # any numbers, any order
    once = bootstrap.all_metrics(P, Y, torch.Generator().manual_seed(0), 200)
    thrice = bootstrap.all_metrics(P[copies], Y[copies], torch.Generator().manual_seed(0), 200, groups=group)
    apart = bootstrap.all_metrics(P[copies], Y[copies], torch.Generator().manual_seed(0), 200)
    gap = bootstrap.paired_differences(
        P[copies], P.square()[copies], Y[copies], torch.Generator().manual_seed(0), 200, ["nlpd"], group
    )
    for name in ("nlpd", "brier", "accuracy"):
        width, wide, narrow = (found[name].high - found[name].low for found in (once, thrice, apart))
        assert thrice[name].value == pytest.approx(once[name].value)
        assert wide == pytest.approx(width, rel=0.25)  # other draws: groups come in the order of their numbers
        assert narrow < 0.75 * wide
    assert gap["nlpd"].low < gap["nlpd"].value < gap["nlpd"].high


def test_blocks_of_resamples_are_the_same_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bootstrap.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=20)
    monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", 7 * len(Y))
    parts = bootstrap.all_metrics(P, Y, torch.Generator().manual_seed(0), n_bootstrap=20)
    assert parts["nlpd"].value == whole["nlpd"].value
    assert parts["nlpd"].low == pytest.approx(whole["nlpd"].low)


def test_an_undefined_metric_is_left_out() -> None:
    right = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    found = bootstrap.all_metrics(right, torch.tensor([0, 0]), torch.Generator().manual_seed(0))
    assert "error_auroc" not in found
    assert found["accuracy"] == pytest.approx((1.0, 0.025**0.5, 1.0))
    assert found["brier"] == pytest.approx((0.05, 0.02, 0.08))


def test_what_is_no_prediction_is_refused() -> None:
    generator = torch.Generator()
    with pytest.raises(InvalidInputError, match="0 labels"):
        bootstrap.all_metrics(P[:0], Y[:0], generator)
    with pytest.raises(InvalidInputError, match="none of the 5 classes"):
        bootstrap.all_metrics(P, Y + 5, generator)
    with pytest.raises(InvalidInputError, match="check the predictions for NaN"):
        bootstrap.all_metrics(P.clone().fill_(torch.nan), Y, generator)
