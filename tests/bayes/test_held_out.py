"""Held-out predictions: by fits that have not seen the label, and as good as those of a plain cross-validation."""

import pytest
import torch

from alflow import doubt, metrics
from alflow.bayes import held_out as module
from alflow.bayes.fit import folds, refit
from alflow.bayes.held_out import held_out_probabilities
from alflow.errors import InvalidInputError
from tests.bayes.test_fit import generator, make_world


@pytest.mark.slow
def test_a_label_does_not_move_the_prediction_of_its_own_image() -> None:
    """With the folds fixed, another label changes the fits of the other folds, and of its own only the weights."""
    model, images, labels = make_world()
    some = images[torch.arange(40)]
    before = held_out_probabilities(model, some, labels[:40], generator())
    after = labels[:40].clone()
    place = 7
    after[place] = (after[place] + 1) % 6
    found = held_out_probabilities(model, some, after, generator())
    seen = refit(model, some, after, generator()).probabilities(some).double()
    assert found[place, after[place]] < 0.5 * seen[place, after[place]]
    assert before[place, labels[place]] > found[place, after[place]]


def test_it_predicts_as_a_fit_to_the_other_folds_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """One width: nothing is left to be weighed, and each fold is `refit` without it."""
    monkeypatch.setattr(module, "WIDTHS", (8.0,))
    monkeypatch.setattr("alflow.bayes.fit.WIDTHS", (8.0,))
    model, images, labels = make_world()
    some, given = images[torch.arange(60)], labels[:60]
    found = held_out_probabilities(model, some, given, generator())
    dealt = folds(given, generator())
    for fold in range(5):
        held = dealt == fold
        expected = refit(model, some[~held], given[~held], generator()).probabilities(some[held])
        torch.testing.assert_close(found[held].float(), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("n", [30, 100])
def test_held_out_predictions_are_honest(n: int) -> None:
    """About as good as those for other images: neither had a part in the fit."""
    model, images, labels = make_world()
    found = held_out_probabilities(model, images[torch.arange(n)], labels[:n], generator())
    assert found.sum(dim=1).tolist() == pytest.approx([1.0] * n)
    fitted = refit(model, images[torch.arange(n)], labels[:n], generator())
    fresh = fitted.probabilities(images[torch.arange(200, 400)])
    assert float(metrics.nlpd(found, labels[:n])) == pytest.approx(float(metrics.nlpd(fresh, labels[200:])), abs=0.35)


@pytest.mark.slow
def test_labels_that_count_for_nothing_teach_nothing() -> None:
    model, images, labels = make_world()
    some, given = images[torch.arange(50)], labels[:50].clone()
    given[::5] = (given[::5] + 1) % 6
    counts = torch.ones(50)
    counts[::5] = 0
    found = held_out_probabilities(model, some, given, generator(), counts)
    plain = held_out_probabilities(model, some, given, generator())
    truth = labels[:50]
    assert metrics.nlpd(found, truth) < metrics.nlpd(plain, truth)


def test_planted_errors_come_first() -> None:
    model, images, labels = make_world()
    given = labels[:120].clone()
    wrong = torch.arange(0, 120, 12)
    given[wrong] = (given[wrong] + 2) % 6
    odds = doubt.log_odds(held_out_probabilities(model, images[torch.arange(120)], given, generator()), given)
    assert torch.isin(odds.argsort()[:10], wrong).sum() >= 8


@pytest.mark.slow
def test_more_labels_than_a_fit_takes_are_a_random_part(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, labels = make_world()
    whole = held_out_probabilities(model, images, labels, generator())
    monkeypatch.setattr(module, "MOST_FITTED", 60)
    part = held_out_probabilities(model, images, labels, generator())
    assert part.isfinite().all()
    assert metrics.accuracy(whole, labels) > metrics.accuracy(part, labels) - 0.02 > 0.5


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_labels_are_enough(n: int) -> None:
    model, images, labels = make_world()
    found = held_out_probabilities(model, images[torch.arange(n)], labels[:n], generator())
    assert found.shape == (n, 6)
    assert found.isfinite().all()
    if n == 1:
        torch.testing.assert_close(found.float(), model.probabilities(images[torch.arange(1)]), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_the_same_labels_give_the_same_predictions_and_none_is_refused() -> None:
    model, images, labels = make_world()
    first, second = (held_out_probabilities(model, images[torch.arange(30)], labels[:30], generator()) for _ in "ab")
    assert first.equal(second)
    with pytest.raises(InvalidInputError, match="0 labels"):
        held_out_probabilities(model, images[torch.arange(0)], labels[:0], generator())
