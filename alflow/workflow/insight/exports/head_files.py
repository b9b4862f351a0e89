"""A head as two files that hold no code: `head.safetensors`, the numbers, and `head.json`, what they are."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePath
from typing import Any, Final, Self

import torch
from safetensors.torch import save_file

from alflow.bayes.head import Head
from alflow.errors import InvalidInputError
from alflow.tensors import check_filled, read_safetensors, take

TENSORS: Final = "head.safetensors"
ABOUT: Final = "head.json"
FORMAT: Final = "alflow head"
VERSION: Final = 1

_SIDES: Final = {"image_weight": 2, "classes": 2, "weight": 2, "bias": 1, "scale": 0, "nodes": 1, "shares": 1}
_LARGEST: Final = 64 * 2**20  # bytes of the description


@dataclass(frozen=True)
class About:
    """What the numbers of a head are.

    Attributes:
        project: its name.
        classes: their names, in the order of the columns.
        model: reference of the model whose image tower gives the activations (`alflow.vlm.models`).
        precision: in which it was used, "fp32" or "bf16".
        residuals: whether the tower adds something to the output of its last layer, so that features are wider.
        hashes: of the encoder, the prompts, the posterior and the fit.
        checkpoint: None without one in the folder; else the factor of the linear map that its image tower carries
            behind the embedding, 0 if it carries none.
    """

    project: str
    classes: tuple[str, ...]
    model: str
    precision: str
    residuals: bool
    hashes: Mapping[str, str]
    checkpoint: float | None = None

    @property
    def shown_model(self) -> str:
        """The reference without the folders of this machine, which a card tells nobody."""
        kind, between, place = self.model.partition(":")
        return f"{kind}{between}{PurePath(place).name}" if between and kind != "hf-hub" else self.model

    @classmethod
    def of(cls, found: Mapping[str, Any], what: str) -> Self:
        """What `write_head` wrote, checked.

        Raises:
            InvalidInputError: it is something else, or of another version.
        """
        if found.get("format") != FORMAT:
            raise InvalidInputError(f"{what} is no head of alflow: name a folder that `alflow export model` wrote")
        if found.get("version") != VERSION:
            raise InvalidInputError(
                f"{what} is of version {str(found.get('version'))[:20]}; this alflow reads {VERSION}: export it anew"
            )
        about: dict[str, Any] = {field.name: found.get(field.name) for field in fields(cls)}
        names, hashes, factor = about["classes"], about["hashes"], about["checkpoint"]
        right = (
            _are_texts(names)
            and isinstance(hashes, dict)
            and _are_texts(list(hashes.values()))
            and all(isinstance(about[name], str) for name in ("project", "model", "precision"))
            and isinstance(about["residuals"], bool)
            and (factor is None or (isinstance(factor, int | float) and not isinstance(factor, bool)))
        )
        if not right:
            raise InvalidInputError(f"{what} is damaged: export the model anew")
        return cls(**about | {"classes": tuple(names)})


@dataclass(frozen=True)
class HeadFiles:
    """A head and what its numbers are."""

    head: Head
    about: About

    @property
    def width(self) -> int:
        """Columns of its features: the activations, then the residuals if there are any."""
        depth, wide = self.head.image_weight.shape
        return wide + (depth if self.about.residuals else 0)


def write_head(folder: Path, files: HeadFiles) -> None:
    """Write both files into a folder that is there."""
    numbers = {field.name: getattr(files.head, field.name).detach().contiguous() for field in fields(files.head)}
    save_file({name: tensor.float().clone() for name, tensor in numbers.items()}, folder / TENSORS)
    about = {"format": FORMAT, "version": VERSION} | asdict(files.about)
    (folder / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copymode(folder / ABOUT, folder / TENSORS)  # which safetensors makes for its owner alone


def read_head(folder: Path) -> HeadFiles:
    """Read what `write_head` wrote; foreign bytes are checked.

    Raises:
        InvalidInputError: a file is missing or damaged, or the two do not fit together.
    """
    about = About.of(_description(folder / ABOUT), str(folder / ABOUT))
    path = folder / TENSORS
    if not path.is_file():
        raise InvalidInputError(f"the head {folder} has no {TENSORS}: export the model anew")
    tensors = read_safetensors(path)
    parts = {name: check_filled(take(tensors, name, path, sides), f"{path}: {name}") for name, sides in _SIDES.items()}
    (depth, wide), count = parts["image_weight"].shape, len(about.classes)
    shapes = {"classes": (count, depth), "weight": (count, wide), "bias": (count,), "shares": parts["nodes"].shape}
    if any(parts[name].shape != shape for name, shape in shapes.items()):
        raise InvalidInputError(f"{path} and {ABOUT} are not of one model: export it anew")
    return HeadFiles(Head(**{name: tensor.to(torch.float32) for name, tensor in parts.items()}), about)


def _description(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise InvalidInputError(f"{path.parent} holds no {ABOUT}: name a folder that `alflow export model` wrote")
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInputError(f"{path} is larger than 64 MB, which none is: export the model anew")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{path} is no JSON object: export the model anew")
    return found


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(one, str) for one in values)
