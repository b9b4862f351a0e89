"""A model as files of other programs: an open_clip folder whose image tower carries a linear map, and ONNX.

Axes: N images, C outputs of the linear map, P width of the activations, D width of the joint embedding.
"""

import contextlib
import io
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import open_clip
import torch
from jaxtyping import Float
from open_clip.tokenizer import HFTokenizer
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from alflow.embeddings import Activations
from alflow.errors import UnavailableError
from alflow.vlm.configuration import CONFIGURATION
from alflow.vlm.models import LoadedModel
from alflow.vlm.towers import Tower, cut_image_tower

WEIGHTS: Final = "open_clip_model.safetensors"
OPSET: Final = 18

_TOLERANCE: Final = 1e-5  # of what a written checkpoint gives, relative to the largest entry


@torch.no_grad()
def write_open_clip(folder: Path, loaded: LoadedModel, weight: Float[Tensor, "C P"], factor: float) -> bool:
    """Write a folder that `open_clip.create_model_and_transforms("local-dir:FOLDER")` loads; the model is used up.

    Where the last layer of the image tower leaves room, `encode_image` gives D + C numbers: the embedding as it was,
    then `factor` times `weight` phi. The text tower gives zeros there, so that cosines stay those of the embeddings as
    long as what is added is short beside the embedding; `factor` must see to that. Where it leaves none (SigLIP's
    pool, CoCa: their other layers are as wide as the embedding), the checkpoint is written as it was. Returns whether
    the image tower carries the map.

    Args:
        folder: to write into; it is there.
        loaded: the whole model, not cut.
        weight: the linear map of the activations, the constant 1 among them if the last layer has a bias.
        factor: of the linear map.
    """
    state = {name: tensor.detach() for name, tensor in loaded.model.state_dict().items()}
    plain = deepcopy(dict(loaded.configuration["architecture"]))
    if plain.pop("force_quick_gelu", False):
        plain["quick_gelu"] = True
    wide = plain | {"embed_dim": plain["embed_dim"] + len(weight)}
    grown = _grown(wide, loaded, state, weight * factor)
    if grown is not None:
        _save(folder, wide, loaded, grown)
        if _agrees(folder, loaded, weight, factor):
            return True
    _save(folder, plain, loaded, state)
    return False


def write_onnx(path: Path, tower: Tower, head: Callable[[Activations], Tensor], example: Tensor) -> None:
    """Write prepared pixels [N 3 H W] -> `probabilities` [N C] as one ONNX file; N is free.

    Raises:
        UnavailableError: the packages that write ONNX are not installed.
    """
    module = _Predictor(tower, head).eval()
    rows = torch.export.Dim("images", min=1)
    try:
        logging.getLogger("onnxscript").setLevel(logging.ERROR)  # it warns of what it leaves as it is
        with contextlib.redirect_stdout(io.StringIO()):  # it tells its steps
            torch.onnx.export(
                module,
                (example.repeat(2, 1, 1, 1),),
                path,
                input_names=["pixels"],
                output_names=["probabilities"],
                dynamic_shapes=({0: rows},),
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                verbose=False,
            )
    except ImportError as error:
        raise UnavailableError(f"ONNX needs another package ({error}): pip install 'alflow[onnx]'") from error


class _Predictor(nn.Module):
    def __init__(self, tower: Tower, head: Callable[[Activations], Tensor]) -> None:
        super().__init__()
        self.trunk, self.branch = tower.trunk, tower.branch  # as modules, so that their weights are the file's
        self._tower, self._head = tower, head

    def forward(self, pixels: Tensor) -> Tensor:
        return self._head(self._tower(pixels))


def _grown(
    wide: Mapping[str, Any], loaded: LoadedModel, state: Mapping[str, Tensor], added: Float[Tensor, "C P"]
) -> dict[str, Tensor] | None:
    """The weights of the wider architecture; None where more than the last layers would change."""
    try:
        shapes = _shapes(wide, type(loaded.model))
    except Exception:  # noqa: BLE001 - whatever an architecture raises at a width it was not made for
        return None
    if shapes.keys() != state.keys():
        return None
    changed = [name for name, shape in shapes.items() if shape != state[name].shape]
    layers = [name for name in changed if state[name].ndim == 2]
    if len(layers) != 2 or sum(name.startswith("visual.") for name in layers) != 1:
        return None
    grown = dict(state)
    for name in changed:
        piece = _piece(state[name], shapes[name], added if name.startswith("visual.") else torch.zeros_like(added))
        if piece is None:
            return None
        grown[name] = piece
    return grown


