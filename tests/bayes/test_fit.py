"""The fit: its optimum, its choices, and what it does for predictions in a small world with a shifted tower."""

from dataclasses import replace
from math import exp

import pytest
import torch
from torch import Tensor

from alflow import metrics
from alflow.bayes import fit as module
from alflow.bayes import problem
from alflow.bayes.curvature import Factors
from alflow.bayes.field import SCALE_DEVIATION, SCALE_MEAN, Frame
from alflow.bayes.fit import WIDTHS, averaging_weights, refit
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.model import Model
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError

C, D, P, P_T = 6, 8, 12, 10


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def posterior(P: int) -> KroneckerPosterior:
    return KroneckerPosterior.damped(Factors(torch.eye(P).double(), torch.eye(D).double(), 10), 1.0, 1.0)


def make_world(likelihood: str = "softmax", N: int = 400, scale: float = 8.0) -> tuple[Model, Activations, Tensor]:
    """Items scatter around class centres that a true projection maps on the texts; the pretrained one is off."""
    truth, V, psi = normal(D, P, seed=1) / P**0.5, normal(D, P_T, seed=2), normal(C, P_T, seed=3)
    labels = torch.randint(C, (N,), generator=generator(4))
    centres = (torch.linalg.pinv(truth) @ (psi @ V.T).T).T
    values = Activations(centres[labels] + 0.5 * centres.std() * normal(N, P, seed=5))
    off = truth + 1.5 * truth.std() * normal(D, P, seed=6)
    layers = LastLayers(off, V, scale, bias=-4.0 if likelihood == "sigmoid" else 0.0, likelihood=likelihood)
    return Model(layers, posterior(P), posterior(P_T), Activations(psi), Frame.of(values)), values, labels


def after(n: int, likelihood: str = "softmax", **options: float) -> tuple[Model, Model, Tensor, Tensor]:
    """Model before and after n labels, and predictions of the fitted for the others with their labels."""
    model, images, labels = make_world(likelihood, **options)
    fitted = refit(model, images[torch.arange(n)], labels[:n], generator())
    rest = torch.arange(100, len(labels))
    return model, fitted, images[rest], labels[rest]


