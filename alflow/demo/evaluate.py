"""Measure the demo: accuracy after each round of labels, default strategy against random, over seeds.

In memory, with the functions that the workflow itself calls: the same beliefs, the same acquisition with its control
slice, the same fit. Each seed splits the images anew into pool, target and test; both strategies see the same splits,
so that differences are paired.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from alflow.acquisition.acquire import acquire
from alflow.acquisition.beliefs import ask, believe
from alflow.bayes.field import Frame
from alflow.bayes.fit import refit
from alflow.bayes.model import Model
from alflow.demo.captions import PROMPT
from alflow.demo.pool import CLASS_NAMES, drawings, render, split_rows
from alflow.domain.images import Split
from alflow.domain.projects import ProjectSettings
from alflow.embeddings import Activations
from alflow.progress import Progress, silent
from alflow.vlm.encoder import Encoder, class_activations, load_encoder
from alflow.vlm.models import DEMO_MODEL
from alflow.workflow.model.factors import SHIPPED_NAME, read_factors
from alflow.workflow.model.posterior import damped_posterior

ROUNDS = 5
SEEDS = tuple(range(10))


@dataclass(frozen=True)
class Demo:
    """The demo's images as the encoder sees them, their classes, and the zero-shot model.

    `held_out` says of which emoji the encoder was trained on no drawing, in any style.
    """

    images: Activations
    labels: Int64[Tensor, " N"]
    held_out: Bool[Tensor, " N"]
    model: Model


@dataclass(frozen=True)
class Comparison:
    """Accuracies on the test split, means over seeds; `random` and `default` have one entry a round.

    `paired_difference` is the mean over seeds of (default - random), each averaged over its rounds;
    `standard_error` is the one of that mean. `seen` and `held_out` (see `Demo`) are zero-shot and the last of
    `default` on those emoji alone.
    """

    majority: float
    zero_shot: float
    random: list[float]
    default: list[float]
    seen: list[float]
    held_out: list[float]
    paired_difference: float
    standard_error: float


def evaluate(
    json_file: Path | None = None, say: Callable[[str], None] = print, progress: Progress = silent
) -> Comparison:
    """Compare the default strategy with random labels, show the table, and write it as JSON."""
    result = compare(load_demo(), SEEDS, ROUNDS, progress)
    say(table(result))
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return result


def load_demo() -> Demo:
    """Render and embed all images with the demo model.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    encoder = load_encoder("demo")
    rows = drawings()
    images = encoder.images([render(row.emoji) for row in rows])
    labels = torch.tensor([row.label for row in rows])
    held_out = torch.tensor([row.emoji.held_out for row in rows])
    return Demo(images, labels, held_out, zero_shot_model(encoder, images))


def zero_shot_model(encoder: Encoder, images: Activations, folder: Path = DEMO_MODEL) -> Model:
    """The model before any label, over the demo's classes and among these images; its factors are those in `folder`."""
    layers, factors, weight = encoder.layers, read_factors(folder / SHIPPED_NAME), ProjectSettings().pretraining_weight
    return Model(
        layers,
        damped_posterior(factors.image, layers.image_weight, weight),
        damped_posterior(factors.text, layers.text_weight, weight),
        class_activations(encoder, [[PROMPT.format(name)] for name in CLASS_NAMES]),
        Frame.of(images),
    )


def compare(demo: Demo, seeds: Sequence[int] = SEEDS, rounds: int = ROUNDS, progress: Progress = silent) -> Comparison:
    """Both strategies on every seed."""
    hits: dict[str, list[list[Tensor]]] = {"random": [], "default": []}
    for done, seed in enumerate(seeds):
        for strategy, found in hits.items():
            found.append(learn(demo, strategy, seed, rounds))
        progress(done + 1, len(seeds))
    tests = [_rows(demo, seed)[Split.TEST] for seed in seeds]
    before = [_hits(demo, demo.model, rows) for rows in tests]
    after = [curve[-1] for curve in hits["default"]]
    random, default = ([[_share(at) for at in curve] for curve in found] for found in hits.values())
    differences = [fmean(d) - fmean(r) for d, r in zip(default, random, strict=True)]
    held_out = torch.cat([demo.held_out[rows] for rows in tests])
    return Comparison(
        majority=fmean(_majority(demo.labels[rows]) for rows in tests),
        zero_shot=fmean(_share(at) for at in before),
        random=[fmean(at) for at in zip(*random, strict=True)],
        default=[fmean(at) for at in zip(*default, strict=True)],
        seen=[_share(torch.cat(at)[~held_out]) for at in (before, after)],
        held_out=[_share(torch.cat(at)[held_out]) for at in (before, after)],
        paired_difference=fmean(differences),
        standard_error=stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("nan"),
    )


def learn(demo: Demo, strategy: str, seed: int, rounds: int) -> list[Bool[Tensor, " T"]]:
    """Which test images the model is right on, after each round of acquiring, labelling by the truth, and fitting."""
    settings, rows, model = ProjectSettings(), _rows(demo, seed), demo.model
    picks, fits = (torch.Generator().manual_seed(seed) for _ in range(2))  # what a fit draws changes no random pick
    pool, support, hits = rows[Split.POOL], torch.empty(0, dtype=torch.int64), []
    for _ in range(rounds):
        query = ask(model, demo.images[pool], demo.images[rows[Split.TARGET]], demo.images[support])
        chosen, control = acquire(query, strategy, settings.budget, settings.control_fraction, picks)
        picked = torch.cat([chosen.rows, control])
        support = torch.cat([support, pool[picked]])
        pool = pool[torch.ones(len(pool), dtype=torch.bool).index_fill(0, picked, value=False)]
        model = refit(demo.model, demo.images[support], demo.labels[support], fits)
        hits.append(_hits(demo, model, rows[Split.TEST]))
    return hits


def table(result: Comparison) -> str:
    """The comparison as people read it."""
    lines = [
        f"majority class {result.majority:.3f}, zero-shot {result.zero_shot:.3f}",
        f"{'labels':>8} {'random':>8} {'default':>8}",
    ]
    for number, (random, default) in enumerate(zip(result.random, result.default, strict=True), start=1):
        lines.append(f"{number * ProjectSettings().budget:>8} {random:>8.3f} {default:>8.3f}")
    for name, (before, after) in (("seen in other styles", result.seen), ("held out of training", result.held_out)):
        lines.append(f"emoji {name}: zero-shot {before:.3f}, default after the last round {after:.3f}")
    return "\n".join([
        *lines,
        f"default - random: {result.paired_difference:+.4f} (standard error {result.standard_error:.4f})",
    ])


def _rows(demo: Demo, seed: int) -> dict[Split, Int64[Tensor, " N"]]:
    splits = split_rows(demo.labels.tolist(), seed)
    return {of: torch.tensor([row for row, split in enumerate(splits) if split is of]) for of in Split}


def _hits(demo: Demo, model: Model, rows: Tensor) -> Bool[Tensor, " T"]:
    return believe(model, demo.images[rows]).probabilities.argmax(dim=1) == demo.labels[rows]


def _share(hits: Bool[Tensor, " T"]) -> float:
    return float(hits.double().mean())


def _majority(labels: Tensor) -> float:
    return float(labels.bincount().max() / len(labels))
