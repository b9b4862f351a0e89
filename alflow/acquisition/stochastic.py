"""Batches from draws: Gumbel top-k (PowerBALD), and BatchBALD, the information of a whole batch about the weights.

Axes: N pool rows, K draws, C classes, M configurations of the labels of a batch, B picks.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.greedy import greedy
from alflow.acquisition.scores import bald
from alflow.bayes.uncertainty import entropy

MAX_CONFIGURATIONS = 2_000
_ROWS = 64


def gumbel_top_k(score: Float[Tensor, " N"], budget: int, generator: torch.Generator) -> Acquisition:
    """Draw rows without replacement with probabilities proportional to their scores (which are not negative).

    The B largest of log score + Gumbel noise are such a sample. The scores of the picks are their selection
    probabilities, each among the rows that were left when it was drawn.

    References:
        Kirsch et al., Stochastic Batch Acquisition, arXiv 2106.12059 (PowerBALD, beta = 1).
    """
    weights = score.double().clamp_min(torch.finfo(torch.float32).tiny)
    uniform = torch.rand(len(weights), generator=generator, dtype=torch.float64).clamp_min(1e-300)
    rows = (weights.log() - (-uniform.log()).log()).argsort(descending=True, stable=True)[:budget]
    taken = weights[rows]
    before = torch.cat([taken.new_zeros(1), taken.cumsum(0)[:-1]])
    return Acquisition(rows, (taken / (weights.sum() - before)).to(score.dtype), score)


def batch_bald(draws: Float[Tensor, "N K C"], budget: int, generator: torch.Generator) -> Acquisition:
    """Greedy BatchBALD: each pick adds most to the mutual information of the batch's labels and the weights.

    The gain of a row never rises as the batch grows, so a gain from an earlier pick (at first BALD) bounds it from
    above: only rows whose bound exceeds the best gain so far are rated again. The joint of the batch is exact up to
    2,000 configurations and from then on an equally large sample of them, drawn from the joint itself.

    References:
        Kirsch et al., BatchBALD, arXiv 1906.08158; Minoux, Accelerated greedy algorithms (1978).
    """
    conditional = entropy(draws.flatten(0, 1)).view(draws.shape[:2]).mean(dim=1)  # [N]
    alone = bald(draws)
    batch = _Configurations.none(draws)
    bound = _rated(draws, conditional, batch, alone)

    def after(row: int) -> Float[Tensor, " N"]:
        nonlocal batch, bound
        batch = batch.extended(draws[row], generator)
        bound = _rated(draws, conditional, batch, bound.index_fill(0, torch.tensor([row]), -torch.inf))
        return bound

    return replace(greedy(bound, after, budget), all_scores=alone)


def _rated(
    draws: Float[Tensor, "N K C"],
    conditional: Float[Tensor, " N"],
    batch: "_Configurations",
    bound: Float[Tensor, " N"],
) -> Float[Tensor, " N"]:
    """The bounds, with the gains of those rows in their place that might have the largest; the largest is a gain."""
    bound = bound.clone()
    best = -torch.inf
    for next_ones in torch.split(bound.argsort(descending=True, stable=True), _ROWS):
        part = next_ones[bound[next_ones] > best]
        if not len(part):
            break
        gain = batch.entropy_with(draws[part]) - batch.entropy - conditional[part]
        bound[part] = gain.to(bound.dtype)
        best = max(best, float(bound[part].max()))
    return bound


@dataclass(frozen=True)
class _Configurations:
    """Labels that a batch may get.

    Attributes:
        likelihood: p(labels | draw k), [M K].
        weight: how many configurations each stands for, [M]; 1 while all are there.
    """

    likelihood: Float[Tensor, "M K"]
    weight: Float[Tensor, " M"]

    @classmethod
    def none(cls, draws: Float[Tensor, "N K C"]) -> Self:
        """Of the empty batch: one configuration, which is certain."""
        return cls(draws.new_ones(1, draws.shape[1], dtype=torch.float64), draws.new_ones(1, dtype=torch.float64))

    @property
    def entropy(self) -> Float[Tensor, ""]:
        """Of the batch's labels."""
        p = self.likelihood.mean(dim=1)
        return -(self.weight * torch.xlogy(p, p)).sum()

    def entropy_with(self, draws: Float[Tensor, "n K C"]) -> Float[Tensor, " n"]:
        """Of the batch's labels and that of each of these rows."""
        parts = []
        for row in draws.double():
            joint = self.likelihood @ row / len(row)  # [M C]
            parts.append(-(self.weight @ torch.xlogy(joint, joint)).sum())
        return torch.stack(parts)

    def extended(self, row: Float[Tensor, "K C"], generator: torch.Generator) -> Self:
        """Of the batch with one row more."""
        likelihood = (self.likelihood[:, None] * row.double().T).flatten(0, 1)  # [M C, K]
        weight = self.weight.repeat_interleave(row.shape[1])
        if len(weight) <= MAX_CONFIGURATIONS:
            return type(self)(likelihood, weight)
        probability = likelihood.mean(dim=1)
        drawn: Int64[Tensor, " M"] = torch.multinomial(
            weight * probability, MAX_CONFIGURATIONS, replacement=True, generator=generator
        )
        return type(self)(likelihood[drawn], 1 / (MAX_CONFIGURATIONS * probability[drawn]))
