"""How uncertain a prediction is, and which part of that more labels could remove.

Axes: N images, C classes, K draws. Entropies are in nats.

Total = the entropy of the prediction; aleatoric = what would stay, on average, if the logits were known; epistemic =
the difference, the mutual information of answer and logits (BALD). Never the difference of two sets of draws.

References:
    Houlsby et al., Bayesian Active Learning for Classification and Preference Learning, arXiv 1112.5745.
    Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, arXiv 1807.03888.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.draws import sobol_normal
from alflow.bayes.kronecker import KroneckerPosterior

DRAWS: Final = 128
_ENTRIES: Final = 2**21  # of a block [rows K C]: 8 MB in float32
_STEPS: Final = 8  # towards draws whose mean is the prediction
_LEAST: Final = 1e-30


class Uncertainty(NamedTuple):
    """Entropy of the prediction in nats and its two parts; total = aleatoric + epistemic."""

    total: Float[Tensor, " N"]
    aleatoric: Float[Tensor, " N"]
    epistemic: Float[Tensor, " N"]


def entropy(probabilities: Float[Tensor, "N C"]) -> Float[Tensor, " N"]:
    """In nats, with 0 log 0 = 0."""
    return -torch.xlogy(probabilities, probabilities).sum(1)


def uncertainty(
    probabilities: Float[Tensor, "N C"], variance: Float[Tensor, " N"], Q: Float[Tensor, "C C"], n_draws: int = DRAWS
) -> Uncertainty:
    """Total, aleatoric and epistemic entropy by one set of draws of the logits, whose mean is the prediction.

    Args:
        probabilities: the prediction.
        variance: v of each image; the covariance of its logits is v Q.
        Q: covariance of the classes.
        n_draws: K.
    """
    total = entropy(probabilities)
    drawn, done = torch.empty_like(total), 0  # made at once: small tables between large ones would scatter the memory
    for block in stream_draws(probabilities, variance, Q, n_draws):
        drawn[done : (done := done + len(block))] = parts_from_draws(block).epistemic
    epistemic = torch.minimum(drawn, total)
    return Uncertainty(total, total - epistemic, epistemic)


def stream_draws(
    probabilities: Float[Tensor, "N C"], variance: Float[Tensor, " N"], Q: Float[Tensor, "C C"], n_draws: int = DRAWS
) -> Iterator[Float[Tensor, "n K C"]]:
    """Class probabilities of single images under draws of their logits, some rows at a time and in order.

    z_k = b + sqrt(v) e_k, e_k ~ N(0, Q): quasi-random, the same for every image. The centre b is that of which the mean
    of softmax(z_k) is the prediction: found by adding log(prediction / mean) a few times, which for small v starts and
    ends at log p. (Whoever compares two images needs joint draws: `alflow.acquisition.draws`.)
    """
    values, vectors = torch.linalg.eigh(Q.double())
    root = vectors * values.clamp_min(0).sqrt()
    noise = (sobol_normal(len(root), n_draws) @ root.T).to(probabilities.dtype)  # [K C]
    size = max(1, _ENTRIES // noise.numel())
    for p, v in zip(torch.split(probabilities, size), torch.split(variance, size), strict=True):
        if len(p):
            yield _drawn(p, v.sqrt()[:, None, None] * noise)


def parts_from_draws(draws: Float[Tensor, "N K C"]) -> Uncertainty:
    """The definition, from one set of draws of the probabilities: H(mean_k p_k), mean_k H(p_k) and their difference.

    The difference is taken draw by draw, as the mean divergence of p_k from the mean: no part is negative.
    """
    mean = draws.mean(dim=1)
    total = entropy(mean)
    surprise = torch.xlogy(draws, draws).sum(dim=2).mean(dim=1) - torch.xlogy(mean, mean).sum(dim=1)
    epistemic = torch.minimum(surprise.clamp_min(0), total)
    return Uncertainty(total, total - epistemic, epistemic)


def novelty(variance_scale: Float[Tensor, " N"], posterior: KroneckerPosterior) -> Float[Tensor, " N"]:
    """Out-of-distribution score of an input: k(x, x) over its mean over the pairs that the factors were made of.

    k(x, x) = phi^T Ainv phi is the squared Mahalanobis length of the activations under the (damped) second moments of
    pretraining, the distance of Lee et al. without class means: large where pretraining saw little that points this
    way. 1 is an average input of pretraining, whatever the model. Needs no classes, and no fit moves it.
    """
    return variance_scale / posterior.mean_row_variance


def _drawn(p: Float[Tensor, "n C"], moved: Float[Tensor, "n K C"]) -> Float[Tensor, "n K C"]:
    wanted = p.clamp_min(_LEAST).log()
    centre = wanted
    for _ in range(_STEPS):
        found = torch.softmax(centre[:, None] + moved, dim=2).mean(dim=1)
        centre = centre + wanted - found.clamp_min(_LEAST).log()
    return torch.softmax(centre[:, None] + moved, dim=2)
