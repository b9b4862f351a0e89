"""How uncertain a prediction is, and which part of that more labels could remove.

Axes: N images, C classes, K draws, T top classes. Entropies are in nats.

Total = the entropy of the prediction; aleatoric = what would stay if the weights were known; epistemic = the
difference, the mutual information of answer and weights (BALD). Never the difference of two sets of draws.

References:
    Houlsby et al., Bayesian Active Learning for Classification and Preference Learning, arXiv 1112.5745.
    Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, arXiv 1807.03888.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.draws import TopDraws, stream_top_draws
from alflow.bayes.gaussian import GaussianEmbeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.logits import ClassCovariances
from alflow.bayes.probabilities import Scales, difference_variances


class Uncertainty(NamedTuple):
    """Entropy of the prediction in nats and its two parts; total = aleatoric + epistemic."""

    total: Float[Tensor, " N"]
    aleatoric: Float[Tensor, " N"]
    epistemic: Float[Tensor, " N"]


class ClassUncertainty(NamedTuple):
    """Which class names are uncertain, whatever the image.

    Attributes:
        variance_share: of the expected square norm of the name's embedding; see `variance_share`.
        logit_deviation: standard deviation of the logit of a typical image that comes from the name alone.
    """

    variance_share: Float[Tensor, " C"]
    logit_deviation: Float[Tensor, " C"]


def entropy(probabilities: Float[Tensor, "N C"]) -> Float[Tensor, " N"]:
    """In nats, with 0 log 0 = 0."""
    return -torch.xlogy(probabilities, probabilities).sum(1)


def uncertainty_parts(
    probabilities: Float[Tensor, "N C"],
    image_scale: Float[Tensor, " N"],
    text_scale: Float[Tensor, " N"],
    covariances: ClassCovariances,
) -> Uncertainty:
    """Total, aleatoric and epistemic entropy without a draw; the scales are those of `joint_scales`.

    The epistemic part is the mutual information of answer and weights (BALD) to second order in the logit covariance,
    1/2 tr(F Cov z) with F = diag(p) - p p^T, and never more than the total.
    """
    differences = _differences(probabilities, covariances)
    return _split(entropy(probabilities), _second_order(probabilities, (image_scale, text_scale), differences))


def parts_from_draws(draws: Float[Tensor, "N K C"]) -> Uncertainty:
    """The definition, from one set of draws of the probabilities: H(mean_k p_k), mean_k H(p_k) and their difference.

    The difference is taken draw by draw, as the mean divergence of p_k from the mean: no part is negative.
    """
    mean = draws.mean(dim=1)
    total = entropy(mean)
    surprise = torch.xlogy(draws, draws).sum(dim=2).mean(dim=1) - torch.xlogy(mean, mean).sum(dim=1)
    epistemic = torch.minimum(surprise.clamp_min(0), total)
    return Uncertainty(total, total - epistemic, epistemic)


def monte_carlo(
    mean: Float[Tensor, "N C"],
    scales: Scales,
    covariances: ClassCovariances,
    n_classes: int = 16,
    n_draws: int = 128,
) -> Float[Tensor, "N C"]:
    """Posterior predictive by `n_draws` Sobol points over the `n_classes` likeliest classes of each image."""
    return torch.cat([_predictive(drawn) for drawn in stream_top_draws(mean, scales, covariances, n_classes, n_draws)])


def drawn_parts(
    mean: Float[Tensor, "N C"], scales: Scales, covariances: ClassCovariances, n_classes: int = 16, n_draws: int = 128
) -> Uncertainty:
    """Total, aleatoric and epistemic entropy from one set of Sobol draws over the likeliest classes of each image.

    The epistemic part is what is drawn for the top classes, and by the closed form what the others add to that: the
    closed form over all classes less the closed form over those that are drawn.
    """
    differences, parts, done = _differences(mean, covariances), [], 0
    for drawn in stream_top_draws(mean, scales, covariances, n_classes, n_draws):
        rows = slice(done, done + len(drawn.classes))
        everywhere = _second_order(_predictive(drawn), (scales[0][rows], scales[1][rows]), differences)
        parts.append(_split(_total(drawn), everywhere + _beyond_closed_form(drawn)))
        done = rows.stop
    return Uncertainty(*(torch.cat(part) for part in zip(*parts, strict=True)))


def novelty(variance_scale: Float[Tensor, " N"], posterior: KroneckerPosterior) -> Float[Tensor, " N"]:
    """Out-of-distribution score of an input: k(x, x) over its mean over the pairs that the factors were made of.

    k(x, x) = phi^T Ainv phi is the squared Mahalanobis length of the activations under the (damped) second moments of
    pretraining, the distance of Lee et al. without class means: large where pretraining saw little that points this
    way. 1 is an average input of pretraining, whatever the model. Needs no classes, and no fit moves it.
    """
    return variance_scale / posterior.mean_row_variance


def variance_share(embeddings: GaussianEmbeddings) -> Float[Tensor, " N"]:
    """The share of E|g|^2 that is posterior variance, tr Cov g / E|g|^2 in [0, 1): of any length of the activations."""
    return embeddings.total_variance / embeddings.expected_norm.square()


def class_uncertainty(
    text: GaussianEmbeddings, covariances: ClassCovariances, text_scale: Float[Tensor, " N"]
) -> ClassUncertainty:
    """The text side of the uncertainty: how far each class name is from what pretraining read.

    Args:
        text: embeddings of the classes.
        covariances: of the logits.
        text_scale: r' of the images in question, as from `joint_scales`; their mean is the typical image.
    """
    return ClassUncertainty(variance_share(text), (covariances.S.diagonal() * text_scale.mean()).sqrt())


def _total(drawn: TopDraws) -> Float[Tensor, " N"]:
    """Entropy of the top classes and the lump, and what is left open inside the lump."""
    return entropy(drawn.mean) + drawn.mean[:, -1] * entropy(drawn.others)


def _predictive(drawn: TopDraws) -> Float[Tensor, "N C"]:
    return (drawn.others * drawn.mean[:, -1:]).scatter(1, drawn.classes, drawn.mean[:, :-1])


def _beyond_closed_form(drawn: TopDraws) -> Float[Tensor, " N"]:
    """The epistemic part of the top classes as drawn, less that by the closed form."""
    top = drawn.mean[:, :-1]
    of_top = top * drawn.covariance.diagonal(dim1=1, dim2=2) - top * (drawn.covariance @ top[:, :, None])[:, :, 0]
    return entropy(drawn.mean) - drawn.aleatoric - 0.5 * of_top.sum(dim=1)


def _split(total: Float[Tensor, " N"], epistemic: Float[Tensor, " N"]) -> Uncertainty:
    """No part is negative, and none more than the total."""
    epistemic = torch.minimum(epistemic.clamp_min(0), total)
    return Uncertainty(total, total - epistemic, epistemic)


def _differences(like: Float[Tensor, "N C"], covariances: ClassCovariances) -> tuple[Tensor, Tensor]:
    return difference_variances(covariances.Q).to(like.dtype), difference_variances(covariances.S).to(like.dtype)


def _second_order(p: Float[Tensor, "N C"], scales: Scales, differences: tuple[Tensor, Tensor]) -> Float[Tensor, " N"]:
    """1/2 tr(F Cov z) = 1/4 sum_cc' p_c p_c' Var(z_c - z_c'), F = diag(p) - p p^T.

    No term is negative, so that nothing cancels: neither what all classes share nor, where a prediction is all but
    certain, the two halves of the trace.
    """
    on_image, on_text = (((p @ V) * p).sum(1) for V in differences)
    return 0.25 * (scales[0] * on_image + scales[1] * on_text)
