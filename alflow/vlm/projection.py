"""Fit the image projection on the support set: MAP under the posterior of the pretrained layer as the prior.

Axes: N support items, C classes, D joint width, P activation width.

Two numbers the pretraining cannot know: the strength of the prior (a factor on its precision), and the spread that is
left in the predictive once the labels have spoken (a factor on the covariances of the pretrained posteriors, which
unchanged are far too wide around fitted weights). Both are chosen together by cross-validation inside the support set,
on the negative log density of the very predictive that the product shows, with log-normal priors that decide while
labels are few. No label beyond the support set is needed.
"""

from dataclasses import dataclass, replace
from math import exp, log
from typing import NamedTuple, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.predictive import GaussianEmbeddings, LogitMoments, gaussian_embeddings, logit_moments, probit
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.metrics import nlpd
from alflow.vlm.whitened import Problem

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
SPREADS = (1.0, 0.3, 0.1, 0.03, 0.01)
USUAL_STRENGTH, USUAL_SPREAD = 0.003, 0.3

_CHOICE_SD = log(10.0)  # of the log-normal priors on strength and spread
_FOLDS = 5


@dataclass(frozen=True)
class Pretrained:
    """What a fit starts from: the zero-shot model."""

    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    classes: Activations


@dataclass(frozen=True)
class Projection:
    """A fitted image projection and head.

    Attributes:
        weight: in place of the pretrained image projection.
        log_scale, bias: of the head; the bias is fitted for the sigmoid likelihood only.
        strength: of the prior it was fitted under.
        spread: what the covariance of both posteriors is to be multiplied by (`KroneckerPosterior.tempered`).
    """

    weight: Float[Tensor, "D P"]
    log_scale: float
    bias: float
    strength: float
    spread: float

    def layers(self, pretrained: LastLayers) -> LastLayers:
        """The last layers with this projection and head."""
        return replace(pretrained, image_weight=self.weight, scale=exp(self.log_scale), bias=self.bias)


def fit_projection(
    support: Activations,
    labels: Int64[Tensor, " N"],
    pretrained: Pretrained,
    generator: torch.Generator,
    strength: float | None = None,
) -> Projection:
    """MAP of the image projection, the logit scale and (sigmoid) the bias.

    Works from one label on; classes without labels keep their text embeddings as they are.

    Args:
        support: activations of the labelled items.
        labels: rows of `pretrained.classes`.
        pretrained: the model before any label.
        generator: deals the items into folds; the only randomness.
        strength: of the prior; chosen from `STRENGTHS` where it is not given.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    _check(support, labels, pretrained)
    layers = pretrained.layers
    texts = pretrained.classes.embed(layers.text_weight)
    problem = Problem.of(support, labels, texts, layers, pretrained.image_posterior)
    if len(labels) == 1:
        choice = _Choice(0.0, strength or USUAL_STRENGTH, USUAL_SPREAD)
    else:
        choice = _CrossValidation.of(problem, support, pretrained, generator).choose(strength)
    solution = problem.solve(choice.strength)
    weight = layers.image_weight + problem.weight_change(solution, choice.strength)
    log_scale = log(layers.scale) + solution.log_scale
    return Projection(weight, log_scale, layers.bias + solution.bias, choice.strength, choice.spread)


class _Choice(NamedTuple):
    """Held-out negative log density plus the negative log prior of the choice, and the choice."""

    cost: float
    strength: float
    spread: float


@dataclass(frozen=True)
class _CrossValidation:
    """Every item is predicted by a fit that has not seen it.

    `image` and `text` are the pretrained Gaussian embeddings: the fits move their means, k(x, x) is computed once.
    """

    problem: Problem
    folds: Int64[Tensor, " N"]
    image: GaussianEmbeddings
    text: GaussianEmbeddings
    pretrained: Pretrained

    @classmethod
    def of(cls, problem: Problem, support: Activations, pretrained: Pretrained, generator: torch.Generator) -> Self:
        layers = pretrained.layers
        image = gaussian_embeddings(support, layers.image_weight, pretrained.image_posterior)
        text = gaussian_embeddings(pretrained.classes, layers.text_weight, pretrained.text_posterior)
        return cls(problem, _folds(problem.labels, generator), image, text, pretrained)

    def choose(self, strength: float | None) -> _Choice:
        """The best spread at this strength, or the best of both: every second strength, then the neighbours."""
        if strength is not None:
            return self._best_spread(strength)
        coarse = {i: self._best_spread(STRENGTHS[i]) for i in range(0, len(STRENGTHS), 2)}
        best = min(coarse, key=lambda i: coarse[i].cost)
        neighbours = [self._best_spread(STRENGTHS[i]) for i in (best - 1, best + 1) if 0 <= i < len(STRENGTHS)]
        return min([coarse[best], *neighbours])

    def _best_spread(self, strength: float) -> _Choice:
        embeddings, scale = self._held_out(strength)
        return min(
            _Choice(
                self._negative_log_density(embeddings, scale, spread)
                + _surprise(strength, USUAL_STRENGTH)
                + _surprise(spread, USUAL_SPREAD),
                strength,
                spread,
            )
            for spread in SPREADS
        )

    def _held_out(self, strength: float) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Embedding and logit scale of every item."""
        embeddings, log_scale = torch.empty_like(self.problem.g), self.problem.g.new_empty(len(self.folds))
        for fold in range(int(self.folds.max()) + 1):
            held = self.folds == fold
            solution = self.problem[~held].solve(strength)
            embeddings[held] = self.problem[held].embeddings(solution, strength)
            log_scale[held] = solution.log_scale
        return embeddings, self.pretrained.layers.scale * log_scale.exp()

    def _negative_log_density(self, g: Float[Tensor, "N D"], scale: Float[Tensor, " N"], spread: float) -> float:
        """Of all labels, under the posterior predictive with this spread."""
        image, text = replace(self.image, mean=g).tempered(spread), self.text.tempered(spread)
        on_image = self.pretrained.image_posterior.tempered(spread)
        on_text = self.pretrained.text_posterior.tempered(spread)
        unit = replace(self.pretrained.layers, scale=1.0, bias=0.0)
        moments = logit_moments(image, text, on_image, on_text, unit)
        s = scale[:, None]
        probabilities = probit(LogitMoments(s * moments.mean, s.square() * moments.variance))
        return float(nlpd(probabilities, self.problem.labels)) * len(g)


def _folds(labels: Int64[Tensor, " N"], generator: torch.Generator) -> Int64[Tensor, " N"]:
    """Deal the items, class by class in random order, into equal folds."""
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    folds = torch.empty_like(labels)
    folds[order] = torch.arange(len(labels)) % min(_FOLDS, len(labels))
    return folds


def _surprise(value: float, usual: float) -> float:
    return 0.5 * (log(value / usual) / _CHOICE_SD) ** 2


def _check(support: Activations, labels: Int64[Tensor, " N"], pretrained: Pretrained) -> None:
    pretrained.image_posterior.check_weight(pretrained.layers.image_weight)
    n_classes = len(pretrained.classes)
    if len(labels) == 0 or len(labels) != len(support):
        raise InvalidInputError(
            f"{len(labels)} labels for {len(support)} items: a fit needs one for each, and one item at least."
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise InvalidInputError(f"A label is none of the {n_classes} classes: give their row numbers.")
    if not support.values.isfinite().all():
        raise InvalidInputError("Activations of a support item are not finite: embed the item again, in float32.")
