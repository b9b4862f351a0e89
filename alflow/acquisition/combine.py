"""Strategies made of strategies: a weighted combination, and one that keeps the classes in balance.

    0.7*epig+0.3*typiclust                  ranks, weighted: the form to start with
    standardised(0.7*epig+0.3*margin)       scores less their mean over their standard deviation, weighted

Axes: N pool rows, C classes, B picks.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, cast

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.acquisition.beliefs import Acquisition, Query, Question
from alflow.acquisition.greedy import greedy
from alflow.acquisition.pool import in_memory
from alflow.errors import InvalidInputError

Choose = Callable[[Query, int, torch.Generator], Acquisition]

_STANDARDISED: Final = re.compile(r"standardised\((.*)\)")
_TERM: Final = re.compile(r"(?:(\d+(?:\.\d*)?|\.\d+)\*)?([a-z][a-z0-9-]*)")


@dataclass(frozen=True)
class Strategy:
    """A named way to choose what to ask next.

    Attributes:
        name: by which settings and commands know it.
        caption: one line that says what it does.
        choose: (query, budget, generator) -> acquisition.
        needs_posterior: it reads more of a query than probabilities, activations and embeddings, all that there is to
            know of images and labels without a text.
        copies: how many more copies of the pool's activations it makes, about; None: it takes the pool in blocks.
        by_chance: its picks are drawn without replacement, with chances in proportion to the scores of the rows.
    """

    name: str
    caption: str
    choose: Choose
    needs_posterior: bool = False
    copies: float | None = 2.0
    by_chance: bool = False

    def __call__(self, query: Question, budget: int, generator: torch.Generator) -> Acquisition:
        """Choose `budget` rows of the query's pool; a smaller pool is taken whole.

        Raises:
            UnavailableError: it needs the whole pool in memory, and there is too little.
        """
        if self.copies is None:  # it reads no more of a query than there is of a question
            return self.choose(cast("Query", query), budget, generator)
        return self.choose(in_memory(query, self.name, self.copies), budget, generator)


@dataclass(frozen=True)
class Combination:
    """Weights of strategies by name, and what is weighted: ranks, or standardised scores."""

    weights: tuple[tuple[str, float], ...]
    standardised: bool = False

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        terms = "+".join(f"{weight:g}*{name}" for name, weight in self.weights)
        return f"standardised({terms})" if self.standardised else terms


def parse(text: str) -> Combination | None:
    """Read a combination; None where the text is a single name.

    Raises:
        InvalidInputError: it looks like a combination but cannot be read, a name stands twice or a weight is zero.
    """
    plain = re.sub(r"\s", "", text)
    wrapped = _STANDARDISED.fullmatch(plain)
    if not wrapped and not set("+*(") & set(plain):
        return None
    terms = [_TERM.fullmatch(term) for term in (wrapped[1] if wrapped else plain).split("+")]
    weights = [(term[2], float(term[1] or 1)) for term in terms if term]
    names = [name for name, _ in weights]
    if (
        len(weights) < len(terms)
        or len(set(names)) < len(names)
        or not all(0 < weight < math.inf for _, weight in weights)
    ):
        raise InvalidInputError(
            f"the strategy '{text}' cannot be read: write each name once with a positive weight, as in "
            "'0.7*epig+0.3*typiclust' (ranks) or 'standardised(0.7*epig+0.3*margin)' (scores)"
        )
    return Combination(tuple(weights), standardised=bool(wrapped))


def combined(combination: Combination, find: Callable[[str], Strategy]) -> Strategy:
    """The strategy that picks the rows of the largest weighted mean.

    Ranks run from 1 for a strategy's first choice to 0 for its last; a strategy that plans its batch as a whole has its
    own picks, in their order, before all other rows. So every part keeps its say, whatever the scale of its score.
    """
    parts = [(find(name), weight) for name, weight in combination.weights]
    total = sum(weight for _, weight in parts)
    value = _standardised if combination.standardised else _ranks

    def choose(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
        score = sum(weight / total * value(_rated(part(query, budget, generator))) for part, weight in parts)
        ordered, rows = torch.as_tensor(score).sort(descending=True, stable=True)
        return Acquisition(rows[:budget], ordered[:budget], torch.as_tensor(score))

    names = " and ".join(name for name, _ in combination.weights)
    what = "standardised scores" if combination.standardised else "ranks"
    needs_posterior = any(part.needs_posterior for part, _ in parts)
    return Strategy(combination.text, f"Weighted mean of {what}: {names}.", choose, needs_posterior, copies=None)


def balanced(strategy: Strategy, caption: str) -> Strategy:
    """The strategy's best row of each predicted class in turn, the class with the fewest labels and picks first.

    The class of a labelled row is the one that the fit predicts for it, which has seen its label.
    """

    def choose(query: Question, budget: int, generator: torch.Generator) -> Acquisition:
        score = strategy(query, budget, generator).all_scores
        predicted = query.pool.probabilities.argmax(dim=1)
        n_classes = query.pool.probabilities.shape[1]
        asked = query.labelled.probabilities.argmax(dim=1).bincount(minlength=n_classes)
        left = predicted.bincount(minlength=n_classes)

        def of_rarest() -> Float[Tensor, " N"]:
            rarest = (left > 0) & (asked == asked[left > 0].min())
            return score.where(rarest[predicted], -torch.inf)

        def after(row: int) -> Float[Tensor, " N"]:
            asked[predicted[row]] += 1
            left[predicted[row]] -= 1
            return of_rarest()

        return replace(greedy(of_rarest(), after, budget), all_scores=score)

    return Strategy(f"balanced-{strategy.name}", caption, choose, strategy.needs_posterior, copies=None)


def _rated(found: Acquisition) -> Acquisition:
    """A row that was not rated counts as much as the lowest that was."""
    scores = found.all_scores
    rated = scores[scores.isfinite()]
    lowest = rated.min() if len(rated) else scores.new_zeros(())
    return replace(found, all_scores=scores.where(~scores.isnan(), lowest))


def _ranks(found: Acquisition) -> Float[Tensor, " N"]:
    """1 for the first choice, 0 for the last; equal scores share their mean rank, whatever the order of the rows."""
    score = found.all_scores.double()
    _, level, counts = torch.unique(score, return_inverse=True, return_counts=True)
    place: Tensor = (counts.cumsum(0) - (counts + 1) / 2)[level].double()  # 0 for the smallest
    if not _is_top_k(found):
        place[found.rows] = len(score) + torch.arange(len(found.rows), 0, -1, dtype=place.dtype)
        place = torch.unique(place, return_inverse=True)[1].double()
    ranks: Tensor = place / place.max().clamp_min(1)
    return ranks


def _is_top_k(found: Acquisition) -> bool:
    """Whether the picks are simply the largest scores."""
    best = found.all_scores.topk(len(found.rows)).values
    return torch.equal(best, found.all_scores[found.rows])


def _standardised(found: Acquisition) -> Float[Tensor, " N"]:
    score = found.all_scores.double()
    return (score - score.mean()) / score.std().clamp_min(1e-12)
