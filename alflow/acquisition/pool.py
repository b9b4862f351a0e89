"""A pool that is not held in memory: beliefs of a million images would take 10 GB.

Activations are read again each time they are wanted; only what is asked of every row is held.

Axes: N pool rows, n rows of a block, C classes, P width of the activations.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Pool, Query, Question, believe
from alflow.bayes.model import Model
from alflow.bayes.uncertainty import Uncertainty, uncertainty
from alflow.embeddings import Activations
from alflow.errors import UnavailableError
from alflow.memory import free_bytes, in_words

_GATHERING: Final = 2.0
"""Copies of the activations while blocks are put together."""

Read = Callable[[], Iterable[tuple[Int64[Tensor, " n"], Activations]]]


@dataclass(frozen=True)
class StreamedPool(Pool):
    """A pool whose activations are read whenever they are wanted.

    Attributes:
        model: which believes.
        read: the activations in blocks, each with its rows; each call begins anew, and every row comes once.
        probabilities: the prediction of every row.
        variance: k(x, x) of every row, in square nats.
        novelty: how unlike the pretraining data each row is.
    """

    model: Model
    read: Read
    probabilities: Float[Tensor, "N C"]
    variance: Float[Tensor, " N"]
    novelty: Float[Tensor, " N"]

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, rows: Tensor) -> Beliefs:
        """Beliefs about these rows, in this order: one pass, of which only they are kept."""
        place = torch.full((len(self),), -1)
        place[rows] = torch.arange(len(rows))
        places, parts, missing = [torch.empty(0, dtype=torch.int64)], [], len(rows)
        for its, activations in self.read():
            wanted = (place[its] >= 0).nonzero()[:, 0]
            missing -= len(wanted)
            places.append(place[its[wanted]])
            parts.append(activations[wanted])
            if not missing:
                break
        gathered = Activations.concatenate(parts)
        return believe(self.model, gathered[torch.cat(places).argsort()])

    def parts(self, Q: Float[Tensor, "C C"]) -> Uncertainty:
        """Total, aleatoric and epistemic entropy of each prediction, in nats."""
        return uncertainty(self.probabilities, self.variance, Q)

    def points(self) -> Iterator[tuple[Int64[Tensor, " n"], Float[Tensor, "n P"]]]:
        """Activations in blocks, in the dtype of the model."""
        dtype = self.model.layers.image_weight.dtype
        for rows, activations in self.read():
            yield rows, activations.values.to(dtype)

    def blocks(self) -> Iterator[tuple[Int64[Tensor, " n"], Beliefs]]:
        """Beliefs in blocks."""
        for rows, activations in self.read():
            yield rows, believe(self.model, activations)

    def without(self, rows: Int64[Tensor, " R"]) -> tuple[Self, Int64[Tensor, " M"]]:
        """All other rows: their numbers change, what is read of them does not."""
        free = torch.ones(len(self), dtype=torch.bool).index_fill(0, rows, value=False)
        others, number = free.nonzero()[:, 0], free.cumsum(0) - 1

        def read() -> Iterator[tuple[Tensor, Activations]]:
            for its, activations in self.read():
                kept = free[its].nonzero()[:, 0]
                yield number[its[kept]], activations if len(kept) == len(its) else activations[kept]

        columns = {name: getattr(self, name)[others] for name in ("probabilities", "variance", "novelty")}
        return replace(self, read=read, **columns), others


def rated(pool: Pool, rate: Callable[[Beliefs], Float[Tensor, " n"]]) -> Float[Tensor, " N"]:
    """A number of every row, from the beliefs about it alone, block by block."""
    found: Tensor | None = None
    for rows, block in pool.blocks():
        part = rate(block)
        found = part.new_zeros(len(pool)) if found is None else found
        found[rows] = part
    return pool.probabilities.new_zeros(0) if found is None else found


def in_memory(question: Question, strategy: str, copies: float) -> Query:
    """The same with the whole pool in memory, for a strategy that compares all its rows.

    Args:
        question: a pool that is in memory already is taken as it is.
        strategy: its name.
        copies: how many more copies of the activations it makes, about.

    Raises:
        UnavailableError: there is too little memory; the message says how much it would take.
    """
    pool, labelled = question.pool, question.labelled
    if isinstance(pool, Beliefs):
        return Query(pool, question.target, labelled, question.Q)
    width = labelled.activations.shape[1]
    floats = sum(column[0:1].shape[1] if column.ndim > 1 else 1 for column in labelled.columns())
    needed, free = 4 * len(pool) * (floats + (_GATHERING + copies) * width), free_bytes()
    if free is not None and needed > free:
        raise UnavailableError(
            f"the strategy '{strategy}' compares all {len(pool):,} images of the pool and needs about "
            f"{in_words(needed)} of memory, of which {in_words(free)} are free: choose one that takes the pool in "
            "blocks (`alflow strategies` says which), or a machine with more memory"
        )
    return Query(pool[torch.arange(len(pool))], question.target, labelled, question.Q)
