"""The MAP fit: its optimum, its choices, and what it does for predictions in a small world with a shifted tower."""

import os
from dataclasses import replace
from math import log
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from alflow import metrics
from alflow.bayes.curvature import estimate_factors
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import logit_moments
from alflow.bayes.model import Model
from alflow.bayes.probabilities import probit
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.vlm.projection import PRIORS, SPREADS, Prior, Projection, averaging_weights, fit_projection
from alflow.vlm.whitened import Problem

C, D, P, P_T = 6, 8, 12, 10


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed))


def posterior(factors, weight: Tensor) -> KroneckerPosterior:
    precision = best_prior_precision(factors, float(weight.square().sum()), tau=10.0)
    return KroneckerPosterior.damped(factors, precision, 10.0)


def pretrain(layers: LastLayers, images: Activations, texts: Activations, classes: Activations) -> Model:
    image, text = estimate_factors(layers, images, texts, batch=len(images))
    return Model(layers, posterior(image, layers.image_weight), posterior(text, layers.text_weight), classes)


def make_world(likelihood: str = "softmax", N: int = 400) -> tuple[Model, Activations, Tensor]:
    """Items scatter around class centres that a true projection maps on the texts; the pretrained one is off."""
    truth, V, psi = normal(D, P, seed=1) / P**0.5, normal(D, P_T, seed=2), normal(C, P_T, seed=3)
    labels = torch.randint(C, (N,), generator=generator(4))
    centres = (torch.linalg.pinv(truth) @ (psi @ V.T).T).T
    values = centres[labels] + 0.5 * centres.std() * normal(N, P, seed=5)
    off = truth + 1.5 * truth.std() * normal(D, P, seed=6)
    layers = LastLayers(off, V, scale=8.0, bias=-4.0 if likelihood == "sigmoid" else 0.0, likelihood=likelihood)
    pretrained = pretrain(layers, Activations(values[:100]), Activations(psi[labels[:100]]), Activations(psi))
    return pretrained, Activations(values), labels


def predict(pretrained: Model, images: Activations, fitted: Projection | None = None) -> Tensor:
    layers = fitted.layers(pretrained.layers) if fitted else pretrained.layers
    spread = fitted.spread if fitted else 1.0
    on_image, on_text = (p.tempered(spread) for p in (pretrained.image_posterior, pretrained.text_posterior))
    image = gaussian_embeddings(images, layers.image_weight, on_image)
    text = gaussian_embeddings(pretrained.classes, layers.text_weight, on_text)
    return probit(logit_moments(image, text, on_image, on_text, layers))


def negative_log_posterior(
    weight: Tensor,
    log_scale: Tensor,
    bias: Tensor,
    pretrained: Model,
    items: Activations,
    labels: Tensor,
    posterior: KroneckerPosterior,
) -> Tensor:
    """The objective in ordinary coordinates, written out."""
    layers = pretrained.layers
    g = items.values @ weight.T
    h = pretrained.classes.values @ layers.text_weight.T
    z = log_scale.exp() * torch.nn.functional.cosine_similarity(g[:, None], h[None], dim=2) + bias
    if layers.likelihood == "softmax":
        misfit = torch.nn.functional.cross_entropy(z, labels, reduction="sum")
    else:
        one_hot = torch.nn.functional.one_hot(labels, len(h)).to(z.dtype)
        misfit = torch.nn.functional.binary_cross_entropy_with_logits(z, one_hot, reduction="sum")
    change = weight - layers.image_weight
    prior = (change * posterior.times_precision(change)).sum()
    prior = prior + ((log_scale - log(layers.scale)) / 0.7) ** 2 + ((bias - layers.bias) / 2) ** 2
    return misfit + 0.5 * prior


