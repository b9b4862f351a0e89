"""The field against the Gaussian process and the Gaussian over weights that it stands for."""

import pytest
import torch
from torch import Tensor

from alflow.bayes.field import AMPLITUDE, NOISE, OFFSET, Field, Frame, class_covariance, seen_rows
from alflow.embeddings import Activations

N, L, P, C = 7, 5, 6, 4


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def kernel(a: Tensor, b: Tensor, every: Tensor) -> Tensor:
    """k by its definition."""
    centre = every.mean(dim=0)
    variance = (every - centre).square().sum(dim=1).mean()
    return (a - centre) @ (b - centre).T / variance + OFFSET


def given(field: Field, features: Tensor) -> Field:
    return Field(field.weight, field.log_scale, field.deviation, seen_rows(features))


@pytest.mark.parametrize("n_labels", [0, 1, 5, 40])  # fewer and more than features
def test_variance_is_that_of_the_conditioned_gaussian_process(n_labels: int) -> None:
    every = 3 * normal(60, P) + 2
    frame = Frame.of(Activations(every))
    images, labelled = every[:N], every[10 : 10 + n_labels]
    field = given(Field.before_labels(P, C, torch.float64), frame.features(labelled))
    inverse = torch.linalg.inv(kernel(labelled, labelled, every) + NOISE * torch.eye(n_labels, dtype=torch.float64))
    across = kernel(images, labelled, every)
    expected = AMPLITUDE * (kernel(images, images, every) - across @ inverse @ across.T)
    roots = field.roots(frame.features(images))
    torch.testing.assert_close(roots @ roots.T, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(field.variance(frame.features(images)), expected.diagonal(), rtol=1e-9, atol=1e-9)


def test_variance_never_rises_with_a_label_and_is_below_the_noise_where_one_is() -> None:
    frame = Frame.of(Activations(normal(60, P)))
    features, before = frame.features(normal(60, P)), None
    for n_labels in range(0, 30, 3):
        field = given(Field.before_labels(P, C, torch.float64), features[:n_labels])
        after = field.variance(features)
        assert before is None or (after <= before + 1e-12).all()
        assert (after[:n_labels] < AMPLITUDE * NOISE).all()
        before = after


def test_prediction_is_the_mean_over_the_scale() -> None:
    field = Field(normal(P + 1, C), 0.3, 0.5, torch.zeros(0, P + 1, dtype=torch.float64))
    zero_shot, features = normal(N, C, seed=1), normal(N, P + 1, seed=2)
    scales = (0.3 + 0.5 * normal(200_000, seed=3)).exp()
    plain = sum((s * zero_shot + features @ field.weight).softmax(1) for s in scales[:20_000]) / 20_000
    found = field.probabilities(zero_shot, features)
    torch.testing.assert_close(found, plain, rtol=0.02, atol=2e-3)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(N, dtype=torch.float64), rtol=0, atol=1e-12)


def test_g8_prediction_does_not_see_a_constant_in_all_logits() -> None:
    field = Field(normal(P + 1, C), 0.3, 0.5, torch.zeros(0, P + 1, dtype=torch.float64))
    zero_shot, features = normal(N, C, seed=1), normal(N, P + 1, seed=2)
    expected = field.probabilities(zero_shot, features)
    torch.testing.assert_close(field.probabilities(zero_shot + 25, features), expected, rtol=1e-12, atol=1e-12)


def test_prior_says_nothing_but_the_zero_shot_logits() -> None:
    field = Field.before_labels(P, C, torch.float64)
    features = normal(N, P + 1)
    assert torch.equal(field.logits(torch.zeros(N, C).double(), features), torch.zeros(N, C).double())
    torch.testing.assert_close(field.variance(features), AMPLITUDE * features.square().sum(dim=1))


def test_frame_of_parts_is_that_of_all_rows() -> None:
    rows = 5 + normal(50, P)
    whole = Frame.of(Activations(rows))
    parts = Frame.of_parts((Activations(part.half().double()) for part in rows.split(7)), P)
    torch.testing.assert_close(parts.centre, whole.centre, rtol=1e-3, atol=1e-3)
    assert parts.radius == pytest.approx(whole.radius, rel=1e-3)
    own = whole.features(rows)[:, :-1]
    assert float(own.square().sum(dim=1).mean()) == pytest.approx(1)
    torch.testing.assert_close(own.mean(dim=0), torch.zeros(P).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [normal(0, P), normal(1, P), normal(1, P).expand(4, P)])
def test_frame_of_nothing_to_tell_apart_is_the_origin(rows: Tensor) -> None:
    frame = Frame.of(Activations(rows))
    assert frame.radius == 1.0
    assert not frame.centre.any()


def test_class_covariance_moves_no_two_classes_alike_in_all() -> None:
    Q = class_covariance(normal(C, 9))
    assert float(Q.diagonal().mean()) == pytest.approx(1)
    torch.testing.assert_close(Q.sum(dim=0), torch.zeros(C).double(), rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(Q)[0] > -1e-12
    unit = torch.nn.functional.normalize(normal(2, 9))
    near = class_covariance(torch.stack([unit[0], unit[0] + 0.1 * unit[1], unit[1], -unit[0] - unit[1]]))
    assert near[0, 1] > near[0, 2]  # what is learnt of a class goes to those with names like it


def test_many_labels_cost_no_more_rows_than_features() -> None:
    assert seen_rows(normal(L, P + 1)).shape == (L, P + 1)
    assert seen_rows(normal(50, P + 1)).shape == (P + 1, P + 1)
