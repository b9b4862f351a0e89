"""`make calibration`: how far what alflow says of its own uncertainty holds, in tables of markdown.

    python -m tests.bench.calibration [--seeds 5] [--first-seed 0] [--set NAME ...] [--fresh]

Before any label, four predictions of the same images by the class names alone:

    MAP                  softmax of the logits of the pretrained weights
    temperature scaling  the same logits over a temperature, fitted to HELD_OUT labels (the only one that sees labels)
    as shown             the predictive that the product shows
    exact posterior      the predictive of the paper, by the exact posterior of the pretraining (`tests.bayes.paper`)

judged on all images but the held-out ones. Intervals are 95% percentile bootstraps; the last column is the paired
difference to MAP. Where a pack has groups (the same emoji in three styles), whole groups are held out and resampled.

Then what random labels of the pool do (`tests.bench.learning`): means over seeds, paired differences with the standard
error of their mean. Points are kept in build/calibration: a run that was stopped goes on; after a change of the code
that matters, start with `--fresh`.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from alflow.acquisition.beliefs import believe
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.model import Model
from alflow.bootstrap import Interval, all_metrics, paired_differences
from alflow.embeddings import Activations
from alflow.metrics import accuracy
from alflow.temperature import fit_temperature, temperature_scaled
from tests.bayes.paper import Embeddings, Weights, best_prior_precision, logit_moments, probit
from tests.bench import sets
from tests.bench.learning import cosine_logits, points
from tests.bench.learning_tables import after_labels, loss_left, unfamiliar

HELD_OUT = 200
NAMES = ("nlpd", "ece")
SETS = (*sets.CLIP, *sets.STAND_INS, sets.DEMO)


def main(arguments: Sequence[str]) -> None:
    """Print the tables, row by row; a set that is not at hand is left out with the reason."""
    chosen = _parse(arguments)
    names = sets.at_hand(chosen.set or SETS)
    print("| images | prediction | accuracy | NLPD | ECE | NLPD less that of MAP |\n|---|---|---|---|---|---|")
    for name in names:
        print_rows(zero_shot(name))
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    known = {name: [] for name in names}
    for seed in seeds:  # every set before the next seed
        for name in names:
            known[name].append(points(name, seed, fresh=chosen.fresh))
            print(f"{name}, seed {seed}: measured", file=sys.stderr, flush=True)
    for table in (after_labels, loss_left, unfamiliar):
        print()
        print_rows(table(known))


def print_rows(rows: Iterable[Sequence[str]]) -> None:
    """As lines of a table."""
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def zero_shot(name: str) -> Iterable[Sequence[str]]:
    """Cells of each prediction of a set before any label."""
    world = sets.world(name)
    images, labels, groups = world.images, world.labels, world.group
    groups = torch.arange(len(labels)) if groups is None else groups
    held_out, test = split(groups)
    y = labels[test]
    predicted = predictions(world.model, images, test, held_out, labels[held_out])
    plain = predicted["MAP"]
    for title, p in predicted.items():
        options = {"names": NAMES, "groups": groups[test]}
        found = all_metrics(p, y, torch.Generator().manual_seed(0), **options)
        gap = paired_differences(p, plain, y, torch.Generator().manual_seed(0), **options)
        cells = [f"{name} ({len(labels)})", title, f"{float(accuracy(p, y)):.3f}"]
        yield [*cells, *(interval(found[key]) for key in NAMES), "" if p is plain else interval(gap["nlpd"], "+")]


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
    logits = cosine_logits(images[test], model)
    temperature = fit_temperature(cosine_logits(images[held_out], model), known)
    return {
        "MAP": logits.softmax(1),
        f"temperature scaling (T = {temperature:.2f})": temperature_scaled(logits, temperature),
        "as shown": believe(model, images[test]).probabilities,
        "exact posterior": of_exact_posterior(model, images[test]),
    }


def of_exact_posterior(model: Model, images: Activations) -> Tensor:
    """Probabilities under the exact posteriors of both layers, each with its own evidence's prior precision [N C]."""
    layers = model.layers
    g = Embeddings.of(images, layers.image_weight, exact(model.image_posterior, layers.image_weight))
    h = Embeddings.of(model.classes, layers.text_weight, exact(model.text_posterior, layers.text_weight))
    return probit(logit_moments(g, h, layers.scale))


def exact(damped: KroneckerPosterior, weight: Tensor) -> Weights:
    """The exact posterior of the same factors."""
    norm = float(weight.double().square().sum())
    prior_precision = best_prior_precision(damped.spectrum, norm, damped.tau, "exact")
    return Weights.exact(damped.spectrum, prior_precision, damped.tau)


def interval(found: Interval, sign: str = "") -> str:
    """As `value [low, high]`."""
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure calibration and the parts of the uncertainty.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--set", action="append", choices=SETS, help="repeatable; all by default")
    parser.add_argument("--fresh", action="store_true", help="measure again what is known")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
