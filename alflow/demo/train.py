"""Train the demo's CLIP: `python -m alflow.demo.train NODE_MODULES --out DIR`.

A small CLIP in open_clip's own form (ResNet tower at 64 pixels, two text layers) that sees emoji drawings of nine
styles with captions from their Unicode names, CLDR keywords and subgroups. `alflow.demo.drawings` says which packages
must be installed for it, and their licences. OpenMoji, the style of the demo's images, is never seen here.

What is known beforehand should be said: most emoji of the demo are seen here in other styles, and half of the loss is
on captions that name the subgroup in Unicode's own words (`animal bird`, `transport ground`). The demo asks for classes
as people would name them (`birds`, `vehicles`). So zero-shot means: unseen style, seen concepts, other words.

Captions that repeat within a batch are one text with several pictures, so that no picture is pushed away from its own
caption. A seed decides everything, on one thread; half an hour of one core.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from alflow.demo.augment import MEAN, STD, normalised, vary
from alflow.demo.captions import Captions
from alflow.demo.drawings import Drawings, draw_styles
from alflow.demo.emoji import Emoji, read_table
from alflow.demo.last_layers import WEIGHTS, finish

SIDE = 64
_CONTEXT = 16
MODEL: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": [2, 2, 2, 2], "width": 16, "head_width": 64, "patch_size": None},
    "text_cfg": {"context_length": _CONTEXT, "vocab_size": 49408, "width": 48, "heads": 4, "layers": 2},
}
PREPROCESS = {
    "mean": list(MEAN),
    "std": list(STD),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}

_LARGEST_LOG_SCALE = math.log(50)
_AT_ONCE = 16  # pictures varied at a time: they stay in the cache


@dataclass(frozen=True)
class Recipe:
    """What decides the result, besides the drawings; `subgroup_share` weighs subgroup captions against names."""

    seed: int = 0
    steps: int = 2200
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup: int = 100
    subgroup_share: float = 0.5
    checkpoint_every: int = 200


def main() -> None:
    """Draw, train, save."""
    arguments = _parse()
    torch.set_num_threads(1)
    table = read_table()
    drawings = draw_styles(arguments.node_modules, table, SIDE + 8)
    recipe = Recipe(seed=arguments.seed, steps=arguments.steps)
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(drawings, table, recipe, on_checkpoint=lambda model: save(model, arguments.out))
    finish(arguments.out, drawings, table, recipe.batch, torch.Generator().manual_seed(recipe.seed))


def train(
    drawings: Drawings,
    table: Sequence[Emoji],
    recipe: Recipe,
    on_checkpoint: Callable[[torch.nn.Module], None],
    report: Callable[[str], None] = print,
) -> Any:
    """Train from scratch; `on_checkpoint` gets the model every `checkpoint_every` steps and at the end."""
    model, tokenize = new_model(recipe.seed)
    captions = Captions(table, tokenize)
    optimiser = _optimiser(model, recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    started = time.monotonic()
    for step, rows in enumerate(_batches(len(drawings), recipe, generator), start=1):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe)
        pictures = _pictures(drawings, rows, generator)
        loss = _loss(model, pictures, drawings.emoji[rows], captions, recipe, generator)
        _step(model, optimiser, loss)
        if step % 50 == 0:
            spent = time.monotonic() - started
            report(f"step {step} loss {loss.item():.3f} scale {model.logit_scale.exp():.1f} {spent:.0f} s")
        if step % recipe.checkpoint_every == 0 or step == recipe.steps:
            on_checkpoint(model)
    return model


def new_model(seed: int) -> tuple[Any, Callable[[list[str]], Tensor]]:
    """The untrained CLIP and its tokenizer; the global generator is left as it was."""
    import open_clip  # noqa: PLC0415  takes seconds
    from open_clip.model import CLIP  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIP(**MODEL)
    model.visual = model.visual.to(memory_format=torch.channels_last)
    return model, open_clip.SimpleTokenizer(context_length=_CONTEXT)


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
    pictures: Float[Tensor, "N 3 H W"],
    emoji: Int64[Tensor, " N"],
    captions: Captions,
    recipe: Recipe,
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    with torch.autocast("cpu", torch.bfloat16):
        images = model.encode_image(pictures.contiguous(memory_format=torch.channels_last))
    images, scale = images.float(), model.logit_scale.exp()
    (names, name_of), (subgroups, subgroup_of) = captions.names(emoji, generator), captions.subgroups(emoji, generator)
    of_names, of_subgroups = torch.split(model.encode_text(torch.cat([names, subgroups])), [len(names), len(subgroups)])
    share = recipe.subgroup_share
    of_subgroups = contrast(images, of_subgroups, subgroup_of, scale)
    return (1 - share) * contrast(images, of_names, name_of, scale) + share * of_subgroups


def _pictures(drawings: Drawings, rows: Int64[Tensor, " N"], generator: torch.Generator) -> Float[Tensor, "N 3 H W"]:
    parts = torch.split(drawings.pictures[rows], _AT_ONCE)
    return normalised(torch.cat([vary(part.float() / 255, SIDE, generator) for part in parts]))


def _step(model: Any, optimiser: torch.optim.Optimizer, loss: Float[Tensor, ""]) -> None:
    """One step down; a gradient that overflowed in bfloat16 is left out, for it would be in every weight for good."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).isfinite():
        optimiser.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=_LARGEST_LOG_SCALE)


def _batches(n: int, recipe: Recipe, generator: torch.Generator) -> Iterator[Tensor]:
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(recipe.steps):
        if len(order) < recipe.batch:
            order = torch.cat([order, torch.randperm(n, generator=generator)])
        batch, order = order[: recipe.batch], order[recipe.batch :]
        yield batch


def _optimiser(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
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
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    return parser.parse_args()


if __name__ == "__main__":
    main()
