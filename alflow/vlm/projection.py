"""Fit the image projection on the support set: MAP under the posterior of the pretrained layer as the prior.

Axes: N support items, C classes, D joint width, P activation width.

Two numbers the pretraining cannot know: the strength of the prior (a factor on its precision), and the spread that is
left in the predictive once the labels have spoken (a factor on the covariances of the pretrained posteriors, which
unchanged are far too wide around fitted weights). Both are chosen together by cross-validation inside the support set,
on the negative log density of the very predictive that the product shows, with log-normal priors that decide while
labels are few. No label beyond the support set is needed.
"""

from collections.abc import Mapping
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

STRENGTHS = (0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)
SPREADS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
USUAL_STRENGTH, USUAL_SPREAD = 1e-3, 0.3

_CHOICE_SD = log(10.0)  # of the log-normal priors on strength and spread
_FOLDS = 5
_ENOUGH = 600  # labels times folds fitted: with many labels a part of the folds says enough


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
    """Strength and spread, and what they cost: negative log density of held-out labels plus negative log prior."""

    cost: float
    strength: float
    spread: float


@dataclass(frozen=True)
class _CrossValidation:
    """Items are predicted by fits that have not seen them.

    `image` and `text` are the pretrained Gaussian embeddings (the fits move their means, k(x, x) is computed once);
    `posteriors` holds those of image and text for each spread.
    """

    problem: Problem
    folds: Int64[Tensor, " N"]
    n_folds: int
    image: GaussianEmbeddings
    text: GaussianEmbeddings
    layers: LastLayers
    posteriors: Mapping[float, tuple[KroneckerPosterior, KroneckerPosterior]]

    @classmethod
    def of(cls, problem: Problem, support: Activations, pretrained: Pretrained, generator: torch.Generator) -> Self:
        layers, n = pretrained.layers, len(problem.labels)
        posteriors = (pretrained.image_posterior, pretrained.text_posterior)
        return cls(
            problem=problem,
            folds=_folds(problem.labels, generator),
            n_folds=min(_FOLDS, n, max(1, _ENOUGH // n)),
            image=gaussian_embeddings(support, layers.image_weight, posteriors[0]),
            text=gaussian_embeddings(pretrained.classes, layers.text_weight, posteriors[1]),
            layers=layers,
            posteriors={spread: (posteriors[0].tempered(spread), posteriors[1].tempered(spread)) for spread in SPREADS},
        )

    def choose(self, strength: float | None) -> _Choice:
        """The best spread at this strength, or the best of both: every decade, since the costs have several valleys."""
        return min(map(self._best_spread, STRENGTHS if strength is None else (strength,)))

    def _best_spread(self, strength: float) -> _Choice:
        held_out = self._held_out(strength)
        costs = {spread: self._misfit(*held_out, spread) + _surprise(spread, USUAL_SPREAD) for spread in SPREADS}
        spread = min(SPREADS, key=lambda spread: costs[spread])
        return _Choice(costs[spread] + _surprise(strength, USUAL_STRENGTH), strength, spread)

    def _held_out(self, strength: float) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Embedding and logit scale of every item by the fit without it; NaN for items of folds that are left out."""
        g, log_scale = torch.full_like(self.problem.g, torch.nan), torch.zeros_like(self.problem.g[:, 0])
        for fold in range(self.n_folds):
            held = self.folds == fold
            solution = self.problem[~held].solve(strength)
            g[held] = self.problem[held].embeddings(solution, strength)
            log_scale[held] = solution.log_scale
        return g, self.layers.scale * log_scale.exp()

    def _misfit(self, g: Float[Tensor, "N D"], scale: Float[Tensor, " N"], spread: float) -> float:
        """Negative log density of the held-out labels under the posterior predictive with this spread."""
        rows = self.folds < self.n_folds
        image, text = replace(self.image, mean=g)[rows].tempered(spread), self.text.tempered(spread)
        unit = logit_moments(image, text, *self.posteriors[spread], replace(self.layers, scale=1.0, bias=0.0))
        s = scale[rows, None]
        probabilities = probit(LogitMoments(s * unit.mean, s.square() * unit.variance))
        return float(nlpd(probabilities, self.problem.labels[rows])) * len(image)


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
