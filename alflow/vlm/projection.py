"""Fit the image projection on the support set: MAP under the posterior of the pretrained layer as the prior.

Axes: N support items, M of them held out, C classes, D joint width, P activation width, S priors, R resamples.

Three numbers the pretraining cannot know: how much of what it learnt holds for these images (the power of the prior),
the reach of the prior (the standard deviation, in nats, that it leaves to the logits: see `Problem.reach`), and the
spread that is left in the predictive once the labels have spoken (a factor on the covariances of the pretrained
posteriors, which unchanged are far too wide around fitted weights). Cross-validation inside the support set judges all
three, by the density of held-out labels under the very predictive that the product shows. No label beyond the support
set is needed.

Reach and spread have a log-normal prior that decides while labels are few. The spread is chosen. Powers and reaches are
averaged over, since so few labels cannot tell them apart, and least of all labels of a batch that was chosen to be
diverse: what is held out of it resembles nothing that is left. The fit is the mean of those with each of `PRIORS`,
weighted by how often each would predict best if other items like these had been labelled. With power 1 the directions
in which activations varied most during pretraining are all but fixed; images of another kind may ask for just those,
and with power 0 all directions are alike. The reach is counted in nats, because a pretrained posterior is as wide as
its pretraining was short: the same factor on its covariance means little for one model and far too much for another.

References:
    Ibrahim and Chen, Power Prior Distributions for Regression Models, Statistical Science 15, 2000.
    Yao et al., Using Stacking to Average Bayesian Predictive Distributions, arXiv 1704.02030 (pseudo-BMA+ weights).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from alflow.bayes.curvature import pair_factors
from alflow.bayes.gaussian import GaussianEmbeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import LogitMoments, logit_moments
from alflow.bayes.model import Model
from alflow.bayes.probabilities import probit
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.vlm.whitened import Problem

SPREADS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
USUAL_REACH, USUAL_SPREAD = 30.0, 0.3

_DECADE = log(10.0)  # standard deviation of the log-normal priors
_RESAMPLES = 1000
_LEAST = 1e-12  # of a probability whose logarithm is taken
_FOLDS = 5
_ENOUGH = 600  # labels times folds fitted: with many labels a part of the folds says enough


class Prior(NamedTuple):
    """How much of the pretraining a prior keeps, 0 to 1, and by how many nats it lets the logits move."""

    power: float
    reach: float


PRIORS = (*(Prior(1.0, reach) for reach in (0.3, 3.0, 30.0, 300.0)), *(Prior(0.0, reach) for reach in (3.0, 30.0)))
"""From all but zero-shot to all but free; without the pretraining, two near the usual reach are enough."""


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
    pretrained: Model,
    generator: torch.Generator,
    priors: Sequence[Prior] = PRIORS,
) -> Projection:
    """MAP of the image projection, the logit scale and (sigmoid) the bias, averaged over priors.

    Works from one label on; classes without labels keep their text embeddings as they are.

    Args:
        support: activations of the labelled items.
        labels: rows of `pretrained.classes`.
        pretrained: the model before any label.
        generator: deals the items into folds and resamples them; the only randomness.
        priors: to average over.

    Raises:
        InvalidInputError: there is no label, one is no class, or activations are not finite.
    """
    _check(support, labels, pretrained)
    layers = pretrained.layers
    texts = pretrained.classes.embed(layers.text_weight)
    with_power = {
        power: Problem.of(support, labels, texts, layers, pretrained.image_posterior.discounted(power))
        for power in {prior.power for prior in priors}
    }
    problems = [with_power[prior.power].with_reach(prior.reach) for prior in priors]
    log_prior = -torch.tensor([_surprise(prior.reach, USUAL_REACH) for prior in priors])
    if len(labels) == 1:  # nothing to hold out
        weights, spread = torch.softmax(log_prior, dim=0), USUAL_SPREAD
    else:
        folds = _CrossValidation.of(labels, support, pretrained, generator)
        weights, spread = folds.judge(problems, log_prior, generator)
    fits = [problem.solve() for problem in problems]
    lengths = [_length(problem.embeddings(fit)) for problem, fit in zip(problems, fits, strict=True)]
    changes = [problem.weight_change(fit) for problem, fit in zip(problems, fits, strict=True)]
    return Projection(
        weight=layers.image_weight + _mean(_by_direction(weights, torch.stack(lengths)), changes),
        log_scale=log(layers.scale) + float(_mean(weights, [fit.log_scale for fit in fits])),
        bias=layers.bias + float(_mean(weights, [fit.bias for fit in fits])),
        spread=spread,
    )


def refit(zero_shot: Model, support: Activations, labels: Int64[Tensor, " N"], generator: torch.Generator) -> Model:
    """The zero-shot model after these labels: projection and scale by MAP, covariances by the spread that fits them.

    The labelled rows update the image factors, at the fitted weights and with the classes as the other modality.

    Args:
        zero_shot: the model before any label.
        support: activations of the labelled items.
        labels: rows of the model's classes.
        generator: see `fit_projection`.
    """
    fitted = fit_projection(support, labels, zero_shot, generator)
    layers = fitted.layers(zero_shot.layers)
    g = support.embed(layers.image_weight.double())  # a difference of sums: float32 would leave it indefinite
    texts = zero_shot.classes.embed(layers.text_weight.double())
    new = pair_factors(support.values.double(), g, texts, layers)
    return zero_shot.fitted(layers, zero_shot.image_posterior.spectrum.factors.merge(new), fitted.spread)


def averaging_weights(
    log_densities: Float[Tensor, "S M"], log_prior: Float[Tensor, " S"], generator: torch.Generator
) -> Float[Tensor, " S"]:
    """Pseudo-BMA+ weights of S models by the log densities of M held-out items (Yao et al., section 3.4) and a prior.

    The Bayesian bootstrap counts the items anew, a thousand times; each time the models share one vote by the prior
    (up to a constant) times the density that they then have. Models whose densities differ by less than their own
    scatter share the weight.
    """
    n = log_densities.shape[1]
    counts = torch.rand(_RESAMPLES, n, generator=generator).clamp_min(_LEAST).log().neg()
    counts *= n / counts.sum(dim=1, keepdim=True)  # [R M], a Dirichlet(1, ..., 1) times M
    return torch.softmax(counts @ log_densities.to(counts.dtype).T + log_prior, dim=1).mean(dim=0)


@dataclass(frozen=True)
class _CrossValidation:
    """Items are predicted by fits that have not seen them.

    `image` and `text` are the pretrained Gaussian embeddings (the fits move their means, k(x, x) is computed once);
    `posteriors` holds those of image and text for each spread.
    """

    labels: Int64[Tensor, " N"]
    folds: Int64[Tensor, " N"]
    n_folds: int
    image: GaussianEmbeddings
    text: GaussianEmbeddings
    layers: LastLayers
    posteriors: Mapping[float, tuple[KroneckerPosterior, KroneckerPosterior]]

    @classmethod
    def of(
        cls, labels: Int64[Tensor, " N"], support: Activations, pretrained: Model, generator: torch.Generator
    ) -> Self:
        layers, n = pretrained.layers, len(labels)
        posteriors = (pretrained.image_posterior, pretrained.text_posterior)
        return cls(
            labels=labels,
            folds=_folds(labels, generator),
            n_folds=min(_FOLDS, n, max(1, _ENOUGH // n)),
            image=pretrained.images(support),
            text=pretrained.texts,
            layers=layers,
            posteriors={spread: (posteriors[0].tempered(spread), posteriors[1].tempered(spread)) for spread in SPREADS},
        )

    def judge(
        self, problems: Sequence[Problem], log_prior: Float[Tensor, " S"], generator: torch.Generator
    ) -> tuple[Float[Tensor, " S"], float]:
        """A weight for each prior, and the best spread around their mean."""
        held_out = [self._held_out(problem) for problem in problems]
        weights = averaging_weights(
            torch.stack([self._best_spread(g, log_scale)[1] for g, log_scale, _ in held_out]), log_prior, generator
        )
        g, log_scale, length = (torch.stack(parts) for parts in zip(*held_out, strict=True))
        shares = _by_direction(weights[:, None], length)
        return weights, self._best_spread((shares[:, :, None] * g).sum(dim=0), _mean(weights, log_scale))[0]

    def _held_out(self, problem: Problem) -> tuple[Float[Tensor, "M D"], Float[Tensor, " M"], Float[Tensor, " M"]]:
        """Embedding of every item by the fit without it, for the folds that are used; that fit's log scale and length.

        The scale is told as its change, the length is that of the embeddings of those it was fitted to.
        """
        g = torch.empty_like(problem.g)
        log_scale, length = torch.empty_like(g[:, 0]), torch.empty_like(g[:, 0])
        for fold in range(self.n_folds):
            held = self.folds == fold
            others = problem[~held]
            fit = others.solve()
            g[held] = problem[held].embeddings(fit)
            log_scale[held], length[held] = fit.log_scale, _length(others.embeddings(fit))
        return g[self._used], log_scale[self._used], length[self._used]

    def _best_spread(self, g: Float[Tensor, "M D"], log_scale: Float[Tensor, " M"]) -> tuple[float, Tensor]:
        """The spread of least cost, and the log densities [M] of the held-out labels with it."""
        densities = {spread: self._log_densities(g, log_scale, spread) for spread in SPREADS}
        spread = min(SPREADS, key=lambda spread: _surprise(spread, USUAL_SPREAD) - float(densities[spread].sum()))
        return spread, densities[spread]

    def _log_densities(
        self, g: Float[Tensor, "M D"], log_scale: Float[Tensor, " M"], spread: float
    ) -> Float[Tensor, " M"]:
        """Of the held-out labels, under the posterior predictive with this spread."""
        image, text = replace(self.image[self._used], mean=g).tempered(spread), self.text.tempered(spread)
        unit = logit_moments(image, text, *self.posteriors[spread], replace(self.layers, scale=1.0, bias=0.0))
        s = self.layers.scale * log_scale.exp()[:, None]
        probabilities = probit(LogitMoments(s * unit.mean, s.square() * unit.variance))
        labels = self.labels[self._used, None]
        return probabilities.gather(1, labels)[:, 0].clamp_min(_LEAST).log()

    @property
    def _used(self) -> Bool[Tensor, " N"]:
        return self.folds < self.n_folds


def _mean(weights: Float[Tensor, " S"], parts: Tensor | Sequence[Tensor | float]) -> Tensor:
    stacked = torch.stack([torch.as_tensor(part) for part in parts])
    mean: Tensor = torch.tensordot(weights.to(stacked.dtype), stacked, dims=1)
    return mean


def _by_direction(weights: Tensor, length: Tensor) -> Tensor:
    """Weights of S fits (the first axis) by the length of their embeddings: directions are averaged, not lengths."""
    shares = weights / length
    return shares / shares.sum(dim=0)


def _length(g: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    length: Tensor = g.norm(dim=1).mean()
    return length


def _folds(labels: Int64[Tensor, " N"], generator: torch.Generator) -> Int64[Tensor, " N"]:
    """Deal the items, class by class in random order, into equal folds."""
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    folds = torch.empty_like(labels)
    folds[order] = torch.arange(len(labels)) % min(_FOLDS, len(labels))
    return folds


def _surprise(value: float, usual: float) -> float:
    """Negative log density of a log-normal prior, up to a constant."""
    return 0.5 * (log(value / usual) / _DECADE) ** 2


def _check(support: Activations, labels: Int64[Tensor, " N"], pretrained: Model) -> None:
    pretrained.image_posterior.check_weight(pretrained.layers.image_weight)
    n_classes = len(pretrained.classes)
    if len(labels) == 0 or len(labels) != len(support):
        raise InvalidInputError(
            f"{len(labels)} labels for {len(support)} items: a fit needs one for each, and one item at least"
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise InvalidInputError(f"a label is none of the {n_classes} classes: give their row numbers")
    if not support.values.isfinite().all():
        raise InvalidInputError("activations of a support item are not finite: embed the item again, in float32")
