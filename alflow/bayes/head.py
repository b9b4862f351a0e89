"""The prediction of a model as a function of the activations alone, with nothing in it that only training needs.

    z(s) = s m(x) + W phi(x) + b,    m(x) = scale * cos(g(x), h),    g(x) = V phi(x) + r(x)
    p(x) = sum over the nodes s of share(s) softmax(z(s))

W, b and the nodes of s are those of `alflow.bayes.field`; h are the embeddings of the classes.

Axes: N images, C classes, P width of the activations, D width of the joint embedding, S nodes.
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from alflow.bayes.model import Model
from alflow.embeddings import Activations


@dataclass(frozen=True)
class Head:
    """From activations to probabilities.

    Attributes:
        image_weight: V, the last layer of the image tower.
        classes: directions of h, of length 1.
        weight, bias: W and b.
        scale: of the zero-shot logits; the median of s is in it.
        nodes, shares: of the average over s, as multiples of its median; shares sum to one.
    """

    image_weight: Float[Tensor, "D P"]
    classes: Float[Tensor, "C D"]
    weight: Float[Tensor, "C P"]
    bias: Float[Tensor, " C"]
    scale: Float[Tensor, ""]
    nodes: Float[Tensor, " S"]
    shares: Float[Tensor, " S"]

    @classmethod
    def of(cls, model: Model) -> Self:
        """The head of a fitted model, in the dtype of its layers."""
        weight, bias = model.linear
        like = model.layers.image_weight.new_tensor
        scales, shares = (torch.tensor(each, dtype=torch.float64) for each in zip(*model.field.scales, strict=True))
        middle = scales[len(scales) // 2]
        return cls(
            model.layers.image_weight,
            normalize(model.classes.embed(model.layers.text_weight), dim=1),
            weight.contiguous(),
            bias.contiguous(),
            like(float(model.layers.scale * middle)),
            like((scales / middle).tolist()),
            like(shares.tolist()),
        )

    def logits(self, images: Activations) -> Float[Tensor, "N C"]:
        """Z at the median of s."""
        zero_shot, moved = self._parts(images)
        return zero_shot + moved

    def probabilities(self, images: Activations) -> Float[Tensor, "N C"]:
        """The prediction; rows sum to one."""
        zero_shot, moved = self._parts(images)
        drawn = torch.softmax(self.nodes[:, None, None] * zero_shot + moved, dim=2)  # [S N C]
        return (self.shares[:, None, None] * drawn).sum(dim=0)

    def _parts(self, images: Activations) -> tuple[Float[Tensor, "N C"], Float[Tensor, "N C"]]:
        zero_shot = self.scale * normalize(images.embed(self.image_weight), dim=1) @ self.classes.T
        return zero_shot, images.values.to(self.weight.dtype) @ self.weight.T + self.bias
