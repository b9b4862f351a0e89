"""Embeddings as Gaussians: mean, and what the posterior of the last layer leaves open.

Axes: N rows, P activation width, D joint width.

An embedding g = W phi + r is Gaussian, with Cov(g(x), g(x')) = k(x, x') Binv (`alflow.bayes.kronecker`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError


@dataclass(frozen=True)
class GaussianEmbeddings:
    """Embeddings g with Cov(g(x), g(x')) = k(x, x') Binv.

    Attributes:
        mean: g, not normalised.
        variance_scale: k(x, x).
        total_variance: tr Cov g(x).
    """

    mean: Float[Tensor, "N D"]
    variance_scale: Float[Tensor, " N"]
    total_variance: Float[Tensor, " N"]

    @cached_property
    def expected_norm(self) -> Float[Tensor, " N"]:
        """sqrt(E|g|^2)."""
        return (self.mean.square().sum(1) + self.total_variance).sqrt()

    @property
    def direction(self) -> Float[Tensor, "N D"]:
        """Mean over expected norm: shorter than 1, the more the less is known."""
        return self.mean / self.expected_norm[:, None]


def gaussian_embeddings(
    activations: Activations, weight: Float[Tensor, "D P"], posterior: KroneckerPosterior
) -> GaussianEmbeddings:
    """Embeddings of these activations under weights centred at `weight`, in the dtype of `weight`.

    Raises:
        InvalidInputError: the posterior belongs to a layer of another shape, or activations are not finite.
    """
    posterior.check_weight(weight)
    scale = posterior.row_variance(activations.values.to(weight.dtype))
    found = GaussianEmbeddings(activations.embed(weight), scale, scale * float(posterior.output_spectrum.sum()))
    _check_finite(found.expected_norm)
    return found


def prompt_ensemble(prompts: Activations, counts: Sequence[int], weight: Float[Tensor, "D P"]) -> Activations:
    """One row for each class, from those of its one or more prompts (`counts` of them, in order).

    A class with several prompts is the prompt ensemble of CLIP: the average of the normalised embeddings. Since the
    last layer is linear, that average is itself the image of an activation, the mean of psi / |h| over the prompts,
    with the lengths |h| = |V psi| of the weights as they are. So the class has the ensemble's embedding, and of the
    posterior the covariance of that average: prompts that say the same share their uncertainty, others average it out.
    """
    lengths = prompts.embed(weight).norm(dim=1, keepdim=True)  # [prompts 1]
    residuals = None if prompts.residuals is None else _means(prompts.residuals / lengths, counts)
    return Activations(_means(prompts.values / lengths, counts), residuals)


def check_classes(classes: Activations, names: Sequence[str] = ()) -> None:
    """The door for class rows: two or more, finite, none zero, no two alike.

    Args:
        classes: text activations, one row a class.
        names: what the message calls them; their row numbers where there are none.

    Raises:
        InvalidInputError: they are not; the message names the classes.
    """
    values = classes.values
    called = [f"'{name}'" for name in names] or [str(row) for row in range(len(values))]
    if len(values) < 2:
        raise InvalidInputError(f"there are {len(values)} classes; a choice needs two: add a class")
    _check_finite(values.sum(dim=1))
    zero = (values == 0).all(dim=1).nonzero()[:, 0]
    if len(zero):
        raise InvalidInputError(
            f"the text activations of class {called[int(zero[0])]} are all zero: give it other prompts"
        )
    _, same, counts = torch.unique(values, dim=0, return_inverse=True, return_counts=True)
    twins = (counts[same] > 1).nonzero()[:, 0]
    if len(twins):
        first, second = (same == same[twins[0]]).nonzero()[:2, 0].tolist()
        raise InvalidInputError(
            f"classes {called[first]} and {called[second]} have the same text activations: no image tells them apart; "
            "give one of them other prompts"
        )


def _means(rows: Tensor, counts: Sequence[int]) -> Tensor:
    return torch.stack([part.mean(dim=0) for part in torch.split(rows, list(counts))])


def _check_finite(norms: Float[Tensor, " N"]) -> None:
    """A NaN or infinity among the activations of a row reaches its norm: cheaper to look for there.

    Raises:
        InvalidInputError: a norm is not finite; the message names the first row.
    """
    bad = (~norms.isfinite()).nonzero()[:, 0]
    if len(bad):
        raise InvalidInputError(
            f"{len(bad)} activations are not finite (first: row {int(bad[0])}): embed these items again, in float32"
        )