@pytest.mark.parametrize("likelihood", ["softmax", "sigmoid"])
@pytest.mark.parametrize("n", [5, 40])  # fewer and more items than activations are wide
@pytest.mark.parametrize("power", [1.0, 0.01, 0.0])
def test_fit_is_the_optimum_of_the_written_out_objective(likelihood: str, n: int, power: float, monkeypatch) -> None:
    monkeypatch.setattr("alflow.vlm.whitened._MAX_STEPS", 500)
    monkeypatch.setattr("alflow.vlm.whitened._TOLERANCE", 1e-12)
    pretrained, items, labels = make_world(likelihood)
    layers = pretrained.layers
    exact = replace(
        pretrained,
        layers=replace(layers, image_weight=layers.image_weight.double(), text_weight=layers.text_weight.double()),
        classes=Activations(pretrained.classes.values.double()),
    )
    support = Activations(items.values[:n].double())
    fitted = fit_projection(support, labels[:n], exact, generator(), [Prior(power, 3.0)])
    texts = exact.classes.embed(exact.layers.text_weight)
    prior = exact.image_posterior.discounted(power)
    prior = prior.tempered((3.0 / Problem.of(support, labels[:n], texts, exact.layers, prior).reach) ** 2)
    at = [fitted.weight, torch.tensor(fitted.log_scale).double(), torch.tensor(fitted.bias).double()]
    at = [value.clone().requires_grad_() for value in at]
    negative_log_posterior(*at, exact, support, labels[:n], prior).backward()
    start = [
        exact.layers.image_weight.clone().requires_grad_(),
        torch.tensor(log(8.0)).double(),
        torch.tensor(layers.bias),
    ]
    negative_log_posterior(*start, exact, support, labels[:n], prior).backward()
    assert at[0].grad.norm() < 1e-4 * start[0].grad.norm()
    assert abs(float(at[1].grad)) < 1e-3
    assert abs(float(at[2].grad)) < 1e-3


def test_a_fit_is_a_mean_of_the_fits_with_each_prior() -> None:
    pretrained, items, labels = make_world("sigmoid")
    few = items[torch.arange(20)], labels[:20], pretrained
    each = [fit_projection(*few, generator(), [prior]) for prior in PRIORS]
    fitted = fit_projection(*few, generator())
    shares = torch.linalg.lstsq(
        torch.stack([one.weight.flatten() for one in each], dim=1).double(), fitted.weight.flatten().double()[:, None]
    ).solution[:, 0]
    assert shares.min() > -1e-3
    assert float(shares.sum()) == pytest.approx(1, abs=1e-3)
    # The directions of the embeddings are averaged: a fit's share of the weights falls as its embeddings get longer.
    weights = shares * torch.stack([few[0].embed(one.weight).norm(dim=1).mean() for one in each])
    weights /= weights.sum()
    heads = torch.tensor([[one.log_scale, one.bias] for one in each]).double()
    assert [fitted.log_scale, fitted.bias] == pytest.approx((weights @ heads).tolist(), abs=1e-2)


def test_labels_may_move_what_pretraining_took_to_be_settled() -> None:
    """What varied most in pretraining tells the classes of these images apart; its weights were near certain."""
    pretrained, items, labels = make_world()
    along = torch.nn.functional.normalize(normal(P, seed=7), dim=0)
    layers = pretrained.layers
    blind = replace(layers, image_weight=layers.image_weight - torch.outer(layers.image_weight @ along, along))
    nuisance = Activations(items.values[:100] + 30 * torch.outer(normal(100, seed=8), along))
    texts = Activations(pretrained.classes.values[labels[:100]])
    pretrained = pretrain(blind, nuisance, texts, pretrained.classes)
    signs = torch.tensor([1.0, -1.0])[labels % 2]
    images = Activations(items.values - torch.outer(items.values @ along, along) + 3 * torch.outer(signs, along))
    support, test = torch.arange(40), torch.arange(200, 400)
    accuracy = {}
    for powers in ({1.0}, {0.0}, {1.0, 0.0}):
        priors = [prior for prior in PRIORS if prior.power in powers]
        fitted = fit_projection(images[support], labels[support], pretrained, generator(), priors)
        accuracy[max(powers), min(powers)] = float(
            metrics.accuracy(predict(pretrained, images[test], fitted), labels[test])
        )
    assert accuracy[1.0, 1.0] + 0.05 < accuracy[0.0, 0.0]
    assert accuracy[1.0, 1.0] + 0.05 < accuracy[1.0, 0.0]


