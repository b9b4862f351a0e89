"""Figures: every point lies on the paper, between round numbers, and its height is to scale."""

from math import nan

import pytest

from alflow.workflow.insight.report import plots
from alflow.workflow.insight.report.plots import Plot, Point, Series


def drawn(*points: tuple[float, float, float, float], **options: bool) -> Plot:
    made = plots.plot([Series("one", [Point(*each) for each in points])], "x", "y", **options)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0.5, 0.4, 0.6)],
        [(0, 0, 0, 0)],
        [(20, 1, 1, 1), (40, 1, 1, 1)],
        [(0, 0.7, 0.6, 0.8), (20, 0.75, 0.7, 0.8), (100_000, 0.9, 0.89, 0.91)],
        [(0, 4.1, -3, 12), (1, 2, 1, 3)],
        [(5, 1e-6, 0, 2e-6), (6, 3e-6, 0, 4e-6)],
        [(5, 1e6, 9e5, 2e6), (7, 3e6, 2e6, 4e6)],
    ],
)
def test_points_lie_on_the_paper(points: list[tuple[float, float, float, float]]) -> None:
    made = drawn(*points)
    (series,) = made.series
    for mark in series.marks:
        assert plots.LEFT <= mark.x <= plots.WIDTH - plots.RIGHT
        for height in (mark.y, mark.low, mark.high):
            assert plots.TOP <= height <= plots.HEIGHT - plots.BOTTOM
        assert mark.high <= mark.y <= mark.low  # paper is measured downward
    for ticks in (made.x_ticks, made.y_ticks):
        assert 2 <= len(ticks) <= 2 * 6
        assert len({tick.text for tick in ticks}) == len(ticks)


def test_heights_are_to_scale() -> None:
    made = drawn((0, 0.2, 0.1, 0.3), (10, 0.4, 0.3, 0.5), (20, 0.6, 0.5, 0.7), share=True)
    first, second, third = made.series[0].marks
    assert second.y - third.y == pytest.approx(first.y - second.y, abs=0.02)
    texts = {tick.text: tick.at for tick in made.y_ticks}
    assert second.y == pytest.approx(texts["40%"], abs=0.02)


def test_what_is_not_known_is_not_drawn() -> None:
    assert plots.plot([Series("one", []), Series("other", [Point(0, nan, nan, nan)])], "x", "y") is None
    (mark,) = drawn((0, 1, nan, nan)).series[0].marks
    assert mark.low == mark.high == mark.y


def test_a_square_has_its_diagonal() -> None:
    made = plots.plot([Series("one", [Point(0.3, 0.4, 0.1, 0.6, 1)], joined=False)], "x", "y", square=True, share=True)
    assert made is not None
    assert made.diagonal.startswith(f"M{plots.LEFT}.0 ")
    assert made.series[0].path == ""
    assert [tick.text for tick in made.x_ticks][:: len(made.x_ticks) - 1] == ["0%", "100%"]
