"""`make calibration`: how calibrated zero-shot predictions are, with and without the posterior; a table in markdown.

Four predictions of the same images, by the class names alone:

    MAP                  softmax of the logits of the pretrained weights
    temperature scaling  the same logits over a temperature, fitted to HELD_OUT labels (the only one that sees labels)
    damped, exact        the posterior predictive (full covariance, shift-invariant probit), each with its evidence's
                         prior precision

Judged on all images but the held-out ones. Intervals are 95 % percentile bootstraps; the last column is the paired
difference to MAP. Where a pack has groups (the same emoji in three styles), whole groups are held out and resampled.
Always the demo; the feature packs where ALFLOW_PACKS names their folder.
"""
# ruff: noqa: T201 (its output is its purpose)

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.gaussian import gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import logit_moments
from alflow.bayes.model import Model
from alflow.bayes.probabilities import probit
from alflow.calibration import fit_temperature, temperature_scaled
from alflow.demo.evaluate import load_demo
from alflow.embeddings import Activations, LastLayers
from alflow.metrics import Interval, accuracy, all_metrics, paired_differences
from alflow.workflow.backtests.packs import Pack

HELD_OUT = 200
NAMES = ("nlpd", "ece")


def main() -> None:
    """Print the table, row by row."""
    print("| images | prediction | accuracy | NLPD | ECE | NLPD less that of MAP |\n|---|---|---|---|---|---|")
    for title, images, labels, model, groups in worlds():
        held_out, test = split(groups)
        y = labels[test]
        predicted = predictions(model, images, test, held_out, labels[held_out])
        plain = predicted["MAP"]
        for name, p in predicted.items():
            options = {"names": NAMES, "groups": groups[test]}
            found = all_metrics(p, y, torch.Generator().manual_seed(0), **options)
            gap = paired_differences(p, plain, y, torch.Generator().manual_seed(0), **options)
            cells = [title, name, f"{float(accuracy(p, y)):.3f}", *(interval(found[key]) for key in NAMES)]
            print("|", " | ".join([*cells, "" if p is plain else interval(gap["nlpd"], "+")]), "|", flush=True)


def worlds() -> Iterator[tuple[str, Activations, Tensor, Model, Tensor]]:
    """Images, labels, the zero-shot model, and which images belong together."""
    demo = load_demo()
    yield f"demo ({len(demo.labels)})", demo.images, demo.labels, demo.model, torch.arange(len(demo.labels))
    folder = os.environ.get("ALFLOW_PACKS")
    for name in ("fashion", "emoji") if folder else ():
        world = Pack(*(Path(str(folder)) / f"{file}.safetensors" for file in ("model", "pairs", name))).world()
        groups = torch.arange(len(world.labels)) if world.group is None else world.group
        yield f"{name} ({len(world.labels)})", world.images, world.labels, world.model, groups


def split(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of random whole groups, as many as hold `HELD_OUT` images or a few more; and all other rows."""
    order = torch.randperm(int(groups.max()) + 1, generator=torch.Generator().manual_seed(0))
    place = order.argsort()[groups]
    last = place.sort().values[HELD_OUT - 1]
    return (place <= last).nonzero()[:, 0], (place > last).nonzero()[:, 0]


def predictions(
    model: Model, images: Activations, test: Tensor, held_out: Tensor, known: Tensor
) -> Mapping[str, Tensor]:
    """Probabilities of the test rows by each way."""
    logits = cosine_logits(images[test], model.classes, model.layers)
    temperature = fit_temperature(cosine_logits(images[held_out], model.classes, model.layers), known)
    return {
        "MAP": logits.softmax(1),
        f"temperature scaling (T = {temperature:.2f})": temperature_scaled(logits, temperature),
        "damped posterior": predictive(model, images[test], model.image_posterior, model.text_posterior),
        "exact posterior": predictive(
            model,
            images[test],
            exact(model.image_posterior, model.layers.image_weight),
            exact(model.text_posterior, model.layers.text_weight),
        ),
    }


def cosine_logits(images: Activations, classes: Activations, layers: LastLayers) -> Tensor:
    """Logits of the weights as they are [N C]."""
    g, h = images.embed(layers.image_weight), classes.embed(layers.text_weight)
    return layers.scale * normalize(g, dim=1) @ normalize(h, dim=1).T + layers.bias


def predictive(model: Model, images: Activations, image: KroneckerPosterior, text: KroneckerPosterior) -> Tensor:
    """Probabilities under both posteriors [N C]."""
    g = gaussian_embeddings(images, model.layers.image_weight, image)
    h = gaussian_embeddings(model.classes, model.layers.text_weight, text)
    return probit(logit_moments(g, h, image, text, model.layers))


def exact(damped: KroneckerPosterior, weight: Tensor) -> KroneckerPosterior:
    """The exact posterior of the same factors, with its own evidence's prior precision."""
    norm = float(weight.double().square().sum())
    prior_precision = best_prior_precision(damped.spectrum, norm, damped.tau, form="exact")
    return KroneckerPosterior.exact(damped.spectrum, prior_precision, damped.tau)


def interval(found: Interval, sign: str = "") -> str:
    """As `value [low, high]`."""
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


if __name__ == "__main__":
    main()