@pytest.mark.parametrize("n", [5, 40])  # fewer and more items than features
def test_fit_is_the_optimum_of_the_written_out_objective(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In weights: Delta [U C] with a Gaussian prior of covariance width I of features, times Q of classes."""
    monkeypatch.setattr(problem, "_MAX_STEPS", 2_000)
    monkeypatch.setattr(problem, "_TOLERANCE", 1e-14)
    monkeypatch.setattr(module, "WIDTHS", (8.0,))
    model, images, labels = make_world()
    layers = model.layers
    wide = replace(layers, image_weight=layers.image_weight.double(), text_weight=layers.text_weight.double())
    model = replace(model, layers=wide, classes=Activations(model.classes.values.double()))
    support = images[torch.arange(n)]
    field = refit(model, support, labels[:n], generator()).field
    features = model.frame.features(support.values.double())
    zero_shot = model.zero_shot_logits(support)
    inverse = torch.linalg.pinv(model.class_covariance, rtol=1e-10)

    def objective(weight: Tensor, log_scale: Tensor) -> Tensor:
        z = log_scale.exp() * zero_shot + features @ weight
        prior = torch.einsum("uc,cd,ud->", weight, inverse, weight) / 8.0
        away = (log_scale - SCALE_MEAN) / SCALE_DEVIATION
        return torch.nn.functional.cross_entropy(z, labels[:n], reduction="sum") + 0.5 * (prior + away**2)

    def slopes(weight: Tensor, log_scale: float) -> tuple[Tensor, Tensor]:
        at = [weight.clone().requires_grad_(), torch.tensor(log_scale, dtype=torch.float64, requires_grad=True)]
        objective(*at).backward()
        on_weight = at[0].grad - at[0].grad.mean(dim=1, keepdim=True)  # Q moves no class alone
        return on_weight, at[1].grad

    found, start = slopes(field.weight, field.log_scale), slopes(0 * field.weight, SCALE_MEAN)
    assert found[0].norm() < 1e-4 * start[0].norm()
    assert abs(float(found[1])) < 1e-4


def test_a_fit_is_a_mean_of_the_fits_with_each_width(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, labels = make_world()
    few = images[torch.arange(20)], labels[:20]
    each = []
    for width in WIDTHS:
        monkeypatch.setattr(module, "WIDTHS", (width,))
        each.append(refit(model, *few, generator()).field)
    monkeypatch.undo()
    fitted = refit(model, *few, generator()).field
    columns = torch.stack([one.weight.flatten() for one in each], dim=1).double()
    shares = torch.linalg.lstsq(columns, fitted.weight.flatten().double()[:, None]).solution[:, 0]
    assert shares.min() > -1e-3
    assert float(shares.sum()) == pytest.approx(1, abs=1e-3)
    assert fitted.log_scale == pytest.approx(
        float(shares @ torch.tensor([one.log_scale for one in each]).double()), abs=1e-2
    )


@pytest.mark.parametrize("likelihood", ["softmax", "sigmoid"])
@pytest.mark.parametrize("n", [1, 30, 100])
def test_labels_help(likelihood: str, n: int) -> None:
    model, fitted, images, labels = after(n, likelihood)
    before, found = (metrics.nlpd(one.probabilities(images), labels) for one in (model, fitted))
    assert found < before + (0.05 if n == 1 else -0.2)


@pytest.mark.parametrize(("scale", "larger"), [(1.0, True), (60.0, False)])
def test_labels_tell_the_scale(scale: float, *, larger: bool) -> None:
    """A head that is too mild, or far too sure of itself."""
    _, fitted, _, _ = after(100, scale=scale)
    assert (exp(fitted.field.log_scale) > exp(SCALE_MEAN)) == larger
    assert fitted.field.deviation < SCALE_DEVIATION


def test_a_bias_that_all_classes_share_changes_nothing() -> None:
    plain, biased = after(30)[1], after(30, "sigmoid")[1]
    torch.testing.assert_close(plain.field.weight, biased.field.weight)


def test_same_labels_give_the_same_fit_and_a_class_without_labels_is_kept() -> None:
    model, images, labels = make_world()
    some = (labels != 3).nonzero()[:40, 0]
    first, second = (refit(model, images[some], labels[some], generator()) for _ in range(2))
    torch.testing.assert_close(vars(first.field), vars(second.field), rtol=0, atol=0)
    assert first.probabilities(images)[:, 3].max() > 0.1


def test_one_class_only_and_labels_that_contradict_each_other_are_sane() -> None:
    model, images, labels = make_world()
    one = (labels == 2).nonzero()[:10, 0]
    found = refit(model, images[one], labels[one], generator()).probabilities(images)
    assert found.isfinite().all()
    assert found[one].argmax(dim=1).tolist() == [2] * 10
    twice = torch.tensor([0, 0, 1, 1])
    found = refit(model, images[twice], torch.tensor([1, 2, 1, 2]), generator()).probabilities(images[twice])
    assert (found[:, 1:3].sum(dim=1) > 0.5).all()
    assert (found[:, 1:3] > 0.05).all()


def test_weights_of_models_follow_what_they_predict() -> None:
    prior = torch.zeros(2)
    even = averaging_weights(torch.log(torch.tensor([[0.5, 0.5], [0.5, 0.5]])), prior, generator())
    assert even.tolist() == pytest.approx([0.5, 0.5])
    better = averaging_weights(torch.log(torch.tensor([[0.9] * 40, [0.2] * 40])), prior, generator())
    assert better[0] > 0.99
    told_apart_by_one = averaging_weights(torch.log(torch.tensor([[0.5] * 9 + [0.9], [0.5] * 10])), prior, generator())
    assert 0.5 < told_apart_by_one[0] < 0.8


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "0 labels for 4 images"),
        ([0, 1], "2 labels for 4 images"),
        ([0, 1, 2, C], "none of the 6 classes"),
        ([0, 1, 2, -1], "none of the 6 classes"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels: list[int], message: str) -> None:
    model, images, _ = make_world()
    with pytest.raises(InvalidInputError, match=message):
        refit(model, images[torch.arange(4)], torch.tensor(labels, dtype=torch.int64), generator())


def test_activations_that_are_not_finite_are_refused() -> None:
    model, images, labels = make_world()
    spoilt = images.values[:4].clone()
    spoilt[1, 2] = torch.nan
    with pytest.raises(InvalidInputError, match="not finite"):
        refit(model, Activations(spoilt), labels[:4], generator())
