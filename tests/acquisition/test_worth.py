"""The worth of labels against exact conditioning of many draws, and expected against realised."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs
from alflow.acquisition.epig import class_term, pair_information
from alflow.acquisition.worth import ANSWERS, INFORMED, gains_of, rated, shifts, thinned, worths
from alflow.bayes.field import class_covariance
from tests.acquisition.conftest import MakeWorld

DRAWS = 100_000


def image(probabilities: Tensor, features: Tensor) -> Beliefs:
    """Beliefs of given predictions and features."""
    n = len(probabilities)
    empty = torch.zeros(n, 2, dtype=torch.float64)
    return Beliefs(probabilities, probabilities.log(), empty, features, empty, torch.ones(n, dtype=torch.float64))


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n_classes", [2, 5, 20])
@pytest.mark.parametrize(("variance", "within"), [(0.1, 0.05), (1.0, 0.2), (8.0, 0.65)])
def test_the_expected_gain_is_the_information_of_exact_conditioning(
    n_classes: int, variance: float, within: float
) -> None:
    """I(y; y*) of joint draws of the logits of two images; a variance of 8 is that before any label.

    Second-order EPIG would be 5 times as much there, or more.
    """
    Q, correlation = class_covariance(normal(n_classes, n_classes, 16)), 0.5
    values, vectors = torch.linalg.eigh(Q)
    root = sqrt(variance) * vectors * values.clamp_min(0).sqrt()
    alone, other, centres = normal(1, DRAWS, n_classes), normal(2, DRAWS, n_classes), normal(3, 2, n_classes)
    along = correlation * alone + sqrt(1 - correlation**2) * other
    drawn, towards = ((c + noise @ root.T).softmax(1) for c, noise in zip(centres, (alone, along), strict=True))
    p, q = drawn.mean(0), towards.mean(0)
    joint = drawn.T @ towards / DRAWS
    exact = float((joint * (joint / (p[:, None] * q)).log()).sum())
    features = torch.tensor([[1.0, 0.0], [correlation, sqrt(1 - correlation**2)]], dtype=torch.float64)
    picked, target = image(p[None], sqrt(variance) * features[:1]), image(q[None], sqrt(variance) * features[1:])
    assert worths(picked, target, Q)[0][0].expected == pytest.approx(exact, rel=within)
    if variance == 8:
        k = picked.features @ target.features.T
        assert float(pair_information(k, class_term(p[None], q[None], Q))) > 5 * exact


def test_of_a_small_covariance_it_is_second_order_epig(make_world: MakeWorld) -> None:
    query = make_world().query
    pool, target = (image(part.probabilities, part.features / 30) for part in (query.pool, query.target))
    found = [one.expected for one in worths(pool, target, query.Q)[0]]
    second = pair_information(
        pool.features @ target.features.T, class_term(pool.probabilities, target.probabilities, query.Q)
    )
    assert found == pytest.approx(second.mean(dim=1).tolist(), rel=0.02)


@pytest.mark.slow
def test_what_labels_are_worth_is_in_the_mean_what_was_expected(make_world: MakeWorld) -> None:
    """Of 500 labels drawn from each prediction: within four standard errors."""
    query = make_world(pool=3).query
    n, generator = 500, torch.Generator().manual_seed(0)
    found, rows = worths(query.pool, query.target, query.Q)
    for row, one in enumerate(found):
        labels = torch.multinomial(query.pool.probabilities[row], n, replacement=True, generator=generator)
        each = gains_of(query.pool[torch.full((n,), row)], query.target[rows], query.Q, labels)
        assert float(each.mean()) == pytest.approx(one.expected, abs=4 * float(each.std()) / sqrt(n) + 1e-9)


def test_the_gain_of_each_answer_is_that_of_the_answer_alone(make_world: MakeWorld) -> None:
    query = make_world(pool=4).query
    found, rows = worths(query.pool, query.target, query.Q)
    for label in range(5):
        alone = gains_of(query.pool, query.target[rows], query.Q, torch.full((4,), label))
        assert [float(one.gains[label]) for one in found] == pytest.approx(alone.tolist())


def test_an_answer_moves_logits_as_the_draws_that_it_makes_likely(make_world: MakeWorld) -> None:
    """E[z | y] - E[z] = v Q g_y: Stein's lemma against draws that are weighted by the probability of the answer."""
    query = make_world(pool=1).query
    values, vectors = torch.linalg.eigh(query.Q)
    noise = query.pool.variance.sqrt() * normal(0, DRAWS, 5) @ (vectors * values.clamp_min(0).sqrt()).T
    centre = query.pool.probabilities.log()
    for _ in range(8):
        centre = centre + query.pool.probabilities.log() - (centre + noise).softmax(1).mean(0).log()
    s = (centre + noise).softmax(1)
    written_out = (s / s.sum(dim=0)).T @ noise
    found = query.pool.variance * next(iter(shifts(query.pool, query.Q, [torch.arange(5)])))
    torch.testing.assert_close(found, written_out, rtol=0.1, atol=0.02 * float(written_out.abs().max()))


