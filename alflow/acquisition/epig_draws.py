"""EPIG by Monte Carlo, linear in pool + target: what chi^2 = <G(x), G(x*)> / K^2 makes cheap.

With the K x K Gram matrices G = U U^T of U = (p_k - pbar) / sqrt(pbar), the chi^2 of the K-draw joint against the
product of its margins is an inner product, so its mean over targets needs one mean Gram matrix. Two uses:

    information ~ chi^2 / 2, without its bias (a U-statistic): a score in O((N + T) C K^2)
    0 <= EPIG(x) <= min(log(1 + mean chi^2), BALD(x)): the exact top of the K-draw EPIG with few evaluations

Axes: N pool items, T target items, K draws of the weights, the same for both, C classes, B picks.
"""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.scores import bald

Rate = Callable[[Float[Tensor, "n K C"]], Float[Tensor, " n"]]

_EVALUATED = 32  # rows at a time, from the highest bound down


def u_statistic(
    pool: Iterable[Float[Tensor, "_ K C"]], target: Iterable[Float[Tensor, "_ K C_t"]]
) -> Float[Tensor, " N"]:
    """Mean over targets of an unbiased estimate of chi^2 / 2, for blocks of rows: tr(U^T T U) / (2 K (K - 3)).

    T is the U-centred mean Gram matrix of the targets (zero diagonal, rows that sum to zero), so draws that are
    independent of each other score zero on average; single scores may be negative.

    References:
        Song et al., Feature Selection via Dependence Maximization (JMLR 2012), the unbiased HSIC.
        Szekely and Rizzo, Partial distance correlation (2014), U-centring.
    """
    rate = u_statistic_towards(target)
    return torch.cat([rate(block) for block in pool])


def u_statistic_towards(target: Iterable[Float[Tensor, "_ K C_t"]]) -> Rate:
    """`u_statistic` of a block of rows, with what it needs of the targets made once."""
    across = u_centred(mean_gram(target, centre=False))
    K = len(across)
    return lambda block: (across @ (u := _scaled(block)) * u).sum(dim=(1, 2)) / (2 * K * (K - 3))


def largest(
    bound: Float[Tensor, " N"], evaluate: Callable[[Int64[Tensor, " n"]], Float[Tensor, " n"]], budget: int
) -> tuple[Int64[Tensor, " B"], Float[Tensor, " B"]]:
    """The B rows of largest value, exactly, and their values, where `bound` is never below the value.

    Rows are evaluated from the highest bound down, until no bound exceeds the B-th best value.
    """
    value = torch.full_like(bound, -torch.inf)
    size = min(budget, len(bound))
    for rows in torch.split(bound.argsort(descending=True, stable=True), _EVALUATED):
        if bound[rows[0]] <= value.topk(size).values[-1]:
            break
        value[rows] = evaluate(rows)
    top = value.topk(size)
    return top.indices, top.values


def upper_bound(
    pool: Iterable[Float[Tensor, "_ K C"]], target: Iterable[Float[Tensor, "_ K C_t"]]
) -> Float[Tensor, " N"]:
    """min(log(1 + mean chi^2), BALD) of each row, for blocks of rows: never below its K-draw EPIG."""
    rate = upper_bound_towards(target)
    return torch.cat([rate(block) for block in pool])


def upper_bound_towards(target: Iterable[Float[Tensor, "_ K C_t"]]) -> Rate:
    """`upper_bound` of a block of rows, with what it needs of the targets made once."""
    across = mean_gram(target, centre=True)
    return lambda block: _bound(block, across)


def _bound(block: Float[Tensor, "n K C"], across: Float[Tensor, "K K"]) -> Float[Tensor, " n"]:
    u = _centred(block)
    chi_square = (across @ u * u).sum(dim=(1, 2)) / len(across) ** 2
    return torch.minimum(chi_square.clamp_min(0).log1p(), bald(block))


def mean_gram(target: Iterable[Float[Tensor, "_ K C_t"]], *, centre: bool) -> Float[Tensor, "K K"]:
    """Mean over targets of U U^T, accumulated in float64."""
    total, count = torch.zeros(1, 1, dtype=torch.float64), 0
    for block in target:
        u = _centred(block) if centre else _scaled(block)
        stacked = u.transpose(0, 1).flatten(1)  # [K t C]
        total = total + (stacked @ stacked.T).double()
        count += len(block)
        dtype = block.dtype
    return (total / count).to(dtype)


def u_centred(gram: Float[Tensor, "K K"]) -> Float[Tensor, "K K"]:
    """The matrix without its diagonal and without the (unbiased) means of its rows and columns."""
    K = len(gram)
    wide = gram.double() - torch.diag(gram.diagonal().double())
    rows = wide.sum(dim=1) / (K - 2)
    centred = wide - rows[:, None] - rows + wide.sum() / ((K - 1) * (K - 2))
    return (centred - torch.diag(centred.diagonal())).to(gram.dtype)


def _scaled(draws: Float[Tensor, "n K C"]) -> Float[Tensor, "n K C"]:
    return draws / draws.mean(dim=1, keepdim=True).clamp_min(torch.finfo(draws.dtype).tiny).sqrt()


def _centred(draws: Float[Tensor, "n K C"]) -> Float[Tensor, "n K C"]:
    mean = draws.mean(dim=1, keepdim=True)
    return (draws - mean) / mean.clamp_min(torch.finfo(draws.dtype).tiny).sqrt()
