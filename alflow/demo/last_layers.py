"""What is done with the last layers once the training is over: a common length, and their curvature.

Axes: N pairs of picture and caption, P activation width, D width of the joint embedding.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from alflow.bayes.curvature import estimate_factors
from alflow.demo.augment import normalised, vary
from alflow.demo.captions import PROMPT
from alflow.demo.drawings import Drawings
from alflow.demo.emoji import Emoji
from alflow.embeddings import Activations
from alflow.vlm.encoder import load_encoder
from alflow.workflow.model.factors import SHIPPED_NAME, BothFactors, write_factors

VIEWS = 1
"""Pictures made of each drawing for the curvature."""

WEIGHTS = "open_clip_model.safetensors"

_AT_ONCE = 64


def finish(folder: Path, drawings: Drawings, table: Sequence[Emoji], batch: int, generator: torch.Generator) -> None:
    """Balance the model in `folder`, then estimate the factors of its own training pairs and write them beside it.

    Args:
        folder: holds the model in open_clip's form.
        drawings: what it was trained on.
        table: the emoji that the drawings show.
        batch: pairs that are contrasted with each other, as in training.
        generator: draws the pictures and their order.
    """
    sample = torch.randperm(len(drawings), generator=generator)[: 32 * _AT_ONCE]
    _balance(folder, *_pairs(folder, drawings, table, sample, generator))
    everything = torch.cat([torch.randperm(len(drawings), generator=generator) for _ in range(VIEWS)])
    images, texts = _pairs(folder, drawings, table, everything, generator)
    layers = load_encoder(f"local-dir:{folder}").layers
    write_factors(folder / SHIPPED_NAME, BothFactors(*estimate_factors(layers, images, texts, batch)))


def _pairs(
    folder: Path, drawings: Drawings, table: Sequence[Emoji], rows: Tensor, generator: torch.Generator
) -> tuple[Activations, Activations]:
    """Activations of varied pictures of these drawings, and of their names."""
    encoder = load_encoder(f"local-dir:{folder}")

    def pictures() -> Iterator[Activations]:
        for part in torch.split(rows, _AT_ONCE):
            varied = vary(drawings.pictures[part].float() / 255, encoder.smallest_side // 2, generator)
            yield encoder.pixels(normalised(varied))

    names = encoder.texts([PROMPT.format(emoji.name) for emoji in table])
    return Activations.concatenate(list(pictures())), names[drawings.emoji[rows]]


def _balance(folder: Path, images: Activations, texts: Activations) -> None:
    """Rescale the last two layers so that activations have mean square 1 and embeddings length 1; no cosine changes.

    A cosine does not see how long embeddings are, so training leaves their length to chance (about 60 here), and with
    it the balance of the factors: A grows with the activations, B falls with the square of the length. The damped
    posterior (A + sqrt(lambda)) (x) (B + sqrt(lambda)) says something about both only if they are of similar size.
    """
    layers = load_encoder(f"local-dir:{folder}").layers
    image_input, image_output = _factors(images.values[:, :-1], images.embed(layers.image_weight))
    text_input, text_output = _factors(texts.values, texts.embed(layers.text_weight))
    change = {
        "visual.attnpool.v_proj.weight": image_input,
        "visual.attnpool.v_proj.bias": image_input,
        "visual.attnpool.c_proj.weight": image_output / image_input,
        "visual.attnpool.c_proj.bias": image_output,
        "ln_final.weight": text_input,
        "ln_final.bias": text_input,
        "text_projection": text_output / text_input,
    }
    state = load_file(folder / WEIGHTS)
    save_file({name: value * change.get(name, 1) for name, value in state.items()}, folder / WEIGHTS)


def _factors(values: Float[Tensor, "N P"], g: Float[Tensor, "N D"]) -> tuple[float, float]:
    """What activations, without the constant one, and embeddings are to be multiplied by."""
    return float(values.square().mean().rsqrt()), float(g.square().sum(dim=1).mean().rsqrt())