def test_what_is_unrelated_is_told_nothing(make_world: MakeWorld) -> None:
    query = make_world(pool=3).query
    apart = torch.cat([query.pool.features, torch.zeros_like(query.pool.features)], dim=1)
    target = torch.cat([torch.zeros_like(query.target.features), query.target.features], dim=1)
    found = worths(image(query.pool.probabilities, apart), image(query.target.probabilities, target), query.Q)[0]
    assert [one.expected for one in found] == pytest.approx([0, 0, 0], abs=1e-12)


def test_the_images_it_tells_most_about_are_named(make_world: MakeWorld) -> None:
    """As the gain about each target alone ranks them; of the pool itself, never the image that is asked about."""
    query = make_world(pool=8).query
    one = worths(query.pool[torch.tensor([0])], query.target, query.Q)[0][0]
    alone = torch.tensor([
        worths(query.pool[torch.tensor([0])], query.target[torch.tensor([row])], query.Q)[0][0].expected
        for row in range(30)
    ])
    best = alone.double().topk(INFORMED)
    assert one.informed.tolist() == best.indices.tolist()
    assert one.nats.tolist() == pytest.approx(best.values.tolist())
    for row, own in enumerate(worths(query.pool, query.pool, query.Q, own=torch.arange(8))[0]):
        assert len(own.informed) == INFORMED
        assert row not in own.informed


def test_an_image_alone_in_the_pool_informs_no_other(make_world: MakeWorld) -> None:
    query = make_world(pool=1).query
    (one,), rows = worths(query.pool, query.pool, query.Q, own=torch.tensor([0]))
    assert (one.informed.tolist(), rows.tolist()) == ([], [0])
    assert one.expected > 0


@pytest.mark.parametrize("sharpness", [0.1, 1.0, 4.0])
def test_of_many_classes_those_that_are_rated_stand_for_all(sharpness: float) -> None:
    p = (sharpness * normal(0, 300)).softmax(0)
    labels, shares = rated(p)
    assert len(labels) <= ANSWERS
    assert len(labels.unique()) == len(labels)
    assert float(shares.sum()) == pytest.approx(1)
    assert ((shares - p[labels]).abs() <= 1 / ANSWERS).all()
    assert int(labels[0]) == int(p.argmax()) or float(p.max()) < 0.5 / ANSWERS


@pytest.mark.slow
def test_few_answers_give_nearly_the_gain_of_all() -> None:
    """Of 150 classes, 64 slices of the prediction against every class, within 5%."""
    Q = class_covariance(normal(0, 150, 32))
    picked, target = (
        image((2 * normal(seed, n, 150)).softmax(1), normal(seed + 1, n, 6)) for seed, n in ((1, 3), (3, 20))
    )
    found, rows = worths(picked, target, Q)
    for row, one in enumerate(found):
        each = gains_of(picked[torch.full((150,), row)], target[rows], Q, torch.arange(150))
        assert one.expected == pytest.approx(float(picked.probabilities[row] @ each), rel=0.05)


@pytest.mark.parametrize(("n_classes", "most"), [(2, 500), (65, 252), (1_000, 32)])
def test_targets_are_thinned_as_classes_grow(n_classes: int, most: int) -> None:
    assert len(thinned(image((normal(0, 1_200, n_classes)).softmax(1), normal(1, 1_200, 2)))) == most
