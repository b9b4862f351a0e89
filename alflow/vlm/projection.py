"""Fit the image projection on the support set: MAP under the posterior of the pretrained layer as the prior.

Axes: N support items, C classes, D joint width, P activation width, S strengths.

Two numbers the pretraining cannot know. The strength of the prior (a factor on its precision) is averaged over: the fit
is the mean of the MAP fits at `STRENGTHS`, in projection, log scale and bias. On our back-tests no choice among them
does as well. Cross-validation inside a batch that was chosen to be diverse asks for a strong prior, since what is held
out resembles nothing that is left, while the images that matter do; the Laplace evidence asks for the strongest.

The spread that is left in the predictive once the labels have spoken (a factor on the covariances of the pretrained
posteriors, which unchanged are far too wide around fitted weights) is chosen by cross-validation inside the support
set, on the negative log density of the very predictive that the product shows, with a log-normal prior that decides
while labels are few. No label beyond the support set is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log
from statistics import fmean
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.predictive import GaussianEmbeddings, LogitMoments, gaussian_embeddings, logit_moments, probit
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.metrics import nlpd
from alflow.vlm.whitened import Problem

STRENGTHS = (1e-3, 1e-4, 1e-5)
SPREADS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
USUAL_SPREAD = 0.3

_SPREAD_SD = log(10.0)  # of its log-normal prior
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
        spread: what the covariance of both posteriors is to be multiplied by (`KroneckerPosterior.tempered`).
    """

    weight: Float[Tensor, "D P"]
    log_scale: float
    bias: float
    spread: float

    def layers(self, pretrained: LastLayers) -> LastLayers:
        """The last layers with this projection and head."""
        return replace(pretrained, image_weight=self.weight, scale=exp(self.log_scale), bias=self.bias)


def fit_projection(
    support: Activations,
    labels: Int64[Tensor, " N"],
    pretrained: Pretrained,
    generator: torch.Generator,
    strengths: Sequence[float] = STRENGTHS,
) -> Projection:
    """MAP of the image projection, the logit scale and (sigmoid) the bias, averaged over strengths of the prior.

    Works from one label on; classes without labels keep their text embeddings as they are.

    Args:
        support: activations of the labelled items.
        labels: rows of `pretrained.classes`.
        pretrained: the model before any label.
        generator: deals the items into folds; the only randomness.
        strengths: of the prior.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    _check(support, labels, pretrained)
    layers = pretrained.layers
    texts = pretrained.classes.embed(layers.text_weight)
    problem = Problem.of(support, labels, texts, layers, pretrained.image_posterior)
    spread = USUAL_SPREAD
    if len(labels) > 1:
        spread = _CrossValidation.of(problem, support, pretrained, generator, strengths).best_spread()
    fits = [(problem.solve(strength), strength) for strength in strengths]
    return Projection(
        weight=layers.image_weight + _mean([problem.weight_change(fit, strength) for fit, strength in fits]),
        log_scale=log(layers.scale) + fmean(fit.log_scale for fit, _ in fits),
        bias=layers.bias + fmean(fit.bias for fit, _ in fits),
        spread=spread,
    )


@dataclass(frozen=True)
class _CrossValidation:
    """Items are predicted by fits that have not seen them.

    `image` and `text` are the pretrained Gaussian embeddings (the fits move their means, k(x, x) is computed once).
    """

    problem: Problem
    folds: Int64[Tensor, " N"]
    n_folds: int
    image: GaussianEmbeddings
    text: GaussianEmbeddings
    pretrained: Pretrained
    strengths: Sequence[float]

    @classmethod
    def of(
        cls,
        problem: Problem,
        support: Activations,
        pretrained: Pretrained,
        generator: torch.Generator,
        strengths: Sequence[float],
    ) -> Self:
        layers, n = pretrained.layers, len(problem.labels)
        return cls(
            problem=problem,
            folds=_folds(problem.labels, generator),
            n_folds=min(_FOLDS, n, max(1, _ENOUGH // n)),
            image=gaussian_embeddings(support, layers.image_weight, pretrained.image_posterior),
            text=gaussian_embeddings(pretrained.classes, layers.text_weight, pretrained.text_posterior),
            pretrained=pretrained,
            strengths=strengths,
        )

    def best_spread(self) -> float:
        held_out = self._held_out()
        return min(SPREADS, key=lambda spread: self._misfit(*held_out, spread) + _surprise(spread))

    def _held_out(self) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Embedding and logit scale of every item by the fit without it; NaN for items of folds that are left out."""
        g, log_scale = torch.full_like(self.problem.g, torch.nan), torch.zeros_like(self.problem.g[:, 0])
        for fold in range(self.n_folds):
            held = self.folds == fold
            others, ours = self.problem[~held], self.problem[held]
            fits = [(others.solve(strength), strength) for strength in self.strengths]
            g[held] = _mean([ours.embeddings(fit, strength) for fit, strength in fits])
            log_scale[held] = fmean(fit.log_scale for fit, _ in fits)
        return g, self.pretrained.layers.scale * log_scale.exp()

    def _misfit(self, g: Float[Tensor, "N D"], scale: Float[Tensor, " N"], spread: float) -> float:
        """Negative log density of the held-out labels under the posterior predictive with this spread."""
        rows, given = self.folds < self.n_folds, self.pretrained
        image, text = replace(self.image, mean=g)[rows].tempered(spread), self.text.tempered(spread)
        on_image, on_text = given.image_posterior.tempered(spread), given.text_posterior.tempered(spread)
        unit = logit_moments(image, text, on_image, on_text, replace(given.layers, scale=1.0, bias=0.0))
        s = scale[rows, None]
        probabilities = probit(LogitMoments(s * unit.mean, s.square() * unit.variance))
        return float(nlpd(probabilities, self.problem.labels[rows])) * len(image)


def _mean(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).mean(dim=0)


def _folds(labels: Int64[Tensor, " N"], generator: torch.Generator) -> Int64[Tensor, " N"]:
    """Deal the items, class by class in random order, into equal folds."""
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    folds = torch.empty_like(labels)
    folds[order] = torch.arange(len(labels)) % min(_FOLDS, len(labels))
    return folds


def _surprise(spread: float) -> float:
    """Negative log density of its prior, up to a constant."""
    return 0.5 * (log(spread / USUAL_SPREAD) / _SPREAD_SD) ** 2


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