def _shapes(architecture: Mapping[str, Any], kind: type[nn.Module]) -> dict[str, torch.Size]:
    fields = {name: deepcopy(value) for name, value in architecture.items() if name != "custom_text"}
    if "hf_model_name" in fields["text_cfg"]:
        fields["text_cfg"]["hf_model_pretrained"] = False
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in kind(**fields).state_dict().items()}


def _piece(old: Tensor, shape: torch.Size, added: Float[Tensor, "C P"]) -> Tensor | None:
    """A last layer [D P] or [P D], or its bias [D], with what is added to it."""
    biased = added.shape[1]
    if old.ndim == 1:
        return torch.cat([old, added[:, -1].to(old.dtype)]) if shape == (len(old) + len(added),) else None
    ways: list[tuple[int, Tensor]] = [(0, added), (1, added.T)]
    for axis, more in ways:
        width = old.shape[1 - axis]
        if shape[axis] != old.shape[axis] + len(added) or shape[1 - axis] != width:
            continue
        if not more.any():
            more = more.new_zeros((len(added), width) if axis == 0 else (width, len(added)))  # noqa: PLW2901
        elif biased == width + 1:
            more = more[:, :-1] if axis == 0 else more[:-1]  # noqa: PLW2901 - the last column is the bias
        return torch.cat([old, more.to(old.dtype)], dim=axis) if more.shape[1 - axis] == width else None
    return None


def _save(folder: Path, architecture: Mapping[str, Any], loaded: LoadedModel, state: Mapping[str, Tensor]) -> None:
    if isinstance(loaded.tokenize, HFTokenizer):  # whose files open_clip looks for beside the weights
        loaded.tokenize.save_pretrained(str(folder))
    about = {"model_cfg": architecture, "preprocess_cfg": _preprocessing(loaded)}
    (folder / CONFIGURATION).write_text(json.dumps(about, indent=2), encoding="utf-8")
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    save_file(tensors, folder / WEIGHTS)
    shutil.copymode(folder / CONFIGURATION, folder / WEIGHTS)  # which safetensors makes for its owner alone


def _preprocessing(loaded: LoadedModel) -> dict[str, Any]:
    """What the model does not say itself: the size of its pictures follows from its architecture."""
    return {
        name: value for name, value in loaded.configuration["preprocessing"].items() if name not in {"size", "mode"}
    }


def _agrees(folder: Path, loaded: LoadedModel, weight: Float[Tensor, "C P"], factor: float) -> bool:
    """Whether the folder's model gives what the model gives, and the map besides, as far as rounding goes."""
    pixels = torch.stack([loaded.prepare(picture) for picture in _pictures()])
    tokens = loaded.tokenize(["a photo of an apple"])
    image, text = loaded.model.encode_image(pixels), loaded.model.encode_text(tokens)
    values = cut_image_tower(loaded.model)(pixels).values
    written = open_clip.create_model(f"local-dir:{folder}", precision="fp32", pretrained_text=False).eval()
    expected = (
        (written.encode_image(pixels), torch.cat([image, factor * values @ weight.T], dim=1)),
        (written.encode_text(tokens), torch.cat([text, text.new_zeros(len(text), len(weight))], dim=1)),
    )
    parts = (slice(0, image.shape[1]), slice(image.shape[1], None))
    return all(_close(found[:, part], wanted[:, part]) for found, wanted in expected for part in parts)


def _close(found: Tensor, wanted: Tensor) -> bool:
    error = (found - wanted).abs().max()
    return bool(error <= _TOLERANCE * wanted.abs().max().clamp_min(1e-12))


def _pictures() -> list[Image.Image]:
    return [kind("L").convert("RGB") for kind in (Image.linear_gradient, Image.radial_gradient)]
