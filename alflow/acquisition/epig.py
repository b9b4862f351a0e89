"""EPIG: how much the label of a pool item tells about the labels of the target items, on average.

Axes: N pool items, T target items, K posterior draws (one draw index for pool and target alike), C classes.

References:
    Bickford Smith et al., Prediction-Oriented Bayesian Active Learning (arXiv 2304.08151).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Question
from alflow.acquisition.pool import rated

_ROWS = 1024  # pool rows a block: [1024 T] stays in cache for T up to about 1,000


def epig(query: Question) -> Float[Tensor, " N"]:
    """EPIG2(x) = mean over targets x* of `pair_information`, closed form, in blocks of the pool."""

    def rate(block: Beliefs) -> Tensor:
        parts = torch.split(torch.arange(len(block)), _ROWS)
        return torch.cat([_block_information(query, block[rows]).mean(dim=1) for rows in parts])

    return rated(query.pool, rate)


def pair_information(k: Float[Tensor, "N T"], class_terms: Float[Tensor, "N T"]) -> Float[Tensor, "N T"]:
    """Information that two labels share, to second order in the covariance k Q of their logits.

    EPIG2(x, x*) = 1/2 k^2 tr(F Q F* Q).

    Args:
        k: k(x, x*).
        class_terms: tr(F Q F* Q), from `class_term`.
    """
    return 0.5 * k.square() * class_terms


def class_term(p: Float[Tensor, "N C"], q: Float[Tensor, "T C"], Q: Float[Tensor, "C C"]) -> Float[Tensor, "N T"]:
    """tr(F Q F* Q) for every pair of rows, F = diag(p) - p p^T, F* = diag(q) - q q^T, Q symmetric.

    = p^T (Q o Q) q - (Q p)^2 . q - p . (Q q)^2 + (p^T Q q)^2, squares elementwise: GEMMs of inner dimension C.
    """
    on_p = p @ Q
    linear = (p @ Q.square() - on_p.square()) @ q.T  # [N T]
    return linear - p @ (q @ Q).square().T + (on_p @ q.T).square()


def epig_from_draws(pool: Float[Tensor, "N K C"], target: Float[Tensor, "T K C_t"]) -> Float[Tensor, " N"]:
    """The definition: mean over targets of `pairs_from_draws`."""
    return pairs_from_draws(pool, target).mean(dim=1)


def pairs_from_draws(pool: Float[Tensor, "N K C"], target: Float[Tensor, "T K C_t"]) -> Float[Tensor, "N T"]:
    """I(y; y*) of the joint p(y, y*) = 1/K sum_k p_k(y|x) p_k(y*|x*), for every pair: N T K C C_t operations.

    Both tensors must hold the same K draws of the weights, in the same order; with draws of their own the joint is a
    product and what remains is Monte Carlo bias.
    """
    return torch.stack([_row_information(row, target) for row in pool])


def _row_information(row: Float[Tensor, "K C"], target: Float[Tensor, "T K C_t"]) -> Float[Tensor, " T"]:
    """I(y; y*) of one pool item with every target, as the divergence of the joint from the product."""
    joint = row.T @ target / len(row)  # [T C C_t]
    product = joint.sum(dim=2, keepdim=True) * joint.sum(dim=1, keepdim=True)
    terms = torch.xlogy(joint, joint) - torch.xlogy(joint, product)
    return terms.sum(dim=(1, 2))


def _block_information(query: Question, block: Beliefs) -> Float[Tensor, "n T"]:
    """`pair_information` of some pool rows with all targets."""
    target, Q = query.target, query.Q
    k = block.features @ target.features.T
    return pair_information(k, class_term(block.probabilities, target.probabilities, Q))
