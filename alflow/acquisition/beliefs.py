"""What the model believes about images it may ask about: all that a strategy needs, and nothing of where it came from.

Axes: N rows, C classes, P width of the image activations, D width of the joint embedding, B picks.
Joint covariance of the logits of two images and two classes (`alflow.bayes.field`):
    Cov(z_c(x), z_c'(x*)) = k(x, x*) Q_cc',    k(x, x*) = feature(x) . feature(x*)
given every label so far.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import exp
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.model import Model
from alflow.bayes.uncertainty import Uncertainty, novelty, uncertainty
from alflow.embeddings import Activations

_ROWS = 8192  # images a chunk: bounds the [rows P] and [rows D] temporaries


class Pool(ABC):
    """Images that may be asked about, as strategies see them: all in memory (`Beliefs`), or in blocks.

    Attributes:
        probabilities: the prediction of every row.
        novelty: how unlike the pretraining data each is; 1 on average there.
        variance: k(x, x): the mean variance of the logits of each, in square nats.
    """

    probabilities: Float[Tensor, "N C"]
    novelty: Float[Tensor, " N"]
    variance: Float[Tensor, " N"]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, rows: Tensor) -> "Beliefs":
        """Beliefs about these rows, in this order."""

    @abstractmethod
    def parts(self, Q: Float[Tensor, "C C"]) -> Uncertainty:
        """Total, aleatoric and epistemic entropy of each prediction, in nats."""

    @abstractmethod
    def points(self) -> Iterator[tuple[Int64[Tensor, " n"], Float[Tensor, "n P"]]]:
        """Activations in blocks, each with its rows; every row comes once."""

    @abstractmethod
    def blocks(self) -> Iterator[tuple[Int64[Tensor, " n"], "Beliefs"]]:
        """Beliefs in blocks, each with its rows; every row comes once."""

    @abstractmethod
    def without(self, rows: Int64[Tensor, " R"]) -> tuple["Pool", Int64[Tensor, " M"]]:
        """The pool of all other rows, and which they are, ascending."""


@dataclass(frozen=True)
class Beliefs(Pool):
    """Predictions and kernel features of some images.

    Attributes:
        probabilities: the prediction; rows sum to one.
        mean: mean of the logits.
        activations: phi, inputs of the image projection.
        features: u with u . u' = k(x, x'), the scale of Q in the covariance of the logits, in square nats.
        embeddings: g / sqrt(E|g|^2), as the pretraining left them.
        novelty: how unlike the pretraining data; 1 on average there (`alflow.bayes.uncertainty.novelty`).
    """

    probabilities: Float[Tensor, "N C"]
    mean: Float[Tensor, "N C"]
    activations: Float[Tensor, "N P"]
    features: Float[Tensor, "N U"]
    embeddings: Float[Tensor, "N D"]
    novelty: Float[Tensor, " N"]

    @cached_property
    def variance(self) -> Float[Tensor, " N"]:  # type: ignore[override]
        """k(x, x): the mean variance of the logits of each, in square nats."""
        return self.features.square().sum(dim=1)

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, rows: Tensor | slice) -> Self:
        return type(self)(*(column[rows] for column in self.columns()))

    def points(self) -> Iterator[tuple[Int64[Tensor, " n"], Float[Tensor, "n P"]]]:
        """Activations in blocks, each with its rows."""
        for rows in torch.split(torch.arange(len(self)), _ROWS):
            yield rows, self.activations[rows[0] : rows[-1] + 1]

    def blocks(self) -> Iterator[tuple[Int64[Tensor, " n"], Self]]:
        """Beliefs in blocks, each with its rows."""
        for rows in torch.split(torch.arange(len(self)), _ROWS):
            yield rows, self[slice(int(rows[0]), int(rows[-1]) + 1)]

    def without(self, rows: Int64[Tensor, " R"]) -> tuple[Self, Int64[Tensor, " M"]]:
        """All other rows, and which they are, ascending."""
        others = torch.ones(len(self), dtype=torch.bool).index_fill(0, rows, value=False).nonzero()[:, 0]
        return self[others], others

    def columns(self) -> list[Tensor]:
        """Every field, in order."""
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All rows of all parts, in order."""
        return cls(*(torch.cat(column) for column in zip(*(part.columns() for part in parts), strict=True)))

    def parts(self, Q: Float[Tensor, "C C"]) -> Uncertainty:
        """Total, aleatoric and epistemic entropy of each prediction, in nats."""
        return uncertainty(self.probabilities, self.variance, Q)


@dataclass(frozen=True)
class Question:
    """What is put to a strategy that takes the pool in blocks; see `Query`."""

    pool: Pool
    target: Beliefs
    labelled: Beliefs
    Q: Float[Tensor, "C C"]


@dataclass(frozen=True)
class Query(Question):
    """The question put to a strategy: which pool rows to ask about, for the sake of which targets, given what is known.

    Attributes:
        pool: the candidates.
        target: the images whose predictions matter; may have no rows.
        labelled: the images that have a label already; may have no rows.
        Q: covariance of the classes, with a mean variance of 1.
    """

    pool: Beliefs


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
    """What a model believes about images [N P], in chunks of rows: no temporary grows with their number."""
    weight, field = model.layers.image_weight, model.field

    def chunk(rows: Activations) -> Beliefs:
        values = rows.values.to(weight.dtype)
        features, image = model.frame.features(values), model.images(rows)
        zero_shot, moved = model.zero_shot_logits(rows, image.mean), features @ field.weight
        return Beliefs(
            probabilities=field.averaged(zero_shot, moved),
            mean=exp(field.log_scale) * zero_shot + moved,
            activations=values,
            features=field.roots(features),
            embeddings=image.direction,
            novelty=novelty(image.variance_scale, model.image_posterior),
        )

    return _filled(images, chunk)


def ask(model: Model, pool: Activations, target: Activations, labelled: Activations) -> Query:
    """The query of a strategy: what the model believes about pool, targets and labelled images."""
    return Query(believe(model, pool), believe(model, target), believe(model, labelled), model.class_covariance)


def _filled(images: Activations, chunk: Callable[[Activations], Beliefs]) -> Beliefs:
    """All chunks in one piece, each written where it belongs: joining them afterwards would need all of it twice."""
    none = chunk(images[torch.arange(0)])
    whole = Beliefs(*(empty.new_empty(len(images), *empty.shape[1:]) for empty in none.columns()))
    for rows in torch.split(torch.arange(len(images)), _ROWS):
        for column, part in zip(whole.columns(), chunk(images[rows]).columns(), strict=True):
            column[rows] = part
    return whole
