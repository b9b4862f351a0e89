from math import inf, isnan

import pytest
import torch

from alflow.promises import LEAST, MOST_GROUPS, grouped, kept


def test_the_ratio_and_its_interval_as_written_out() -> None:
    expected, came = torch.tensor([1.0, 2.0, 1.0, 4.0, 2.0]), torch.tensor([2.0, 2.0, 0.0, 5.0, 1.0])
    found = kept(expected, came)
    assert (found.items, found.expected, found.came, found.ratio) == (5, 2.0, 2.0, 1.0)
    half = (
        1.959964
        * (sum((c - e) ** 2 for e, c in zip(expected.tolist(), came.tolist(), strict=True)) * 5 / 4) ** 0.5
        / 10
    )
    assert (found.low, found.high) == pytest.approx((1 - half, 1 + half))


def test_of_labels_drawn_as_predicted_the_interval_holds_one_as_often_as_it_says() -> None:
    """500 projects of 100 labels, gains as skewed as those of labels are: 92 to 98% where 95% are promised."""
    generator = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(500):
        p = (2 * torch.randn(100, 4, generator=generator, dtype=torch.float64)).softmax(dim=1)
        gains = -0.1 * p.log()  # the less probable the answer, the more it tells
        drawn = torch.multinomial(p, 1, generator=generator)
        found = kept((p * gains).sum(dim=1), gains.gather(1, drawn)[:, 0])
        hits += found.low <= 1 <= found.high
    assert 0.92 <= hits / 500 <= 0.98


def test_of_few_labels_nothing_is_claimed() -> None:
    one = torch.tensor([0.5])
    assert kept(one, 2 * one)[3:] == (2.0, 0.0, inf)
    assert all(isnan(each) for each in kept(one[:0], one[:0])[1:])
    assert isnan(kept(0 * one, one).ratio)
    assert grouped(one.expand(LEAST - 1), one.expand(LEAST - 1)) == []


@pytest.mark.parametrize(("n", "wanted"), [(5, 1), (9, 1), (10, 2), (41, 8), (1_000, MOST_GROUPS)])
def test_groups_hold_all_items_in_order(n: int, wanted: int) -> None:
    expected = torch.rand(n, generator=torch.Generator().manual_seed(0))
    groups = grouped(expected, 3 * expected)
    assert len(groups) == wanted
    assert sum(each.items for each in groups) == n
    assert [each.expected for each in groups] == sorted(each.expected for each in groups)
    for each in groups:
        assert each.items >= LEAST
        assert each.came == pytest.approx(3 * each.expected)
        assert 0 <= each.low <= each.came <= each.high
