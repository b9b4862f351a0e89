"""How alike two images are: a local kernel of their activations, with no regard to classes.

    l(x, x') = 1 / (1 + |a - a'|^2 / (2 LENGTH^2)),   a = (phi - mean phi) / |phi - mean phi|

The kernel of the logits (`alflow.bayes.field`) is linear, as what a label changes is one linear map of the activations.
It is global: an image far from all others has the largest k and looks like the most to learn. What labels teach about
other images is local, and a kernel that says so picks better batches (`alflow guide results`). The rational quadratic
is a mixture of Gaussian kernels of many lengths, so that one LENGTH serves dense pools and sparse ones (Rasmussen and
Williams, Gaussian Processes for Machine Learning, equation 4.19, alpha = 1).

Axes: N and M rows, P width of the activations.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

LENGTH = 0.7
"""Distance on the unit sphere at which the likeness is 2/3; unrelated images are sqrt(2) apart."""

UNRELATED = LENGTH**2 / (LENGTH**2 + 1)
"""The likeness of images in orthogonal directions."""


def directions(activations: Float[Tensor, "N P"], centre: Float[Tensor, " P"]) -> Float[Tensor, "N P"]:
    """Unit vectors a: from the centre of all images towards each."""
    return normalize(activations - centre, dim=1)


def likeness(a: Float[Tensor, "N P"], b: Float[Tensor, "M P"]) -> Float[Tensor, "N M"]:
    """The kernel at every pair of directions, in (0, 1]: 1 for the same, 0.33 for orthogonal ones."""
    return (a @ b.T).neg_().add_(LENGTH**2 + 1).reciprocal_().mul_(LENGTH**2)  # in place: half of the memory
