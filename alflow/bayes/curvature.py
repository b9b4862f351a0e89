"""Kronecker factors of the Gauss-Newton matrix of a contrastive loss with respect to a last linear layer.

Axes: n pairs, M embeddings of the other modality, P activation width, D joint width.

For rows g [n D] against Y [M D] (normalised) the output factor is B = sum_i J_i^T Lambda_i J_i, J_i the Jacobian of
the cosines and Lambda_i the Hessian of the loss in the logits. Written out that is n terms [D D] of M outer products
each. Expanding J_i = Y (I - ghat ghat^T) / |g| and summing over i first leaves three matrix products of n M D
operations: the same number, not an approximation.

References:
    Baumann et al., Post-hoc Probabilistic Vision-Language Models, arXiv 2412.06014.
    Martens and Grosse, Optimizing Neural Networks with Kronecker-factored Approximate Curvature, arXiv 1503.05671.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.progress import Progress, silent

_ROWS_AT_ONCE = 4096  # pairs between two estimates; the product with the others that each costs is then 4% of its work
_COSINES_AT_ONCE = 2**24  # entries of a [rows M] block: 64 MB in float32


@dataclass(frozen=True)
class Factors:
    """A = sum phi phi^T and B = sum J^T Lambda J over n pairs: sums, so that parts computed apart can be merged."""

    A: Float[Tensor, "P P"]
    B: Float[Tensor, "D D"]
    n: float

    @classmethod
    def published(cls, A: Float[Tensor, "P P"], B: Float[Tensor, "D D"], n: float) -> Self:
        """Factors from the layout that the method's authors publish: both sums divided by sqrt(n)."""
        return cls(A.double() * sqrt(n), B.double() * sqrt(n), n)

    def published_form(self) -> tuple[Float[Tensor, "P P"], Float[Tensor, "D D"]]:
        """(A, B) divided by sqrt(n): A (x) B is then the Kronecker approximation of the curvature of all n pairs."""
        return self.A / sqrt(self.n), self.B / sqrt(self.n)

    def counted_as(self, n: float) -> Self:
        """The sums over n pairs like these: with the same n tau, the same posterior."""
        return type(self)(self.A * (n / self.n), self.B * (n / self.n), n)

    def merge(self, other: Self, weight: float = 1.0) -> Self:
        """The factors of both sets of pairs, those of `other` counted `weight` times."""
        return type(self)(self.A + weight * other.A, self.B + weight * other.B, self.n + weight * other.n)


@dataclass(frozen=True)
class Estimate:
    """The factors of the first `done` pairs: what a killed estimate goes on from."""

    image: Factors
    text: Factors
    done: int = 0


def estimate_factors(
    layers: LastLayers,
    images: Activations,
    texts: Activations,
    batch: int,
    progress: Progress = silent,
    negatives: Int64[Tensor, " M"] | None = None,
) -> tuple[Factors, Factors]:
    """Factors of the image and of the text layer from matching image-text pairs; the end of `stream_factors`."""
    for estimate in stream_factors(layers, images, texts, batch, negatives):
        progress(estimate.done, len(images))
    return estimate.image, estimate.text


