"""What the model believes about images it may ask about: all that a strategy needs, and nothing of where it came from.

Axes: N rows, C classes, P width of the image activations, D width of the joint embedding, B picks.
Joint covariance of the logits of two images and two classes (e.g. used by `alflow.acquisition.epig`):
    Cov(z_c(x), z_c'(x*)) = k(x, x*) Q_cc' + r'(x, x*) S_cc',   r' = r + k tr(Binv Binv_t)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.logits import (
    ClassCovariances,
    cache_classes,
    cache_images,
    cached_moments,
    cached_scales,
)
from alflow.bayes.model import Model
from alflow.bayes.probabilities import probit
from alflow.bayes.uncertainty import novelty
from alflow.embeddings import Activations

_ROWS = 8192  # images a chunk: bounds the [rows P] and [rows D] temporaries


@dataclass(frozen=True)
class Beliefs:
    """Predictions and kernel features of some images.

    Attributes:
        probabilities: posterior predictive over the classes, shift-invariant probit; rows sum to one.
        mean: mean of the logits.
        variance: marginal variance of the logits.
        activations: phi, inputs of the image projection.
        features: u = A^-1/2 phi / sqrt(E|g|^2), so that u . u' = k(x, x').
        embeddings: g / sqrt(E|g|^2), so that r(x, x') = embedding . Binv_t embedding'.
        text_scale: r'(x, x) = r(x, x) + k(x, x) tr(Binv Binv_t).
        novelty: how unlike the pretraining data; 1 on average there (`alflow.bayes.uncertainty.novelty`).
    """

    probabilities: Float[Tensor, "N C"]
    mean: Float[Tensor, "N C"]
    variance: Float[Tensor, "N C"]
    activations: Float[Tensor, "N P"]
    features: Float[Tensor, "N P"]
    embeddings: Float[Tensor, "N D"]
    text_scale: Float[Tensor, " N"]
    novelty: Float[Tensor, " N"]

    @property
    def image_scale(self) -> Float[Tensor, " N"]:
        """k(x, x), the scale of the logit covariance that comes from the image projection."""
        return self.features.square().sum(dim=1)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, rows: Tensor) -> Self:
        return type(self)(*(column[rows] for column in self.columns()))

    def columns(self) -> list[Tensor]:
        """Every field, in order."""
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All rows of all parts, in order."""
        return cls(*(torch.cat(column) for column in zip(*(part.columns() for part in parts), strict=True)))


@dataclass(frozen=True)
class Query:
    """The question put to a strategy: which pool rows to ask about, for the sake of which targets, given what is known.

    Attributes:
        pool: the candidates.
        target: the images whose predictions matter; may have no rows.
        labelled: the images that have a label already; may have no rows.
        covariances: Q, S and tr(Binv Binv_t).
        text_covariance: Binv_t, output covariance of the text projection.
    """

    pool: Beliefs
    target: Beliefs
    labelled: Beliefs
    covariances: ClassCovariances
    text_covariance: Float[Tensor, "D D"]


@dataclass(frozen=True)
class Acquisition:
    """What a strategy chose.

    Attributes:
        rows: rows of the pool, best first, no row twice.
        scores: the score of each at the moment it was picked.
        all_scores: the score of every pool row before any pick; NaN where a row was not rated.
    """

    rows: Int64[Tensor, " B"]
    scores: Float[Tensor, " B"]
    all_scores: Float[Tensor, " N"]


def believe(model: Model, images: Activations) -> Beliefs:
    """What a model believes about images [N P], in chunks of rows: no temporary grows with their number.

    The one product of N P P operations gives features and k(x, x) alike. What does not depend on the classes
    (`CachedImages`) is not kept for later calls: every fit moves the weights, so that it would serve only those who
    change prompts before the first label.
    """
    layers, image_posterior, text_posterior = model.layers, model.image_posterior, model.text_posterior
    trace = model.covariances.trace
    on_classes = cache_classes(model.texts, image_posterior, text_posterior, layers)

    def chunk(rows: Activations) -> Beliefs:
        values = rows.values.to(layers.image_weight.dtype)
        features = image_posterior.features(values)
        image = model.images(rows, features)
        cached = cache_images(image, text_posterior)
        moments = cached_moments(cached, on_classes)
        return Beliefs(
            probabilities=probit(moments),
            mean=moments.mean,
            variance=moments.variance,
            activations=values,
            features=features / image.expected_norm[:, None],
            embeddings=image.direction,
            text_scale=cached_scales(cached, text_posterior, trace)[1],
            novelty=novelty(image.variance_scale, image_posterior),
        )

    return _filled(images, chunk)


def ask(model: Model, pool: Activations, target: Activations, labelled: Activations) -> Query:
    """The query of a strategy: what the model believes about pool, targets and labelled images."""
    text_covariance = model.text_posterior.output_covariance.to(model.texts.mean.dtype)
    return Query(
        believe(model, pool), believe(model, target), believe(model, labelled), model.covariances, text_covariance
    )


def _filled(images: Activations, chunk: Callable[[Activations], Beliefs]) -> Beliefs:
    """All chunks in one piece, each written where it belongs: joining them afterwards would need all of it twice."""
    none = chunk(images[torch.arange(0)])
    whole = Beliefs(*(empty.new_empty(len(images), *empty.shape[1:]) for empty in none.columns()))
    for rows in torch.split(torch.arange(len(images)), _ROWS):
        for column, part in zip(whole.columns(), chunk(images[rows]).columns(), strict=True):
            column[rows] = part
    return whole
