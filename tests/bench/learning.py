"""What labels do to calibration and to the parts of the uncertainty: one set, one seed, random labels of the pool.

Kept in build/calibration, one file for each set and seed: a run that was stopped goes on.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from alflow import metrics
from alflow.bayes.model import Model
from alflow.embeddings import Activations
from alflow.temperature import fit_temperature
from alflow.workflow.backtests.backtest import World, split
from alflow.workflow.backtests.learners import Judgement, ModelLearner
from tests.bench import sets

HOME = Path(__file__).parents[2] / "build" / "calibration"
JUDGED = (20, 60, 100)
"""Labels after which the predictive is held against softmax with a temperature."""

TOLD = (10, 20, 40, 80, 150)
"""Labels after which the epistemic part is held against the loss that is left."""

OTHERS = {"fashion": "emoji", "emoji": "fashion", "pets24": "flowers_images"}
"""Another world, whose images are to look unfamiliar."""

COLDEST, HOTTEST = 0.25, 4.0
POOL = 3_000
N_OTHERS = 500
_FOLDS = 5

Point = dict[str, float]


def points(name: str, seed: int, *, fresh: bool = False) -> list[Point]:
    """One for each number of labels, from 0 to all of the pool, from the file or measured.

    Raises:
        MissingError: the set is not at hand.
    """
    file = HOME / f"{name}-{seed}.json"
    if fresh or not file.exists():
        found = list(_measure(sets.world(name), seed, _images(OTHERS.get(name))))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def cosine_logits(images: Activations, model: Model) -> Tensor:
    """Logits of the weights as they are [N C]: softmax of them is the prediction without a posterior."""
    layers = model.layers
    g, h = images.embed(layers.image_weight), model.classes.embed(layers.text_weight)
    return layers.scale * normalize(g, dim=1) @ normalize(h, dim=1).T + layers.bias


def fitted_logits(images: Activations, model: Model) -> Tensor:
    """Mean of the logits after the fit [N C]: what a temperature is laid over."""
    features = model.frame.features(images.values.to(model.layers.image_weight.dtype))
    return model.field.logits(model.zero_shot_logits(images), features)


def _measure(world: World, seed: int, others: Activations | None) -> Iterator[Point]:
    sides = split(world, seed, POOL)
    order = sides.pool[torch.randperm(len(sides.pool), generator=torch.Generator().manual_seed(seed))]
    test, truth = world.images[sides.test], world.labels[sides.test]
    start = world.learner()
    for n in sorted({n for n in (0, *TOLD, *JUDGED) if n < len(order)} | {len(order)}):
        images, labels = world.images[order[:n]], world.labels[order[:n]]
        learner = start.fitted(images, labels, torch.Generator().manual_seed(seed)) if n else start
        judged = learner.judge(test)
        point = {"labels": n, "epistemic": float(judged.epistemic.mean())} | _calibration(judged.probabilities, truth)
        point |= _errors_found(judged, truth)
        if others is not None:
            point["other_world"] = _told_apart(judged.epistemic, learner.judge(others).epistemic)
        if n in JUDGED:
            temperature = _temperature(start, images, labels, seed)
            softmax = (fitted_logits(test, learner.model) / temperature).softmax(dim=1)
            point |= {f"softmax_{key}": value for key, value in _calibration(softmax, truth).items()}
        yield point


def _calibration(probabilities: Tensor, labels: Tensor) -> Point:
    return {name: float(metrics.METRICS[name](probabilities.double(), labels)) for name in ("accuracy", "nlpd", "ece")}


def _errors_found(judged: Judgement, labels: Tensor) -> Point:
    """AUROC of wrong answers among all by each measure of how unsure a prediction is."""
    probabilities = judged.probabilities.double()
    by = {"epistemic": judged.epistemic, "total": judged.total, "largest": -probabilities.amax(dim=1)}
    return {
        f"errors_{name}": float(metrics.error_auroc(probabilities, labels, uncertainty=value.double()))
        for name, value in by.items()
    }


def _told_apart(own: Tensor, others: Tensor) -> float:
    """The chance that an image of another world has more of the epistemic part than one of this; ties count half."""
    return float((others[:, None] > own).double().mean() + (others[:, None] == own).double().mean() / 2)


def _temperature(start: ModelLearner, images: Activations, labels: Tensor, seed: int) -> float:
    """Of the softmax of the fitted logits, by likelihood of labels that were held out of the fit, in five folds.

    Kept within `COLDEST` and `HOTTEST`: few labels that are all predicted right would make it 0.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    folds = torch.empty_like(labels)
    folds[order] = torch.arange(len(labels)) % _FOLDS
    logits = torch.empty(len(labels), len(start.model.classes))
    for fold in range(_FOLDS):
        held = (folds == fold).nonzero()[:, 0]
        rest = (folds != fold).nonzero()[:, 0]
        fitted = start.fitted(images[rest], labels[rest], generator)
        logits[held] = fitted_logits(images[held], fitted.model).float()
    return min(max(fit_temperature(logits, labels), COLDEST), HOTTEST)


def _images(name: str | None) -> Activations | None:
    """Some images of another set."""
    if name is None:
        return None
    images = sets.pack(name).world().images
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:N_OTHERS]]
