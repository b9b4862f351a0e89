import pytest
import torch
from torch.nn.functional import normalize

from alflow.acquisition.fisher import OVERSAMPLING, bait, root_information


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def trace(pool, labelled, rows, budget):
    """tr(M^-1 F), written out with dense matrices."""
    share = budget / (len(labelled) + budget)
    M = torch.eye(pool.shape[1]).double() + share * pool[rows].T @ pool[rows]
    if len(labelled):
        M = M + (1 - share) * labelled.T @ labelled / len(labelled)
    whole = torch.cat([pool, labelled])
    return float(torch.linalg.solve(M, whole.T @ whole / len(whole)).trace())


def by_definition(pool, labelled, budget):
    rows = []
    while len(rows) < min(OVERSAMPLING * budget, len(pool)):
        left = [row for row in range(len(pool)) if row not in rows]
        rows.append(min(left, key=lambda row: trace(pool, labelled, [*rows, row], budget)))
    while len(rows) > budget:
        rows.remove(min(rows, key=lambda out: trace(pool, labelled, [row for row in rows if row != out], budget)))
    return rows


@pytest.mark.parametrize(("labelled", "size"), [(0, 25), (1, 25), (6, 25), (6, 7)])
def test_bait_is_forward_greedy_and_backward_pruning_by_definition(labelled, size):
    pool, known = 2 * normal(size, 6), 2 * normal(labelled, 6, seed=1)
    found = bait(pool, known, 5)
    assert found.rows.tolist() == by_definition(pool, known, 5)
    none = trace(pool, known, [], 5)
    torch.testing.assert_close(
        found.all_scores, torch.tensor([none - trace(pool, known, [row], 5) for row in range(size)]).double()
    )


def test_the_information_of_two_classes_is_the_full_one():
    """In the difference of the two weights, along which alone a softmax of two logits moves."""
    points, logit = normalize(normal(1, 4), dim=1), torch.tensor(0.7).double()
    p = torch.sigmoid(logit)
    root = root_information(torch.stack([p, 1 - p])[None], points)

    def log_probability(weight):
        return torch.nn.functional.logsigmoid(points[0] @ weight + logit - points[0] @ base)

    base = normal(4, seed=2)
    expected = -torch.autograd.functional.hessian(log_probability, base)  # does not depend on the label
    torch.testing.assert_close(root.T @ root, 4 * expected)


def test_certain_and_single_rows_are_no_trouble():
    sure = torch.zeros(5, 3, dtype=torch.float64)
    assert bait(sure, sure[:0], 3).rows.tolist() == [0, 1, 2]
    assert bait(normal(1, 3), sure, 4).rows.tolist() == [0]