def stream_factors(
    layers: LastLayers,
    images: Activations,
    texts: Activations,
    batch: int,
    negatives: Int64[Tensor, " M"] | None = None,
    start: Estimate | None = None,
) -> Iterator[Estimate]:
    """Factors from matching image-text pairs, row i with row i, some thousands at a time.

    The pairs are walked through in equal batches of at most `batch` (never fewer than two). A row is contrasted with
    the whole other side of its batch, its partner included, as in training, and with the pairs `negatives` (row
    numbers) besides. The number of negatives matters: B of a batch of 500 is not the B of 32,768. Sums are kept in
    float64, products are in the dtype of the layers. Each estimate yielded can be kept, and given as `start` to the
    same call later: the pairs that it holds are passed over.

    Raises:
        InvalidInputError: the sides differ in length, there are fewer than two pairs, or activations are not finite.
    """
    _check_pairs(images, texts, batch)
    total = len(images)
    chosen = torch.zeros(total, dtype=torch.bool)
    if negatives is not None:
        chosen[negatives] = True
    known = start or Estimate(_no_factors(layers.image_weight), _no_factors(layers.text_weight))
    if known.done:
        yield known
    for rows in torch.arange(total).tensor_split(min(ceil(total / batch), total // 2)):
        if rows[-1] < known.done:
            continue
        others = chosen.clone()
        others[rows] = False
        near = torch.cat([rows, others.nonzero()[:, 0]])
        g, h = images[near].embed(layers.image_weight), texts[near].embed(layers.text_weight)
        for part in torch.split(torch.arange(len(rows))[rows >= known.done], _ROWS_AT_ONCE):
            image = known.image.merge(pair_factors(images[rows[part]].values, g[part], h, layers))
            text = known.text.merge(pair_factors(texts[rows[part]].values, h[part], g, layers))
            known = Estimate(image, text, known.done + len(part))
            yield known


def pair_factors(
    values: Float[Tensor, "n P"], g: Float[Tensor, "n D"], others: Float[Tensor, "M D"], layers: LastLayers
) -> Factors:
    """Factors of these rows alone, under the likelihood of `layers`; no label is needed (Lambda knows none)."""
    values = values.to(g.dtype)
    return Factors((values.T @ values).double(), curvature(g, others, layers).double(), len(values))


def curvature(g: Float[Tensor, "n D"], others: Float[Tensor, "M D"], layers: LastLayers) -> Float[Tensor, "D D"]:
    """B summed over the rows g, each against all `others`, under the likelihood of `layers`."""
    if layers.likelihood == "sigmoid":
        return siglip_curvature(g, others, layers.scale, layers.bias)
    return infonce_curvature(g, others, layers.scale)


def infonce_curvature(g: Float[Tensor, "n D"], others: Float[Tensor, "M D"], scale: float) -> Float[Tensor, "D D"]:
    """B of the softmax (InfoNCE) loss summed over the rows g, each against all `others`; neither need be normalised.

    With p = softmax(s L), L the cosines, w = s^2/|g|^2, m = Y^T p, v = Y^T (p o L) - m (m . ghat), q = ghat . v:

        B = Y^T diag(sum_i w_i p_i) Y - sum_i w_i m_i m_i^T - R - R^T + sum_i w_i q_i ghat_i ghat_i^T,
        R = sum_i w_i v_i ghat_i^T
    """

    def weights(cosines: Float[Tensor, "n M"]) -> Float[Tensor, "n M"]:
        # torch.softmax has a fast exponential, whose error in float32 would be most of that of B.
        p = (cosines - cosines.amax(dim=1, keepdim=True)).mul_(scale).exp_()
        return p.div_(p.sum(dim=1, keepdim=True))

    return _reduced(g, others, weights, scale, centred=True)


def siglip_curvature(
    g: Float[Tensor, "n D"], others: Float[Tensor, "M D"], scale: float, bias: float
) -> Float[Tensor, "D D"]:
    """B of the pairwise sigmoid (SigLIP) loss summed over the rows g; as `infonce_curvature`, without its m terms.

    The weight of a pair is sigma(z) sigma(-z): an even function, so matching and other pairs count alike.
    """

    def weights(cosines: Float[Tensor, "n M"]) -> Float[Tensor, "n M"]:
        z = scale * cosines + bias
        return torch.sigmoid(z) * torch.sigmoid(-z)

    return _reduced(g, others, weights, scale, centred=False)


def _reduced(
    g: Float[Tensor, "n D"],
    others: Float[Tensor, "M D"],
    weights: Callable[[Tensor], Tensor],
    scale: float,
    *,
    centred: bool,
) -> Float[Tensor, "D D"]:
    """The sum over rows, in blocks of rows; `centred` where Lambda = diag(p) - p p^T, else Lambda = diag(p).

    Products are in the dtype of g, their sums in float64. What all others share is taken out where Lambda does not see
    it: of the terms of B it would be the most, and cancel. Beside the others themselves the memory needed is that of
    one block of cosines, whatever the number of rows or of others.
    """
    Y = torch.nn.functional.normalize(others, dim=1)
    if centred:
        Y = Y - Y.mean(0)
    column = Y.new_zeros(len(Y), dtype=torch.float64)
    rest = Y.new_zeros(Y.shape[1], Y.shape[1], dtype=torch.float64)
    for rows in torch.split(g, max(1, _COSINES_AT_ONCE // max(1, len(Y)))):
        norm = rows.norm(dim=1, keepdim=True)
        ghat = rows / norm
        w = (scale / norm).square()  # [n 1]
        L = ghat @ Y.T  # [n M]
        p = weights(L)
        m = p @ Y if centred else None  # [n D]
        column += (w.T @ p)[0]
        v = p.mul_(L) @ Y  # [n D]
        if m is not None:
            v = v - m * (m * ghat).sum(1, keepdim=True)
            rest -= m.T @ (w * m)
        q = (ghat * v).sum(1, keepdim=True)  # [n 1]
        R = (w * v).T @ ghat
        rest += ghat.T @ (w * q * ghat) - R - R.T
    return (Y.T @ (column[:, None].to(Y.dtype) * Y) + rest).to(g.dtype)


def _no_factors(weight: Float[Tensor, "D P"]) -> Factors:
    D, P = weight.shape
    return Factors(torch.zeros(P, P, dtype=torch.float64), torch.zeros(D, D, dtype=torch.float64), 0)


def _check_pairs(images: Activations, texts: Activations, batch: int) -> None:
    if len(images) != len(texts):
        raise InvalidInputError(
            f"{len(images)} images but {len(texts)} captions: curvature needs one caption for each image"
        )
    if len(images) < 2 or batch < 2:
        raise InvalidInputError(
            "curvature needs two pairs and a batch of two at the least: a pair alone contrasts nothing"
        )
    for side, activations in (("image", images), ("text", texts)):
        bad = (~activations.values.isfinite().all(dim=1)).nonzero()[:, 0]
        if len(bad):
            raise InvalidInputError(
                f"{len(bad)} {side} activations are not finite (first: row {int(bad[0])}): leave these pairs out, "
                "or embed them in float32"
            )