def test_models_share_the_weight_as_far_as_held_out_items_cannot_tell_them_apart() -> None:
    first = normal(40)
    even = averaging_weights(torch.stack([first, first]), torch.zeros(2), generator())
    assert even.tolist() == pytest.approx([0.5, 0.5])
    by_chance, clearly = first + normal(40, seed=1) - normal(40, seed=1).mean(), first - 1
    weights = averaging_weights(torch.stack([first, by_chance, clearly]), torch.zeros(3), generator())
    assert weights.sum() == pytest.approx(1)
    assert 0.25 < weights[0] < 0.75
    assert weights[2] < 1e-3
    # The definition, with another bootstrap: shares of exp(M sum_i a_i log p_i), a ~ Dirichlet(1, ..., 1).
    a = torch.distributions.Dirichlet(torch.ones(40)).sample((20_000,))
    shares = torch.softmax(40 * a @ torch.stack([first, by_chance, clearly]).T, dim=1)
    torch.testing.assert_close(weights, shares.mean(dim=0), atol=0.06, rtol=0)
    # A prior decides between equals.
    prior = torch.tensor([0.2, 0.8])
    weights = averaging_weights(torch.stack([first, first]), prior.log() + 3, generator())
    torch.testing.assert_close(weights, prior)


def test_white_coordinates_are_the_same_objective() -> None:
    pretrained, items, labels = make_world()
    support, texts = items[torch.arange(30)], pretrained.classes.embed(pretrained.layers.text_weight)
    prior = pretrained.image_posterior.tempered(33.0)
    problem = Problem.of(support, labels[:30], texts, pretrained.layers, prior)
    solution = problem.solve()
    weight = pretrained.layers.image_weight + problem.weight_change(solution)
    torch.testing.assert_close(problem.embeddings(solution), support.values @ weight.T, rtol=1e-3, atol=1e-4)
    head = torch.tensor([solution.log_scale, solution.bias])
    written_out = negative_log_posterior(weight, head[0] + log(8.0), head[1], pretrained, support, labels[:30], prior)
    torch.testing.assert_close(problem.loss(solution.change, head)[0], written_out, rtol=1e-3, atol=1e-3)


