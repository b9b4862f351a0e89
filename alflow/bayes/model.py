"""One value for the model: the last layers of both towers, the posterior of each, the classes, what labels taught."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.field import OFFSET, Field, Frame, class_covariance
from alflow.bayes.gaussian import GaussianEmbeddings, gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations, LastLayers


@dataclass(frozen=True)
class Model:
    """Everything that is said of images, before labels or after them.

    Attributes:
        layers: projections, scale and bias, as they were pretrained.
        image_posterior, text_posterior: what the pretraining left open about the two projections, centred at them. They
            tell what is unlike it and which names are uncertain; no prediction reads them.
        classes: inputs of the text projection, one row a class [C P_t].
        frame: where the project's images lie.
        learnt: the field of the logits given labels; None before the first.
    """

    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    classes: Activations
    frame: Frame
    learnt: Field | None = None

    @cached_property
    def field(self) -> Field:
        """What labels taught, or the prior."""
        if self.learnt is not None:
            return self.learnt
        weight = self.layers.image_weight
        return Field.before_labels(weight.shape[1], len(self.classes), weight.dtype)

    def images(self, rows: Activations) -> GaussianEmbeddings:
        """Gaussian embeddings of images, as the pretraining left them."""
        return gaussian_embeddings(rows, self.layers.image_weight, self.image_posterior)

    @cached_property
    def texts(self) -> GaussianEmbeddings:
        """Gaussian embeddings of the classes, as the pretraining left them."""
        return gaussian_embeddings(self.classes, self.layers.text_weight, self.text_posterior)

    @cached_property
    def class_covariance(self) -> Float[Tensor, "C C"]:
        """Q of the field, in the dtype of the layers."""
        return class_covariance(self._directions).to(self._directions.dtype)

    def zero_shot_logits(
        self, rows: Activations, embeddings: Float[Tensor, "N D"] | None = None
    ) -> Float[Tensor, "N C"]:
        """Scale * cosine, without the bias that all classes share; `embeddings` are those of the rows, if at hand."""
        g = rows.embed(self.layers.image_weight) if embeddings is None else embeddings
        unit = torch.nn.functional.normalize(g, dim=1)
        return self.layers.scale * unit @ self._directions.T

    @property
    def linear(self) -> tuple[Float[Tensor, "C P"], Float[Tensor, " C"]]:
        """What labels add to the logits of an image as a linear map of its activations: weight phi + bias."""
        features, frame = self.field.weight, self.frame
        weight = features[:-1].T / frame.radius
        return weight, features[-1] * OFFSET**0.5 - weight @ frame.centre.to(weight.dtype)

    def probabilities(self, rows: Activations) -> Float[Tensor, "N C"]:
        """The prediction for images: N P (D + C) operations."""
        weight, bias = self.linear
        moved = torch.addmm(bias, rows.values.to(weight.dtype), weight.T)
        return self.field.averaged(self.zero_shot_logits(rows), moved)

    def quick_probabilities(self, rows: Activations, lengths: Float[Tensor, " N"]) -> Float[Tensor, "N C"]:
        """`probabilities`, up to rounding, where the lengths |g| are known: 2 N P C operations, however wide g is."""
        to_images = self._directions @ self.layers.image_weight  # [C P]
        weight, bias = self.linear
        products = rows.values.to(weight.dtype) @ torch.cat([to_images, weight]).T
        along, moved = products[:, : len(weight)], products[:, len(weight) :]
        if rows.residuals is not None:
            along = along + rows.residuals.to(weight.dtype) @ self._directions.T
        return self.field.averaged(self.layers.scale * along / lengths[:, None], moved + bias)

    @cached_property
    def _directions(self) -> Float[Tensor, "C D"]:
        return torch.nn.functional.normalize(self.classes.embed(self.layers.text_weight), dim=1)
