"""When to stop: rules that look at what the rounds so far expected and brought. Any one of them is reason enough.

A round i has n_i labels after it, a quality q_i (accuracy on items kept apart) and an information I_i: what its
strategy expected of the batch before the labels were known, in the unit of its score. Round 0 is the model before any.
The information becomes a gain in quality by calibration on the rounds themselves: q_i - q_(i-1) ~ slope I_i.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt
from typing import Final, Self

FEWEST_ROUNDS: Final = 3
"""Rounds from which on a calibration, or a look back for a plateau, says anything."""


@dataclass(frozen=True)
class History:
    """Rounds in order, from 0; `information[0]` means nothing. A quality that is not known is NaN."""

    labels: tuple[int, ...]
    quality: tuple[float, ...]
    information: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def until(self, length: int) -> Self:
        """The first rounds only."""
        return type(self)(self.labels[:length], self.quality[:length], self.information[:length])


@dataclass(frozen=True)
class Rules:
    """Which rules hold; None switches one off.

    Attributes:
        max_labels: stop once there are so many.
        plateau_rounds: stop when so many rounds together have not improved on the best quality before them ...
        plateau_gain: ... by at least this much.
        min_information: stop once the last batch expected less, per label, than this share of the most that any did.
        label_price: stop once a label is expected to bring less quality than this.
    """

    max_labels: int | None = None
    plateau_rounds: int | None = None
    plateau_gain: float = 0.005
    min_information: float | None = None
    label_price: float | None = None


@dataclass(frozen=True)
class Calibration:
    """Expected against realised gains.

    Attributes:
        information: I_i of each round whose gain is known.
        gains: q_i - q_(i-1), the same rounds.
        slope: gain per unit of information, least squares through the origin, at least zero.
        standard_error: of the slope; infinite before `FEWEST_ROUNDS` rounds.
    """

    information: tuple[float, ...]
    gains: tuple[float, ...]
    slope: float
    standard_error: float


@dataclass(frozen=True)
class Stop:
    """Where the rules would have stopped: the round, its labels, and why."""

    number: int
    labels: int
    reason: str


def reason_to_stop(history: History, rules: Rules) -> str | None:
    """Every rule that says stop, in words; None while none does."""
    reasons = [reason for rule in RULES if (reason := rule(history, rules)) is not None]
    return "; ".join(reasons) or None


def first_stop(history: History, rules: Rules) -> Stop | None:
    """Replay: the first round after which a rule would have said stop, knowing no later one."""
    for length in range(1, len(history) + 1):
        reason = reason_to_stop(history.until(length), rules)
        if reason is not None:
            return Stop(length - 1, history.labels[length - 1], reason)
    return None


def budget(history: History, rules: Rules) -> str | None:
    """There are as many labels as were wanted."""
    if rules.max_labels is None or not len(history) or history.labels[-1] < rules.max_labels:
        return None
    return f"{history.labels[-1]} images are labelled, the limit is {rules.max_labels}"


def plateau(history: History, rules: Rules) -> str | None:
    """The last rounds have not brought quality forward."""
    last = rules.plateau_rounds
    if last is None or len(history) <= last:
        return None
    before, since = _best(history.quality[:-last]), _best(history.quality[-last:])
    if not since - before < rules.plateau_gain:  # NaN: nothing is known
        return None
    return (
        f"the last {last} rounds brought accuracy from {before:.1%} to {since:.1%}, less than {rules.plateau_gain:.1%}"
    )


def low_information(history: History, rules: Rules) -> str | None:
    """There is little left to learn, by the strategy's own account."""
    each = _information_per_label(history)
    if rules.min_information is None or len(each) < FEWEST_ROUNDS or not max(each) > 0:
        return None
    share = each[-1] / max(each)
    if share >= rules.min_information:
        return None
    return (
        f"a label is expected to give {share:.0%} of the information of one in the best round, "
        f"less than {rules.min_information:.0%}"
    )


def price(history: History, rules: Rules) -> str | None:
    """The next label costs more than it is expected to bring, even one standard error above the expectation."""
    each = _information_per_label(history)
    if rules.label_price is None or not each:
        return None
    found = calibrate(history)
    expected = (found.slope + found.standard_error) * each[-1]
    if not expected < rules.label_price:  # NaN and infinity: nothing is known
        return None
    return (
        f"a label is expected to bring at most {100 * expected:.3f} points of accuracy, "
        f"less than its price of {100 * rules.label_price:.3f}"
    )


def calibrate(history: History) -> Calibration:
    """Least squares through the origin of realised gains on expected information."""
    steps = range(1, len(history))
    known = [(history.information[i], history.quality[i] - history.quality[i - 1]) for i in steps]
    known = [(expected, gain) for expected, gain in known if not isnan(expected) and not isnan(gain)]
    information, gains = tuple(each[0] for each in known), tuple(each[1] for each in known)
    squares = sum(expected**2 for expected in information)
    if not squares > 0:
        return Calibration(information, gains, nan, inf)
    slope = sum(expected * gain for expected, gain in known) / squares
    error = inf
    if len(known) >= FEWEST_ROUNDS:
        residual = sum((gain - slope * expected) ** 2 for expected, gain in known)
        error = sqrt(residual / (len(known) - 1) / squares)
    return Calibration(information, gains, max(0.0, slope), error)


Rule = Callable[[History, Rules], str | None]
RULES: Final[Sequence[Rule]] = (budget, plateau, low_information, price)
"""All rules; a new one is a function in this list and a field of `Rules`."""


def _information_per_label(history: History) -> list[float]:
    """Of each round with new labels and a known information."""
    steps = [(i, history.labels[i] - history.labels[i - 1]) for i in range(1, len(history))]
    each = [history.information[i] / new for i, new in steps if new > 0]
    return [value for value in each if not isnan(value)]


def _best(values: Sequence[float]) -> float:
    return max((value for value in values if not isnan(value)), default=nan)
