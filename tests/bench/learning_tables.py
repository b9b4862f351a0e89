"""The points of `tests.bench.learning` as cells of tables: means over seeds, paired differences with their errors."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from alflow.workflow.backtests.comparison import difference
from tests.bench.learning import JUDGED, OTHERS, TOLD, Point

Known = Mapping[str, Sequence[Sequence[Point]]]
"""Points of every seed by set."""

Cells = Iterator[Sequence[str]]


def after_labels(known: Known) -> Cells:
    """What is shown after random labels, against softmax with a temperature cross-validated on the same labels."""
    head = ("images", "labels", "accuracy", "less zero-shot", "NLPD", "softmax / T", "difference")
    yield from _head((*head, "ECE", "softmax / T", "difference"))
    for name, seeds in known.items():
        for n in _reached(seeds, JUDGED):
            zero, here = _at(seeds, 0), _at(seeds, n)
            cells = [name, str(n), _mean(here, "accuracy"), _gap(here, zero, "accuracy")]
            for key in ("nlpd", "ece"):
                cells += [_mean(here, key), _mean(here, f"softmax_{key}"), _gap(here, here, key, f"softmax_{key}")]
            yield cells


def loss_left(known: Known) -> Cells:
    """The mean epistemic part of the test images beside NLPD(n) - NLPD(all labels of the pool), and how often it falls.

    The ratio is that of the means over seeds; asked is between 1/2 and 2.
    """
    titles = [f"{n} labels: epistemic / loss left = ratio" for n in TOLD]
    yield from _head(("images", "all labels", *titles, "falling steps"))
    for name, seeds in known.items():
        all_labels = [each[-1] for each in seeds]
        cells = []
        for n in TOLD:
            if n not in _reached(seeds, TOLD):
                cells.append("-")
                continue
            told = float(np.mean([point["epistemic"] for point in _at(seeds, n)]))
            left = float(np.mean([a["nlpd"] - b["nlpd"] for a, b in zip(_at(seeds, n), all_labels, strict=True)]))
            cells.append(f"{told:.3f} / {left:.3f} = {told / left:.2f}" if left else f"{told:.3f} / 0")
        steps = [
            after["epistemic"] < before["epistemic"]
            for each in seeds
            for before, after in pairwise([point for point in each if point["labels"] in TOLD])
        ]
        yield [name, f"{all_labels[0]['labels']:.0f}", *cells, f"{sum(steps)} of {len(steps)}"]


def unfamiliar(known: Known) -> Cells:
    """AUROC of the epistemic part for images of another world, and of errors by each measure of doubt."""
    head = ("images", "labels", "other world", "AUROC of the epistemic part")
    yield from _head((*head, "errors: by epistemic", "by total", "by largest probability", "epistemic less largest"))
    for name, seeds in known.items():
        for n in _reached(seeds, (0, *TOLD)):
            here = _at(seeds, n)
            other = [OTHERS[name], _mean(here, "other_world")] if name in OTHERS else ["-", "-"]
            errors = [_mean(here, f"errors_{by}") for by in ("epistemic", "total", "largest")]
            yield [name, str(n), *other, *errors, _gap(here, here, "errors_epistemic", "errors_largest")]


def _head(titles: Sequence[str]) -> Cells:
    yield titles
    yield ["---"] * len(titles)


def _reached(seeds: Sequence[Sequence[Point]], wanted: Sequence[int]) -> list[int]:
    there = set.intersection(*({int(point["labels"]) for point in each} for each in seeds))
    return [n for n in wanted if n in there]


def _at(seeds: Sequence[Sequence[Point]], n: int) -> list[Point]:
    return [next(point for point in each if point["labels"] == n) for each in seeds]


def _mean(points: Sequence[Point], key: str) -> str:
    return f"{np.mean([point[key] for point in points]):.3f}"


def _gap(points: Sequence[Point], others: Sequence[Point], key: str, other_key: str | None = None) -> str:
    """Mean of the paired differences, and its standard error."""
    of = (np.array([point[name] for point in each]) for each, name in ((points, key), (others, other_key or key)))
    gap = difference(*of)
    return f"{gap.mean:+.3f} ({gap.standard_error:.3f})"
