"""A small feature pack: three files in which labels can be learnt, and the places of the real ones."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from alflow.workflow.backtests.packs import ImagePack, Pack

CLASSES, D, P, P_TEXT = 4, 6, 9, 5


def small_pack(folder: Path, images: int = 160, **changes: Tensor) -> Pack:
    """Write a pack of noisy class centres, in two domains and in groups of two; `changes` replace its tensors."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    centres, prompts = normal(CLASSES, P), normal(CLASSES, P_TEXT)
    text_weight = normal(D, P_TEXT)
    image_weight = (torch.linalg.pinv(centres) @ (prompts @ text_weight.T)).T + 0.7 * normal(D, P)
    labels = torch.arange(images) // 2 % CLASSES
    tensors = {
        "activations": centres[labels] + 0.5 * normal(images, P),
        "labels": labels,
        "class_activations": prompts,
        "domain": torch.arange(images) % 2,
        "group": torch.arange(images) // 2,
    }
    shown = torch.arange(80) % CLASSES
    pairs = {
        "image_activations": centres[shown] + 0.5 * normal(80, P),
        "text_activations": prompts[shown] + 0.3 * normal(80, P_TEXT),
    }
    model = {
        "image_weight": image_weight,
        "image_bias": torch.zeros(D),
        "text_weight": text_weight,
        "log_logit_scale": torch.tensor(1.6),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = {"model": model, "pairs": pairs, "pack": tensors}
    for name, content in files.items():
        replaced = {key: changes.get(f"{name}_{key}", value).contiguous() for key, value in content.items()}
        save_file(replaced, folder / f"{name}.safetensors")
    return Pack(*(folder / f"{name}.safetensors" for name in files))


def image_pack(folder: Path, **changes: Tensor) -> ImagePack:
    """Write a small pack without texts; `changes` replace or add tensors."""
    pack = small_pack(folder).pack
    tensors = load_file(pack)
    del tensors["class_activations"]
    save_file(tensors | changes, folder / "images.safetensors")
    return ImagePack(folder / "images.safetensors")


def real_pack(name: str) -> Pack:
    """A pack of the folder ALFLOW_PACKS; the test is skipped where it is not set."""
    folder = os.environ.get("ALFLOW_PACKS")
    if not folder:
        pytest.skip("set ALFLOW_PACKS to the folder of the feature packs")
    return Pack(*(Path(folder) / f"{file}.safetensors" for file in ("model", "pairs", name)))
