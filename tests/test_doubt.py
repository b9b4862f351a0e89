"""Scores of doubtful labels: cleanlab's numbers on the same probabilities, bounds, and planted errors."""

import pytest
import torch
from torch import Tensor

from alflow import doubt

# Golden numbers of cleanlab 2.9.0 (AGPL, so neither the product nor its tests need it), made once by
#   get_self_confidence_for_each_label(Y, P), get_normalized_margin_for_each_label(Y, P) of cleanlab.rank,
#   compute_confident_joint(Y, P, calibrate=False) of cleanlab.count
P = torch.tensor(
    [
        [325, 501, 79, 95],
        [55, 62, 863, 20],
        [22, 670, 151, 157],
        [12, 171, 59, 758],
        [703, 55, 117, 125],
        [13, 805, 57, 125],
        [12, 68, 858, 62],
        [97, 71, 111, 721],
        [639, 51, 148, 162],
        [14, 8, 79, 899],
        [704, 158, 13, 125],
        [630, 93, 135, 142],
    ],
    dtype=torch.float64,
)
P = P / 1000
Y = torch.tensor([1, 2, 1, 3, 1, 1, 2, 3, 1, 3, 0, 0])
SELF_CONFIDENCE = [0.501, 0.863, 0.67, 0.758, 0.055, 0.805, 0.858, 0.721, 0.051, 0.899, 0.704, 0.63]
MARGIN = [0.588, 0.9005, 0.7565, 0.7935, 0.176, 0.84, 0.895, 0.805, 0.206, 0.91, 0.773, 0.744]
JOINT = [[1, 0, 0, 0], [1, 3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_the_definitions_are_those_of_cleanlab() -> None:
    assert doubt.self_confidence(P, Y).tolist() == pytest.approx(SELF_CONFIDENCE, abs=1e-12)
    assert doubt.normalized_margin(P, Y).tolist() == pytest.approx(MARGIN, abs=1e-12)
    assert doubt.confident_joint(P, Y).tolist() == JOINT
    assert doubt.misplaced(P, Y).nonzero()[:, 0].tolist() == [4]


@pytest.mark.parametrize(("n", "n_classes", "seed"), [(40, 3, 0), (300, 7, 1), (25, 10, 2), (12, 2, 3), (500, 40, 4)])
def test_they_are_cleanlabs_where_it_is_installed(n: int, n_classes: int, seed: int) -> None:
    rank = pytest.importorskip("cleanlab.rank", reason="cleanlab is not installed (AGPL: no dependency of ours)")
    count = pytest.importorskip("cleanlab.count")
    p, y, _ = world(n, n_classes, seed)
    found = rank.get_self_confidence_for_each_label(y.numpy(), p.numpy())
    assert doubt.self_confidence(p, y).tolist() == pytest.approx(found.tolist(), abs=1e-12)
    found = rank.get_normalized_margin_for_each_label(y.numpy(), p.numpy())
    assert doubt.normalized_margin(p, y).tolist() == pytest.approx(found.tolist(), abs=1e-12)
    found = count.compute_confident_joint(y.numpy(), p.numpy(), calibrate=False)
    assert doubt.confident_joint(p, y).tolist() == found.tolist()


def test_log_odds_are_negative_where_another_class_is_held() -> None:
    p, y, _ = world(200, 6, 0)
    odds = doubt.log_odds(p, y)
    assert ((odds < 0) == (p.argmax(dim=1) != y)).all()
    by_hand = [
        float(torch.log(row[at] / max(row[k] for k in range(6) if k != at))) for row, at in zip(p, y, strict=True)
    ]
    assert odds.tolist() == pytest.approx(by_hand, abs=1e-12)
    sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert doubt.log_odds(sure, torch.tensor([0, 1])).isfinite().all()


def test_planted_errors_are_doubted_most_and_their_share_is_found() -> None:
    p, y, wrong = world(2_000, 5, 7, strength=12.0, share=0.1)
    for score in (doubt.self_confidence, doubt.normalized_margin, doubt.log_odds):
        assert wrong[score(p, y).argsort()[: int(wrong.sum())]].double().mean() > 0.8
    share = doubt.noise(p, y)
    assert share == pytest.approx(float(wrong.double().mean()), abs=0.03)
    assert int(doubt.misplaced(p, y).sum()) == pytest.approx(int(wrong.sum()), rel=0.25)
    right = doubt.right_share(p, y, share)
    assert right.min() >= 0
    assert right.max() <= 1
    assert float((1 - right).sum()) == pytest.approx(share * len(y), rel=1e-2)
    assert right[~wrong].mean() > 0.95
    assert right[wrong].mean() < 0.3


def test_one_label_and_classes_without_labels_are_sane() -> None:
    p, y = torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64), torch.tensor([1])
    assert doubt.confident_joint(p, y).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert 0 < doubt.noise(p, y) <= 0.5
    none = p[:0], y[:0]
    assert doubt.confident_joint(*none).tolist() == torch.eye(3).int().tolist()
    assert doubt.log_odds(*none).tolist() == []


def world(
    n: int, n_classes: int, seed: int, strength: float = 2.0, share: float = 0.2
) -> tuple[Tensor, Tensor, Tensor]:
    """Calibrated predictions, labels of which a share is replaced, and which."""
    generator = torch.Generator().manual_seed(seed)
    p = (strength * torch.randn(n, n_classes, generator=generator, dtype=torch.float64)).softmax(dim=1)
    truth = torch.multinomial(p, 1, generator=generator)[:, 0]
    wrong = torch.rand(n, generator=generator) < share
    other = (truth + torch.randint(1, n_classes, (n,), generator=generator)) % n_classes
    return p, torch.where(wrong, other, truth), wrong
