"""Feature packs: labelled activations in safetensors files, and the last layers that turn them into predictions.

A pack is a world to try strategies in without images or an encoder. Three files, or, where no texts are at hand, the
last alone without class_activations:

    model   image_weight [D P], text_weight [D P_t], log_logit_scale; optional image_bias [D], text_bias [D]
    pairs   image_activations [n P], text_activations [n P_t]: matching pairs, for the curvature
    pack    activations [N P], labels [N], class_activations [C P_t]; optional domain [N], group [N]

A bias becomes the last column of its weight, and a constant 1 the last activation.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import estimate_factors
from alflow.bayes.field import Frame
from alflow.bayes.model import Model
from alflow.domain.projects import ProjectSettings
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.store.artifacts import digest
from alflow.tensors import check_filled, read_safetensors, take
from alflow.workflow.backtests.backtest import World
from alflow.workflow.backtests.trials import About, Source
from alflow.workflow.model.posterior import damped_posterior

_OPTIONAL: Final = ("group", "domain")
_LARGEST_LOGARITHM: Final = 20  # CLIP's scale is e^4.6


def pack_of(pack: Path, model: Path | None, pairs: Path | None) -> Source:
    """The world of these files: with a model where both its files are given, of images and labels where neither is.

    Raises:
        InvalidInputError: one of the two is missing.
    """
    if model is not None and pairs is not None:
        return Pack(model, pairs, pack)
    if model is None and pairs is None:
        return ImagePack(pack)
    raise InvalidInputError(
        "a pack with class_activations needs both the model and the pairs, one of images and labels neither: give "
        f"{'the model' if model is None else 'the pairs'} as well, or leave both out"
    )


@dataclass(frozen=True)
class Pack:
    """The three files of a world, and the weight of the pretraining in its posterior."""

    model: Path
    pairs: Path
    pack: Path
    pretraining_weight: float = ProjectSettings().pretraining_weight

    def about(self) -> About:
        """Name the pack by the contents of its files.

        Raises:
            InvalidInputError: a file cannot be read.
        """
        files = {"model": self.model, "pairs": self.pairs, "pack": self.pack}
        contents = {name: _digest(path) for name, path in files.items()}
        n_items = len(take(read_safetensors(self.pack), "labels", self.pack, 1, "int"))
        world = digest(pretraining_weight=self.pretraining_weight, version=version("alflow"), **contents)
        return About(None, self.pack.stem, world, n_items, 0)

    def world(self) -> World:
        """Read the files (see `read_world`).

        Raises:
            InvalidInputError: they hold something else, or do not fit each other.
        """
        return read_world(self.model, self.pairs, self.pack, self.pretraining_weight)


@dataclass(frozen=True)
class ImagePack:
    """A pack of images and labels without a text: learnt by regression (`learners.RegressionLearner`)."""

    pack: Path

    def about(self) -> About:
        """Name the pack by its contents; a round asks for one label a class, unless told otherwise.

        Raises:
            InvalidInputError: the file cannot be read, or holds something else.
        """
        contents, world = _digest(self.pack), self.world()
        name, n_classes = digest(images=contents, version=version("alflow")), int(world.labels.max()) + 1
        return About(None, self.pack.stem, name, len(world.labels), 0, with_posterior=False, usual_batch=n_classes)

    def world(self) -> World:
        """Its images and labels.

        Raises:
            InvalidInputError: the file holds something else, has texts, or no label to tell from another.
        """
        path, tensors = self.pack, read_safetensors(self.pack)
        if "class_activations" in tensors:
            raise InvalidInputError(f"{path} has class_activations: give its model and pairs as well")
        images = Activations(check_filled(take(tensors, "activations", path, 2), f"{path}: activations").float())
        labels = _column(tensors, "labels", path, len(images))
        if len(images) < 4 or len(torch.unique(labels)) < 2:
            raise InvalidInputError(f"{path}: {len(images)} images, all of one class or fewer than 4, teach nothing")
        if not 0 <= int(labels.min()) <= int(labels.max()) < len(images):
            raise InvalidInputError(f"{path}: labels must number the classes, 0 for the first, 1 for the second")
        return World(images, labels, None, *_optional(tensors, path, len(images)))


def read_world(model: Path, pairs: Path, pack: Path, pretraining_weight: float) -> World:
    """The world of a pack: its images and labels, and the zero-shot model with the posterior from the pairs.

    Raises:
        InvalidInputError: a file is missing or holds something else, or widths or lengths do not fit each other.
    """
    zero_shot, biased = _read_model(model)
    tensors = read_safetensors(pack)
    images = _rows(tensors, "activations", pack, zero_shot.image_weight, constant=biased[0])
    if "class_activations" not in tensors:
        raise InvalidInputError(
            f"{pack} has no class_activations: leave out model and pairs, to learn from images and labels alone"
        )
    classes = _rows(tensors, "class_activations", pack, zero_shot.text_weight, constant=biased[1])
    if len(images) < 4 or len(classes) < 2:
        raise InvalidInputError(f"{pack}: {len(images)} images and {len(classes)} classes are too few to learn from")
    labels = _column(tensors, "labels", pack, len(images))
    if not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise InvalidInputError(f"{pack}: a label is none of the {len(classes)} rows of class_activations")
    return World(
        images,
        labels,
        _with_posterior(zero_shot, biased, pairs, images, classes, pretraining_weight),
        *_optional(tensors, pack, len(images)),
    )


def _with_posterior(
    layers: LastLayers,
    biased: tuple[bool, bool],
    pairs: Path,
    pool: Activations,
    classes: Activations,
    pretraining_weight: float,
) -> Model:
    tensors = read_safetensors(pairs)
    images = _rows(tensors, "image_activations", pairs, layers.image_weight, constant=biased[0])
    texts = _rows(tensors, "text_activations", pairs, layers.text_weight, constant=biased[1])
    if len(images) != len(texts) or len(images) < 2:
        raise InvalidInputError(
            f"{pairs}: {len(images)} image_activations and {len(texts)} text_activations are no matching pairs"
        )
    image, text = estimate_factors(layers, images, texts, batch=max(2, len(images)))
    return Model(
        layers,
        damped_posterior(image, layers.image_weight, pretraining_weight),
        damped_posterior(text, layers.text_weight, pretraining_weight),
        classes,
        Frame.of(pool),
    )


def _read_model(path: Path) -> tuple[LastLayers, tuple[bool, bool]]:
    """The last layers, and which of them have a bias.

    Raises:
        InvalidInputError: the file holds something else.
    """
    tensors = read_safetensors(path)
    weights, biased = {}, ("image_bias" in tensors, "text_bias" in tensors)
    for side in ("image", "text"):
        weight = check_filled(take(tensors, f"{side}_weight", path, 2), f"{path}: {side}_weight")
        columns = [weight.float()]
        if f"{side}_bias" in tensors:
            bias = check_filled(take(tensors, f"{side}_bias", path, 1), f"{path}: {side}_bias")
            if len(bias) != len(weight):
                raise InvalidInputError(
                    f"{path}: {side}_bias has {len(bias)} entries, {side}_weight {len(weight)} rows"
                )
            columns.append(bias.float()[:, None])
        weights[side] = torch.cat(columns, dim=1)
    if len(weights["image"]) != len(weights["text"]):
        raise InvalidInputError(
            f"{path}: image_weight and text_weight end in different widths, "
            f"{len(weights['image'])} and {len(weights['text'])}"
        )
    return LastLayers(weights["image"], weights["text"], _scale(tensors, path)), biased


def _scale(tensors: Mapping[str, Tensor], path: Path) -> float:
    name = "log_logit_scale"
    logarithm = take(tensors, name, path, tensors[name].ndim if name in tensors else 0)
    if logarithm.numel() != 1 or not abs(float(logarithm)) < _LARGEST_LOGARITHM:
        raise InvalidInputError(f"{path}: {name} must be one number, the logarithm of the scale of the logits")
    return float(logarithm.double().exp())


def _rows(
    tensors: Mapping[str, Tensor], name: str, path: Path, weight: Float[Tensor, "D P"], *, constant: bool
) -> Activations:
    """Activations that the layer takes, with the constant 1 of a bias.

    Raises:
        InvalidInputError: they are missing, of another width, or no such numbers.
    """
    rows = take(tensors, name, path, 2)
    width = rows.shape[1] + constant
    if width != weight.shape[1]:
        raise InvalidInputError(
            f"{path}: {name} are {width} wide (with the constant of a bias), "
            f"but the model's layer takes {weight.shape[1]}: give files of one model"
        )
    values = check_filled(rows, f"{path}: {name}").float()
    return Activations(torch.cat([values, torch.ones(len(values), 1)], dim=1) if constant else values)


def _optional(tensors: Mapping[str, Tensor], path: Path, rows: int) -> list[Tensor | None]:
    return [_column(tensors, name, path, rows) if name in tensors else None for name in _OPTIONAL]


def _column(tensors: Mapping[str, Tensor], name: str, path: Path, rows: int) -> Tensor:
    column = take(tensors, name, path, tensors[name].ndim if name in tensors else 1, "int")
    if column.shape != (rows,):
        raise InvalidInputError(f"{path}: {name} is {tuple(column.shape)}, but there are {rows} activations")
    return column.long()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
