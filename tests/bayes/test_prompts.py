"""Choosing prompts by labels: each gain written out, the right ones found, right ones kept."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from alflow.bayes.fit import folds
from alflow.bayes.model import Model
from alflow.bayes.prompts import RISK, best_prompts, fold_fields, gains_by_class, is_better, with_choice
from alflow.embeddings import Activations
from tests.bayes.test_fit import P_T, C, generator, make_world, normal


def likely(model: Model, images: Activations, seed: int = 0) -> Tensor:
    """Labels drawn from what the model predicts."""
    return torch.multinomial(model.probabilities(images), 1, generator=generator(seed))[:, 0]


def with_rows(model: Model, rows: Tensor) -> Model:
    return replace(model, classes=Activations(rows))


def shuffled(model: Model) -> Model:
    """A candidate that makes of every prompt that of another class."""
    return with_rows(model, model.classes.values.roll(1, dims=0))


def test_gain_of_one_class_is_written_out() -> None:
    every = torch.randn(3, 7, 4, dtype=torch.float64, generator=generator(1))
    labels = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    current = every[torch.tensor([0, 2, 0, 1]), :, torch.arange(4)].T
    found = gains_by_class(current, every, labels)
    rows = torch.arange(7)
    for choice in range(3):
        for column in range(4):
            other = current.clone()
            other[:, column] = every[choice, :, column]
            gain = (other.log_softmax(1) - current.log_softmax(1))[rows, labels].sum()
            assert float(found[choice, column]) == pytest.approx(float(gain), abs=1e-12)


def test_a_class_that_outweighs_all_others_by_far_is_no_trouble() -> None:
    current = torch.tensor([[800.0, 0.0, -5.0]], dtype=torch.float64)
    every = torch.stack([current, torch.tensor([[-9.0, 0.0, -5.0]], dtype=torch.float64)])
    found = gains_by_class(current, every, torch.tensor([1]))
    assert float(found[1, 0]) == pytest.approx(800, abs=0.1)
    assert found.isfinite().all()


def test_the_field_of_an_image_has_not_seen_its_label() -> None:
    model, images, labels = make_world(N=40)
    dealt = folds(labels, generator())
    moved, scale = fold_fields(model, images, labels, dealt)
    other = labels.clone()
    held = dealt == 2
    other[held] = (other[held] + 1) % C
    again, scale_again = fold_fields(model, images, other, dealt)
    assert torch.equal(moved[held], again[held])
    assert torch.equal(scale[held], scale_again[held])
    assert not torch.allclose(moved[~held], again[~held])


def test_one_image_is_predicted_without_any_label() -> None:
    model, images, labels = make_world(N=1)
    moved, _ = fold_fields(model, images, labels, torch.zeros(1, dtype=torch.int64))
    assert not moved.any()


@pytest.mark.slow
def test_the_candidate_that_made_the_labels_replaces_prompts_that_say_something_else() -> None:
    right, images, _ = make_world(N=60, scale=30.0)
    labels = likely(right, images)
    choice = best_prompts([shuffled(right), right], images, labels, generator())
    assert choice.of_class.tolist() == [1] * C
    assert choice.log_densities.shape == (2, 60)
    assert float((choice.log_densities[1] - choice.log_densities[0]).sum()) > 10
    assert best_prompts([right, shuffled(right)], images, labels, generator()).of_class.tolist() == [0] * C


@pytest.mark.slow
def test_one_class_with_a_wrong_prompt_gets_another_and_the_others_keep_theirs() -> None:
    right, images, _ = make_world(N=80, scale=60.0)
    labels = likely(right, images)
    present, candidate = right.classes.values.clone(), right.classes.values.roll(1, dims=0)
    present[2], candidate[2] = -present[2], right.classes.values[2]
    found = best_prompts([with_rows(right, present), with_rows(right, candidate)], images, labels, generator())
    assert found.of_class.tolist() == [0, 0, 1, 0, 0, 0]
    mixed = with_choice([with_rows(right, present), with_rows(right, candidate)], found.of_class)
    assert torch.equal(mixed.classes.values, right.classes.values)


@pytest.mark.slow
def test_without_candidates_or_with_their_like_all_stays() -> None:
    model, images, labels = make_world(N=20)
    assert not best_prompts([model], images, labels, generator()).of_class.any()
    assert not best_prompts([model, model, model], images, labels, generator()).of_class.any()


def test_a_gain_must_be_above_its_scatter_and_above_the_best_of_many() -> None:
    gaps = torch.tensor([1.0, 2.0, 3.0, 2.0], dtype=torch.float64)  # mean 2, standard error 0.408, t 4.9
    assert is_better(gaps, 1)
    assert is_better(gaps, 5)  # t of 3 degrees of freedom at 1%: 4.54
    assert not is_better(gaps, 10)  # at .5%: 5.84
    assert not is_better(-gaps, 1)
    assert not is_better(gaps[:1], 1)
    assert not is_better(torch.zeros(9), 1)


@pytest.mark.slow
def test_right_prompts_are_rarely_replaced() -> None:
    """Labels drawn from the prediction of the present prompts, and three candidates that are good guesses too."""
    model, images, _ = make_world(N=30)
    n_trials, replaced = 10, 0
    for seed in range(n_trials):
        noise = [0.3 * normal(C, P_T, seed=1000 * seed + number) for number in range(3)]
        others = [with_rows(model, model.classes.values + one) for one in noise]
        choice = best_prompts([model, *others], images, likely(model, images, seed), generator(seed))
        replaced += bool(choice.of_class.any())
    most = 2 * RISK
    assert replaced / n_trials <= most + 2 * (most * (1 - most) / n_trials) ** 0.5
