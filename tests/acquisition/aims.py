"""What the default strategy and its Gaussian process are aimed at, by the words of the docstrings."""

import torch

from alflow.acquisition.aims import TARGETS_OWN_SHARE
from alflow.acquisition.likeness import LENGTH


def kernel(a, b):
    """1 / (1 + |a - b|^2 / (2 LENGTH^2)) of every pair, written out."""
    return 1 / (1 + (a[:, None] - b[None]).square().sum(dim=2) / (2 * LENGTH**2))


def centre_of(query):
    return torch.cat([query.pool.activations, query.labelled.activations]).mean(dim=0)


def unit(rows, centre):
    return torch.stack([(row - centre) / (row - centre).norm() for row in rows])


def aims(query, centre):
    """Every image that is aimed at, its share and its label variance, by the words of the docstrings."""
    known = torch.cat([query.pool.activations, query.labelled.activations])
    pool, target = unit(known, centre), unit(query.target.activations, centre)
    own, handed = [], torch.zeros(len(pool), dtype=pool.dtype)
    for row in target:
        near = kernel(pool, row[None])[:, 0] ** 8
        near[pool @ row <= 0] = 0
        if not near.any():
            own.append(1.0)
            continue
        own.append(TARGETS_OWN_SHARE)
        handed += (1 - TARGETS_OWN_SHARE) * near / near.sum()
    shares = torch.cat([torch.tensor(own, dtype=pool.dtype), handed]) / len(target)
    p = torch.cat([part.probabilities for part in (query.target, query.pool, query.labelled)])
    fisher = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    return torch.cat([target, pool]), shares, fisher.diagonal(dim1=1, dim2=2).sum(dim=1)
