"""Figures as numbers on paper: the page draws them as SVG, without a program that runs when it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Final

WIDTH: Final = 480
HEIGHT: Final = 270
LEFT, RIGHT, TOP, BOTTOM = 54, 24, 14, 46
"""Room around the figure, for the axes."""
_TICKS: Final = 6


@dataclass(frozen=True)
class Point:
    """A number with its interval, over another number; `size` is how much it stands for, from 0 to 1."""

    x: float
    y: float
    low: float
    high: float
    size: float = 0.0


@dataclass(frozen=True)
class Series:
    """Points of one kind, by its name; those of a line are joined."""

    name: str
    points: Sequence[Point]
    joined: bool = True


@dataclass(frozen=True)
class Tick:
    """A mark on an axis, at this place, with its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A point on paper: its interval reaches from `low` to `high`, and `radius` is its size."""

    x: float
    y: float
    low: float
    high: float
    radius: float


@dataclass(frozen=True)
class Drawn:
    """A series on paper; `path` joins its points, empty where they are not."""

    name: str
    marks: tuple[Mark, ...]
    path: str


@dataclass(frozen=True)
class Plot:
    """A figure on paper, in its own units."""

    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[Drawn, ...]
    diagonal: str


def plot(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    *,
    share: bool = False,
    square: bool = False,
) -> Plot | None:
    """The figure of some series; None where none has a point.

    Args:
        series: what is drawn.
        x_title, y_title: of the axes.
        share: whether the upright axis shows percentages.
        square: whether both axes go from 0 to 1, with the line where they are equal.
    """
    kept = [Series(each.name, _finite(each.points), each.joined) for each in series]
    points = [point for each in kept for point in each.points]
    if not points:
        return None
    across = (0.0, 1.0) if square else (min(one.x for one in points), max(one.x for one in points))
    upright = (0.0, 1.0) if square else (min(one.low for one in points), max(one.high for one in points))
    x_values, y_values = _ticks(*across, whole=not square), _ticks(*upright)
    x = _scale(x_values[0], x_values[-1], LEFT, WIDTH - RIGHT)
    y = _scale(y_values[0], y_values[-1], HEIGHT - BOTTOM, TOP)
    return Plot(
        x_title,
        y_title,
        tuple(Tick(x(value), _text(value, x_values, share=square)) for value in x_values),
        tuple(Tick(y(value), _text(value, y_values, share=share)) for value in y_values),
        tuple(_drawn(each, x, y) for each in kept if each.points),
        f"M{x(0):.1f} {y(0):.1f}L{x(1):.1f} {y(1):.1f}" if square else "",
    )


def _finite(points: Sequence[Point]) -> list[Point]:
    """Points that can be drawn; an interval that is not known is none."""
    known = [one for one in points if isfinite(one.x) and isfinite(one.y)]
    return [
        one if isfinite(one.low) and isfinite(one.high) else Point(one.x, one.y, one.y, one.y, one.size)
        for one in known
    ]


def _drawn(series: Series, x: Callable[[float], float], y: Callable[[float], float]) -> Drawn:
    ordered = sorted(series.points, key=lambda one: one.x)
    marks = tuple(Mark(x(one.x), y(one.y), y(one.low), y(one.high), 3.5 + 6 * one.size**0.5) for one in ordered)
    path = "L".join(f"{one.x:.1f} {one.y:.1f}" for one in marks)
    return Drawn(series.name, marks, f"M{path}" if series.joined and len(marks) > 1 else "")


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 2)


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers from below the lowest to above the highest; whole ones if asked. At least two."""
    if high <= low:
        room = 1.0 if whole else abs(low) * 0.1 or 0.1
        low, high = low - room * (low > 0), high + room
    rough = (high - low) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _text(value: float, values: Sequence[float], *, share: bool) -> str:
    step = (values[1] - values[0]) * (100 if share else 1)
    digits = max(0, -floor(log10(step) + 1e-9))
    return f"{100 * value:,.{digits}f}%" if share else f"{value:,.{digits}f}"
