"""Every metric (`alflow.metrics`) with a bootstrap interval.

Axes: N items, C classes, R bootstrap resamples, R1 the items as they are and then the resamples.

References:
    Clopper and Pearson, The Use of Confidence or Fiducial Limits, Biometrika 26, 1934.
    Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (resampling of groups).
"""

from collections.abc import Collection, Iterator, Mapping
from math import isfinite
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.errors import InvalidInputError
from alflow.metrics import METRICS

LEVEL = 0.95
_WEIGHTS_AT_ONCE = 2**22  # entries of a block [R N]: 32 MB in float64


class Interval(NamedTuple):
    """A metric on all items, and its 95% interval (see `all_metrics`)."""

    value: float
    low: float
    high: float


def all_metrics(
    probabilities: Float[Tensor, "N C"],
    labels: Int64[Tensor, " N"],
    generator: torch.Generator,
    n_bootstrap: int = 1000,
    names: Collection[str] | None = None,
    groups: Int64[Tensor, " N"] | None = None,
) -> dict[str, Interval]:
    """Every metric of `METRICS` (or of `names` among them) that is defined for these items.

    The intervals are percentiles of the bootstrap over items, or over groups: items of one group (any number that they
    share, such as that of the object they show) are resampled together, since taken as independent they would make the
    intervals too narrow. Where all answers are right, or all wrong, every resample is the same; the interval of the
    accuracy is then the exact one (Clopper and Pearson), so that three out of three are 1 in [0.29, 1]. Those of the
    other metrics stay as narrow as the items are alike.

    Raises:
        InvalidInputError: there are no items, a label or a probability is not one, or not every item has a group.
    """
    found = _with_resamples(probabilities, labels, generator, n_bootstrap, names, groups)
    intervals = _intervals({name: (float(drawn[0]), drawn[1:]) for name, drawn in found.items()})
    if "accuracy" in intervals:
        n_independent = len(labels) if groups is None else len(torch.unique(groups))
        intervals["accuracy"] = _exact_at_the_ends(intervals["accuracy"], n_independent)
    return intervals


def paired_differences(
    probabilities: Float[Tensor, "N C"],
    reference: Float[Tensor, "N C"],
    labels: Int64[Tensor, " N"],
    generator: torch.Generator,
    n_bootstrap: int = 1000,
    names: Collection[str] | None = None,
    groups: Int64[Tensor, " N"] | None = None,
) -> dict[str, Interval]:
    """By how much each metric of `probabilities` is above that of `reference`, two predictions of the same items.

    Both are resampled together, so that what makes items hard for both falls out of the interval; groups of items as
    in `all_metrics`.

    Raises:
        InvalidInputError: there are no items, a label or a probability is not one, or not every item has a group.
    """
    state = generator.get_state()
    above = _with_resamples(probabilities, labels, generator, n_bootstrap, names, groups)
    below = _with_resamples(reference, labels, generator.set_state(state), n_bootstrap, names, groups)
    gaps = {name: above[name] - below[name] for name in above}
    return _intervals({name: (float(gap[0]), gap[1:]) for name, gap in gaps.items()})


def _with_resamples(
    probabilities: Float[Tensor, "N C"],
    labels: Int64[Tensor, " N"],
    generator: torch.Generator,
    n_bootstrap: int,
    names: Collection[str] | None,
    groups: Int64[Tensor, " N"] | None,
) -> dict[str, Float[Tensor, " R1"]]:
    """Each metric on the items as they are, then on each resample of them."""
    groups = torch.arange(len(labels)) if groups is None else groups
    _check(probabilities, labels, groups)
    probabilities = probabilities.double()
    parts: dict[str, list[Tensor]] = {name: [] for name in METRICS if names is None or name in names}
    for weights in _resamples(groups, generator, n_bootstrap):
        for name, values in parts.items():
            values.append(METRICS[name](probabilities, labels, weights))
    return {name: torch.cat(values) for name, values in parts.items()}


def _resamples(
    groups: Int64[Tensor, " N"], generator: torch.Generator, n_bootstrap: int
) -> Iterator[Float[Tensor, "R N"]]:
    """How often each item counts: once, then as often as each resample drew its group; in blocks of bounded memory."""
    yield torch.ones(1, len(groups), dtype=torch.float64)
    distinct, group = torch.unique(groups, return_inverse=True)
    n_groups, done = len(distinct), 0
    while done < n_bootstrap:
        size = min(n_bootstrap - done, max(1, _WEIGHTS_AT_ONCE // len(groups)))
        drawn = torch.randint(n_groups, (size, n_groups), generator=generator)
        counts = torch.zeros(size, n_groups, dtype=torch.float64)
        counts.scatter_add_(1, drawn, torch.ones(size, n_groups, dtype=torch.float64))
        yield counts[:, group]
        done += size


def _intervals(found: Mapping[str, tuple[float, Tensor]]) -> dict[str, Interval]:
    """Percentiles of the resamples; what is not defined, on the items or on any resample, is left out."""
    tails = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    intervals = {}
    for name, (value, drawn) in found.items():
        draws = drawn[drawn.isfinite()]
        if isfinite(value) and len(draws):
            low, high = torch.quantile(draws, tails).tolist()
            intervals[name] = Interval(value, low, high)
    return intervals


def _exact_at_the_ends(share: Interval, n: int) -> Interval:
    """The interval of Clopper and Pearson where all of n are alike, else as it is."""
    least = ((1 - LEVEL) / 2) ** (1 / n)  # the share with which n out of n are as rare as a tail
    if share.value == 1:
        return share._replace(low=least)
    return share._replace(high=1 - least) if share.value == 0 else share


def _check(probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], groups: Int64[Tensor, " M"]) -> None:
    if len(labels) == 0 or len(labels) != len(probabilities):
        raise InvalidInputError(
            f"{len(labels)} labels for {len(probabilities)} predictions: give one label for each of at least one item"
        )
    if not 0 <= int(labels.min()) <= int(labels.max()) < probabilities.shape[1]:
        raise InvalidInputError(f"a label is none of the {probabilities.shape[1]} classes: give their row numbers")
    if len(groups) != len(labels):
        raise InvalidInputError(f"{len(groups)} groups for {len(labels)} items: give the group of each item")
    if not bool(((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all()):  # NaN fails too
        raise InvalidInputError("a probability is not between 0 and 1: check the predictions for NaN")
