"""Feature packs: labelled activations in safetensors files, and the last layers that turn them into predictions.

A pack is a world to try strategies in without images or an encoder. Three files:

    model   image_weight [D P], text_weight [D P_t], log_logit_scale; optional image_bias [D], text_bias [D]
    pairs   image_activations [n P], text_activations [n P_t]: matching pairs, for the curvature
    pack    activations [N P], labels [N], class_activations [C P_t]; optional domain [N], group [N]

A bias becomes the last column of its weight, and a constant 1 the last activation.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from alflow.bayes.curvature import estimate_factors
from alflow.bayes.model import Model
from alflow.domain import ProjectSettings
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.store.artifacts import digest
from alflow.workflow.backtest import World
from alflow.workflow.posterior import damped_posterior
from alflow.workflow.trials import About


@dataclass(frozen=True)
class Pack:
    """The three files of a world, and the pseudo-data count of its posterior."""

    model: Path
    pairs: Path
    pack: Path
    tau: float = ProjectSettings().tau

    def about(self) -> About:
        """Name the pack by the contents of its files.

        Raises:
            InvalidInputError: a file cannot be read.
        """
        contents = {}
        for name, path in (("model", self.model), ("pairs", self.pairs), ("pack", self.pack)):
            try:
                with path.open("rb") as file:
                    contents[name] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
        n_items = len(_tensors(self.pack, "labels")["labels"])
        world = digest(tau=self.tau, version=version("alflow"), **contents)
        return About(None, self.pack.stem, world, n_items, 0)

    def world(self) -> World:
        """Read the files (see `read_world`).

        Raises:
            InvalidInputError: they hold something else, or do not fit each other.
        """
        return read_world(self.model, self.pairs, self.pack, self.tau)


def read_world(model: Path, pairs: Path, pack: Path, tau: float) -> World:
    """The world of a pack: its images and labels, and the zero-shot model with the posterior from the pairs.

    Raises:
        InvalidInputError: a file is missing or holds something else, or widths or lengths do not fit each other.
    """
    zero_shot, biased = _read_model(model), _biases(model)
    tensors = _tensors(pack, "activations", "labels", "class_activations")
    images = Activations(_with_one(tensors["activations"], biased[0]))
    classes = Activations(_with_one(tensors["class_activations"], biased[1]))
    labels = tensors["labels"].long()
    group, domain = (tensors[name].long() if name in tensors else None for name in ("group", "domain"))
    _check_pack(pack, images, classes, zero_shot)
    for name, column in (("labels", labels), ("group", group), ("domain", domain)):
        if column is not None and column.shape != (len(images),):
            raise InvalidInputError(f"{pack}: {name} is {tuple(column.shape)}, but there are {len(images)} activations")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise InvalidInputError(f"{pack}: a label is none of the {len(classes)} rows of class_activations")
    return World(images, labels, _with_posterior(zero_shot, biased, pairs, classes, tau), group, domain)


def _with_posterior(
    layers: LastLayers, biased: tuple[bool, bool], pairs: Path, classes: Activations, tau: float
) -> Model:
    tensors = _tensors(pairs, "image_activations", "text_activations")
    images = Activations(_with_one(tensors["image_activations"], biased[0]))
    texts = Activations(_with_one(tensors["text_activations"], biased[1]))
    for side, rows, weight in (("image", images, layers.image_weight), ("text", texts, layers.text_weight)):
        _check_width(pairs, f"{side}_activations", rows, weight)
    image, text = estimate_factors(layers, images, texts, batch=max(2, len(images)))
    return Model(
        layers,
        damped_posterior(image, layers.image_weight, tau),
        damped_posterior(text, layers.text_weight, tau),
        classes,
    )


def _read_model(path: Path) -> LastLayers:
    tensors = _tensors(path, "image_weight", "text_weight", "log_logit_scale")
    weights = {}
    for side in ("image", "text"):
        weight, bias = tensors[f"{side}_weight"].float(), tensors.get(f"{side}_bias")
        weights[side] = weight if bias is None else torch.cat([weight, bias.float()[:, None]], dim=1)
    if len(weights["image"]) != len(weights["text"]):
        raise InvalidInputError(
            f"{path}: image_weight and text_weight end in different widths, "
            f"{len(weights['image'])} and {len(weights['text'])}"
        )
    return LastLayers(weights["image"], weights["text"], scale=float(tensors["log_logit_scale"].double().exp()))


def _biases(path: Path) -> tuple[bool, bool]:
    tensors = _tensors(path)
    return "image_bias" in tensors, "text_bias" in tensors


def _tensors(path: Path, *needed: str) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        InvalidInputError: it cannot be read, or one that is needed is missing.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidInputError(f"{path} cannot be read as safetensors: {error}") from error
    if missing := [name for name in needed if name not in tensors]:
        raise InvalidInputError(f"{path} has no tensor {', '.join(missing)}; it holds {', '.join(sorted(tensors))}")
    return tensors


def _with_one(values: Float[Tensor, "N P"], biased: bool) -> Float[Tensor, "N P1"]:
    values = values.float()
    return torch.cat([values, torch.ones(len(values), 1)], dim=1) if biased else values


def _check_pack(path: Path, images: Activations, classes: Activations, layers: LastLayers) -> None:
    if len(images) < 4 or len(classes) < 2:
        raise InvalidInputError(f"{path}: {len(images)} images and {len(classes)} classes are too few to learn from")
    _check_width(path, "activations", images, layers.image_weight)
    _check_width(path, "class_activations", classes, layers.text_weight)


def _check_width(path: Path, name: str, rows: Activations, weight: Float[Tensor, "D P"]) -> None:
    if rows.values.shape[1] != weight.shape[1]:
        raise InvalidInputError(
            f"{path}: {name} are {rows.values.shape[1]} wide (with the constant of a bias), "
            f"but the model's layer takes {weight.shape[1]}: give files of one model"
        )
