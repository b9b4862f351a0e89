"""Towers cut before their last linear layer: batch -> activations, such that g = W phi + r is what the tower gave.

Axes: N rows, P activation width (with the constant 1 if the layer has a bias), D width of the joint embedding.

Cutting changes the model it is given: a bare projection is set to None, which open_clip takes as "leave out"; a linear
layer is replaced by the identity. No hooks, nothing is computed twice, and the cut tower can still be compiled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Float
from open_clip.hf_model import HFTextEncoder
from open_clip.model import CLIP
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import TextTransformer, VisionTransformer
from torch import Tensor, nn

from alflow.embeddings import Activations
from alflow.errors import InvalidInputError


@dataclass(frozen=True)
class Tower:
    """A tower without its last linear layer.

    Attributes:
        trunk: batch -> the stream the last layer reads [N P]; CoCa's returns (stream, tokens).
        weight: the last layer in float32, its bias as the last column if it has one.
        biased: whether the activations end with a constant 1.
        branch: only where the last layer sits inside a residual block (SigLIP's attention pool): stream -> what the
            layer reads; the stream itself is then the residual.
    """

    trunk: Callable[[Tensor], Any]
    weight: Float[Tensor, "D P"]
    biased: bool
    branch: nn.Module | None = None

    def __call__(self, batch: Tensor) -> Activations:
        """Activations and residuals in float32, whatever the precision of the trunk."""
        output = self.trunk(batch)
        stream = output[0] if isinstance(output, tuple) else output
        values = (stream if self.branch is None else self.branch(stream)).float()
        if self.biased:
            values = torch.cat([values, values.new_ones(values.shape[0], 1)], dim=1)  # `len` fixes N in an ONNX file
        return Activations(values, None if self.branch is None else stream.float())


def cut_image_tower(model: Any) -> Tower:
    """Cut the image tower of an open_clip model, in place.

    Raises:
        InvalidInputError: the tower does not end in a linear layer that alflow knows how to find.
    """
    return _cut(model.visual, _IMAGE_TOWERS, "image")


def cut_text_tower(model: Any) -> Tower:
    """Cut the text tower of an open_clip model, in place.

    Raises:
        InvalidInputError: the tower does not end in a linear layer that alflow knows how to find.
    """
    return _cut(model if isinstance(model, CLIP) else model.text, _TEXT_TOWERS, "text")


def _cut(tower: nn.Module, kinds: Mapping[type[nn.Module], Callable[[Any], Tower | None]], side: str) -> Tower:
    for kind, cut in kinds.items():
        if isinstance(tower, kind) and (found := cut(tower)) is not None:
            return found
    raise InvalidInputError(
        f"the {side} tower ({_describe(tower)}) has no last linear layer, which the posterior is placed on; "
        "take a model with a linear projection into the joint space"
    )


def _describe(tower: nn.Module) -> str:
    inside = f" around {type(tower.trunk).__name__}" if isinstance(tower, TimmModel) else ""
    return type(tower).__name__ + inside


def _cut_vision_transformer(tower: VisionTransformer) -> Tower | None:
    return _cut_projection(tower, "proj", tower)


def _cut_resnet(tower: ModifiedResNet) -> Tower | None:
    # The attention pool reads weight and bias of c_proj itself, so the layer must stay: as an exact identity.
    layer = tower.attnpool.c_proj
    same = nn.Linear(layer.in_features, layer.in_features).requires_grad_(False)
    nn.init.eye_(same.weight)
    nn.init.zeros_(same.bias)
    tower.attnpool.c_proj = same
    return _tower(tower, layer)


def _cut_timm(tower: TimmModel) -> Tower | None:
    """The adapter's own head if it has one (linear, mlp, attention pool), else the classifier of the timm model."""
    return (
        _cut_last_linear(tower, tower.head)
        or _cut_last_linear(tower, tower.trunk.get_classifier())
        or _cut_attention_pool(tower)
    )


def _cut_attention_pool(tower: TimmModel) -> Tower | None:
    """SigLIP: nothing follows the pool, which ends in x + mlp(norm(x)): residual x, last layer fc2 of the mlp."""
    pool = getattr(tower.trunk, "attn_pool", None)
    mlp = getattr(pool, "mlp", None)
    if pool is None or mlp is None or pool.pool != "token":
        return None
    pool.mlp = None
    return _tower(tower, mlp.fc2, nn.Sequential(pool.norm, mlp.fc1, mlp.act, mlp.drop1, mlp.norm))


def _cut_text_transformer(tower: TextTransformer) -> Tower | None:
    return _cut_projection(tower, "text_projection", tower)


def _cut_clip_text(model: CLIP) -> Tower | None:
    return _cut_projection(model, "text_projection", model.encode_text)


def _cut_hugging_face(tower: HFTextEncoder) -> Tower | None:
    return _cut_last_linear(tower, tower.proj)


_IMAGE_TOWERS: Final[Mapping[type[nn.Module], Callable[[Any], Tower | None]]] = {
    VisionTransformer: _cut_vision_transformer,
    ModifiedResNet: _cut_resnet,
    TimmModel: _cut_timm,
}
_TEXT_TOWERS: Final[Mapping[type[nn.Module], Callable[[Any], Tower | None]]] = {
    CLIP: _cut_clip_text,
    TextTransformer: _cut_text_transformer,
    HFTextEncoder: _cut_hugging_face,
}


def _cut_projection(owner: nn.Module, name: str, trunk: Callable[[Tensor], Any]) -> Tower | None:
    """A projection that open_clip leaves out where it is None: a parameter [P D], or a linear layer."""
    projection = getattr(owner, name)
    if projection is None:
        return None
    setattr(owner, name, None)
    if isinstance(projection, nn.Linear):
        return _tower(trunk, projection)
    return Tower(trunk, projection.detach().T.float().contiguous(), biased=False)


def _cut_last_linear(tower: nn.Module, part: nn.Module) -> Tower | None:
    """The last linear layer within `part` of the tower, replaced by the identity."""
    linear = [module for module in part.modules() if isinstance(module, nn.Linear)]
    if not linear:
        return None
    name = next(name for name, module in tower.named_modules() if module is linear[-1])
    parent, _, child = name.rpartition(".")
    setattr(tower.get_submodule(parent), child, nn.Identity())
    return _tower(tower, linear[-1])


def _tower(trunk: Callable[[Tensor], Any], layer: nn.Linear, branch: nn.Module | None = None) -> Tower:
    columns: list[Tensor | None] = [layer.weight, layer.bias]
    weight = [column.detach().float().reshape(layer.out_features, -1) for column in columns if column is not None]
    return Tower(trunk, torch.cat(weight, dim=1), biased=len(weight) == 2, branch=branch)
