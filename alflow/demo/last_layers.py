"""What is done with the last layers once the training is over: a common length, and their curvature.

Axes: N pairs of picture and caption, F features of the trunk, P activation width, D width of the joint embedding.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.curvature import estimate_factors
from alflow.demo.captions import PROMPT
from alflow.demo.emoji import Emoji
from alflow.embeddings import Activations
from alflow.vlm.encoder import load_encoder
from alflow.workflow.model.factors import SHIPPED_NAME, BothFactors, write_factors


@torch.no_grad()
def balance(model: Any, features: Float[Tensor, "N F"], tokens: Int64[Tensor, "M L"]) -> Activations:
    """Rescale the last layers, in place, so that embeddings have length 1 on average; no cosine changes.

    A cosine does not see how long embeddings are, so training leaves their length to chance, and with it the balance
    of the factors: B falls with the square of the length. The damped posterior (A + sqrt(lambda)) (x)
    (B + sqrt(lambda)) says something about both only if they are of similar size.

    Returns:
        What the image tower's last layer reads of these features [N P].
    """
    mlp = model.visual.head.mlp
    activations = mlp.act(mlp.fc1(features))
    mlp.fc2.weight *= _to_length_one(mlp.fc2(activations))
    model.text_projection *= _to_length_one(model.encode_text(tokens))
    return Activations(activations)


def write_curvature(
    folder: Path, images: Activations, emoji: Int64[Tensor, " N"], table: Sequence[Emoji], batch: int
) -> None:
    """Estimate the factors of the model's own training pairs, pictures and their names, and write them beside it.

    Args:
        folder: holds the model in open_clip's form.
        images: what the image tower's last layer reads of the training pictures.
        emoji: which row of the table each of them shows.
        table: all emoji.
        batch: pairs that are contrasted with each other, as in training.
    """
    encoder = load_encoder(f"local-dir:{folder}")
    names = encoder.texts([PROMPT.format(emoji.name) for emoji in table])
    factors = estimate_factors(encoder.layers, images, names[emoji], batch)
    write_factors(folder / SHIPPED_NAME, BothFactors(*factors))


def _to_length_one(embeddings: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    return embeddings.square().sum(dim=1).mean().rsqrt()
