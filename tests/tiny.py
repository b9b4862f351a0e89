"""A small random CLIP in open_clip's own folder form: real, offline, loaded in a second."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

CONFIGURATION: Final[dict[str, Any]] = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 32, "head_width": 16, "layers": 1},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def write_model(folder: Path, seed: int = 0, **changes: Any) -> str:
    """Write a model with random weights into the folder; returns the reference that loads it."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    _read_vocabulary_once()
    configuration = CONFIGURATION | changes
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # open_clip initialises from the global generator
        model = CLIP(**configuration)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": configuration}))
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    return f"local-dir:{folder}"


@cache
def _read_vocabulary_once() -> None:
    """Each model loaded reads the same 49,000 pairs of tokens, which takes longer than the rest of a small one."""
    from open_clip import factory

    factory.SimpleTokenizer = cache(factory.SimpleTokenizer)


def write_picture(path: Path, seed: int, size: tuple[int, int] = (48, 40)) -> Path:
    """Write a picture of its own: coarse noise, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path
