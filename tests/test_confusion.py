"""The confusion matrix and what is read from it, against scikit-learn."""

from math import isnan

import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from alflow.confusion import confusion, mistakes, most_confused, per_class
from tests.test_metrics import P, Y

GUESS, SURE = P.argmax(1), P.amax(1)
# Three classes: 0 is once taken for 1 and three times for 2; 1 once for 0; nothing is 2.
TRUTH = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1])
TAKEN = torch.tensor([0, 0, 1, 2, 2, 2, 0, 1])


def test_the_matrix_is_that_of_scikit_learn() -> None:
    assert confusion(Y, GUESS, 5).tolist() == confusion_matrix(Y, GUESS).tolist()
    assert confusion(TRUTH, TAKEN, 3).tolist() == [[2, 1, 3], [1, 1, 0], [0, 0, 0]]
    assert confusion(TRUTH[:0], TAKEN[:0], 3).sum() == 0


def test_mistakes_come_the_most_frequent_first() -> None:
    found = mistakes(confusion(TRUTH, TAKEN, 3))
    assert [(one.truth, one.predicted, one.items) for one in found] == [(0, 2, 3), (1, 0, 1), (0, 1, 1)]
    assert [one.share for one in found] == pytest.approx([3 / 6, 1 / 2, 1 / 6])
    assert mistakes(confusion(TRUTH, TAKEN, 3), limit=1) == found[:1]
    assert mistakes(confusion(TRUTH, TRUTH, 3)) == []


def test_of_many_classes_those_of_the_most_frequent_mistakes_are_shown() -> None:
    counts = confusion(TRUTH, TAKEN, 3)
    assert most_confused(counts, 3) == [0, 1, 2]
    assert most_confused(counts, 2) == [0, 2]
    many = torch.zeros(1000, 1000, dtype=torch.int64)
    many[700, 3], many[5, 900], many[999, 999] = 9, 4, 50
    assert most_confused(many, 4) == [3, 5, 700, 900]
    assert most_confused(many, 5) == [3, 5, 700, 900, 999]


def test_figures_of_a_class_are_those_of_scikit_learn() -> None:
    found = per_class(Y, GUESS, SURE, 5)
    precision, recall, _, support = precision_recall_fscore_support(Y, GUESS)
    assert [each.accuracy for each in found] == pytest.approx(recall.tolist())
    assert [each.precision for each in found] == pytest.approx(precision.tolist())
    assert [each.support for each in found] == support.tolist()
    for each in found:
        right = int(((each.column == Y) & (each.column == GUESS)).sum())
        ends = binomtest(right, each.support).proportion_ci(0.95, method="wilson")
        assert (each.accuracy_low, each.accuracy_high) == pytest.approx((ends.low, ends.high))
        mean = float(SURE[each.column == GUESS].mean())
        ends = binomtest(right, each.predicted).proportion_ci(0.95, method="wilson")
        assert (each.confidence, each.overconfidence) == pytest.approx((mean, mean - each.precision))
        assert (each.overconfidence_low, each.overconfidence_high) == pytest.approx((mean - ends.high, mean - ends.low))


def test_what_is_not_defined_is_no_number() -> None:
    nothing, only_named = (per_class(TRUTH, TAKEN, torch.full((8,), 0.5), 4)[row] for row in (3, 2))
    assert (nothing.support, nothing.predicted, only_named.support, only_named.predicted) == (0, 0, 0, 3)
    assert all(isnan(value) for value in nothing[2:5] + nothing[6:])
    assert isnan(only_named.accuracy)
    assert per_class(TRUTH[:0], TAKEN[:0], torch.zeros(0), 2)[1].support == 0
    assert only_named.overconfidence == 0.5