def test_a_reach_is_how_far_the_prior_lets_logits_move() -> None:
    """Against draws of weights; and the same fit whatever the pretraining was counted as."""
    pretrained, items, labels = make_world()
    support, layers = items[torch.arange(30)], pretrained.layers
    texts = pretrained.classes.embed(layers.text_weight)
    problem = Problem.of(support, labels[:30], texts, layers, pretrained.image_posterior)
    assert problem.with_reach(3.0).reach == pytest.approx(3.0, rel=1e-5)
    prior = pretrained.image_posterior.tempered((3.0 / problem.reach) ** 2)
    moves = prior.draws(layers.image_weight, 4000, generator()) - layers.image_weight
    h = torch.nn.functional.normalize(texts, dim=1)
    length = support.embed(layers.image_weight).square().sum(dim=1).mean().sqrt()
    logits = layers.scale * torch.einsum("kdp,np,cd->knc", moves, support.values, h - h.mean(dim=0)) / length
    assert float(logits.square().mean()) == pytest.approx(9, rel=0.05)
    wider = replace(pretrained, image_posterior=pretrained.image_posterior.tempered(75.0))
    one, other = (
        fit_projection(support, labels[:30], each, generator(), [Prior(1.0, 3.0)]) for each in (pretrained, wider)
    )
    torch.testing.assert_close(one.weight, other.weight, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("likelihood", ["softmax", "sigmoid"])
def test_gradients_are_those_of_the_loss(likelihood: str) -> None:
    pretrained, items, labels = make_world(likelihood)
    support, texts = items[torch.arange(7)], pretrained.classes.embed(pretrained.layers.text_weight)
    single = Problem.of(support, labels[:7], texts, pretrained.layers, pretrained.image_posterior)
    tensors = {name: value.double() for name, value in vars(single).items() if torch.is_tensor(value)}
    problem = replace(single, **tensors | {"labels": single.labels})
    shape = problem.g.shape[1], problem.coordinates.shape[1]
    change = torch.randn(shape, generator=generator(), dtype=torch.float64).requires_grad_()
    head = torch.tensor([0.3, -0.2], dtype=torch.float64).requires_grad_()
    loss, *gradients = problem.loss(change, head)
    for found, by_torch in zip(gradients, torch.autograd.grad(loss, [change, head]), strict=True):
        torch.testing.assert_close(found, by_torch, rtol=1e-9, atol=1e-9)


def test_the_loss_is_a_number_however_far_a_step_goes() -> None:
    """A line search that meets NaN goes on for ever farther; with a number it turns back."""
    pretrained, items, labels = make_world()
    support, texts = items[torch.arange(7)], pretrained.classes.embed(pretrained.layers.text_weight)
    prior = pretrained.image_posterior.tempered(10.0)
    problem = Problem.of(support, labels[:7], texts, pretrained.layers, prior)
    change = torch.ones(problem.g.shape[1], problem.coordinates.shape[1])
    near = problem.loss(change, torch.tensor([0.1, 0.0]))[0]
    for far in (1e3, 1e9):
        loss, *gradients = problem.loss(far * change, torch.tensor([far, far]))
        assert near < loss < torch.inf
        assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("likelihood", ["softmax", "sigmoid"])
def test_labels_make_predictions_better_and_better_calibrated(likelihood: str) -> None:
    pretrained, items, labels = make_world(likelihood)
    test, y = items[torch.arange(200, 400)], labels[200:]
    before = predict(pretrained, test)
    accuracies = [float(metrics.accuracy(before, y))]
    for n in (18, 100):
        fitted = fit_projection(items[torch.arange(n)], labels[:n], pretrained, generator())
        after = predict(pretrained, test, fitted)
        assert float(metrics.nlpd(after, y)) < float(metrics.nlpd(before, y))
        accuracies.append(float(metrics.accuracy(after, y)))
    assert accuracies[0] + 0.05 < accuracies[1]
    assert accuracies[0] + 0.1 < accuracies[2]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.slow
def test_few_labels_are_enough_and_do_no_harm_on_average(n: int) -> None:
    pretrained, items, labels = make_world()
    test, y = items[torch.arange(200, 400)], labels[200:]
    before = predict(pretrained, test)
    gained, accuracy = 0.0, 0.0
    for seed in range(12):
        rows = torch.randperm(200, generator=generator(seed))[:n]
        fitted = fit_projection(items[rows], labels[rows], pretrained, generator())
        assert fitted.spread in SPREADS
        after = predict(pretrained, test, fitted)
        gained += float(metrics.nlpd(before, y) - metrics.nlpd(after, y)) / 12
        accuracy += float(metrics.accuracy(after, y)) / 12
    assert gained > -0.1
    assert accuracy > float(metrics.accuracy(before, y)) - 0.01


def test_one_label_moves_its_item_towards_its_class() -> None:
    pretrained, items, labels = make_world()
    row = torch.tensor([int((predict(pretrained, items).argmax(1) != labels).nonzero()[0])])
    before = predict(pretrained, items[row])[0, labels[row]]
    fitted = fit_projection(items[row], labels[row], pretrained, generator())
    assert predict(pretrained, items[row], fitted)[0, labels[row]] > before


def test_labels_of_one_class_only() -> None:
    pretrained, items, labels = make_world()
    rows = (labels == 2).nonzero()[:12, 0]
    fitted = fit_projection(items[rows], labels[rows], pretrained, generator())
    assert predict(pretrained, items, fitted).isfinite().all()


def test_a_strong_prior_keeps_the_pretrained_weights() -> None:
    pretrained, items, labels = make_world()
    fitted = fit_projection(items[torch.arange(20)], labels[:20], pretrained, generator(), [Prior(1.0, 1e-4)])
    torch.testing.assert_close(fitted.weight, pretrained.layers.image_weight, rtol=1e-3, atol=1e-4)


def test_same_generator_same_fit() -> None:
    pretrained, items, labels = make_world()
    one, again = (fit_projection(items[torch.arange(30)], labels[:30], pretrained, generator(3)) for _ in range(2))
    assert torch.equal(one.weight, again.weight)
    assert (one.log_scale, one.spread) == (again.log_scale, again.spread)


def test_residuals_and_half_precision_activations_are_taken() -> None:
    pretrained, items, labels = make_world()
    support = Activations(items.values[:20].half(), 0.1 * normal(20, D, seed=9))
    fitted = fit_projection(support, labels[:20], pretrained, generator())
    assert fitted.weight.dtype == torch.float32
    assert predict(pretrained, support, fitted).isfinite().all()


def test_what_cannot_be_fitted_is_refused() -> None:
    pretrained, items, labels = make_world()
    with pytest.raises(InvalidInputError, match="0 labels for 0 items"):
        fit_projection(items[torch.arange(0)], labels[:0], pretrained, generator())
    with pytest.raises(InvalidInputError, match=f"none of the {C} classes"):
        fit_projection(items[torch.arange(3)], labels[:3] + C, pretrained, generator())
    spoilt = items.values[:3].clone()
    spoilt[1, 1] = torch.inf
    with pytest.raises(InvalidInputError, match="not finite"):
        fit_projection(Activations(spoilt), labels[:3], pretrained, generator())


def load_pack(name: str) -> tuple[Model, Activations, Tensor]:
    """A pack of real features, its items in random order with no two of a group next to each other's split."""
    folder = Path(os.environ.get("ALFLOW_PACKS", "."))
    if not (folder / f"{name}.safetensors").exists():
        pytest.skip(f"ALFLOW_PACKS names no folder with {name}.safetensors")
    model, pairs, pack = (load_file(folder / f"{part}.safetensors") for part in ("model", "pairs", name))

    def rows(values: Tensor) -> Activations:
        return Activations(torch.cat([values.float(), torch.ones(len(values), 1)], dim=1))

    weights = [
        torch.cat([model[f"{side}_weight"].float(), model[f"{side}_bias"].float()[:, None]], dim=1)
        for side in ("image", "text")
    ]
    layers = LastLayers(*weights, scale=float(model["log_logit_scale"].exp()))
    few = torch.arange(1000)
    images, texts = rows(pairs["image_activations"][few]), rows(pairs["text_activations"][few])
    pretrained = pretrain(layers, images, texts, rows(pack["class_activations"]))
    groups = pack.get("group", torch.arange(len(pack["labels"])))
    order = torch.randperm(int(groups.max()) + 1, generator=generator())[groups].argsort(stable=True)
    return pretrained, rows(pack["activations"][order]), pack["labels"][order].long()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "zero_shot", "fitted"), [("fashion", 0.30, 0.64), ("emoji", 0.27, 0.34)])
def test_real_features(name: str, zero_shot: float, fitted: float) -> None:
    """60 random labels lift accuracy and density, and leave the predictive calibrated."""
    pretrained, items, labels = load_pack(name)
    half = len(labels) // 2
    support = torch.randperm(half, generator=generator())[:60]
    test, y = items[torch.arange(half, len(labels))], labels[half:]
    before = predict(pretrained, test)
    assert float(metrics.accuracy(before, y)) < zero_shot
    projection = fit_projection(items[support], labels[support], pretrained, generator())
    after = predict(pretrained, test, projection)
    assert float(metrics.accuracy(after, y)) > fitted
    assert float(metrics.nlpd(after, y)) < 0.95 * float(metrics.nlpd(before, y))
    assert float(metrics.ece(after, y)) < 0.15
