"""Strategies that other installed packages bring: entry points of the group `alflow.strategies`.

An entry point names a function (query, budget, generator) -> Acquisition, whose docstring begins with the caption, or a
`Strategy`, which can also say that it needs no posterior. It is loaded when it is asked for, and what it returns is
checked: a package can fail, but cannot open a round of images that are not there.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from inspect import getdoc
from typing import Any, Final

import torch

from alflow.acquisition.beliefs import Acquisition, Query
from alflow.acquisition.combine import Choose, Strategy
from alflow.errors import InvalidInputError

GROUP: Final = "alflow.strategies"

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_WHOLE: Final = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)

Point = Any
"""An `EntryPoint`: the standard library's, or that of its backport, which serves all once some package imports it."""


@cache
def offered() -> Mapping[str, tuple[Point, ...]]:
    """Name -> its entry points, one unless packages are at odds; looked up once a process, for it reads the disk."""
    found: dict[str, tuple[Point, ...]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, _package(point))):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


@cache
def load(name: str, taken: frozenset[str]) -> Strategy:
    """The strategy that a package offers under this name; what it returns is checked each time.

    Args:
        name: one of `offered`.
        taken: names that alflow keeps for itself.

    Raises:
        InvalidInputError: it cannot be used; the message names the package and says why.
    """
    points = offered()[name]
    where = f"the strategy '{name}' of the package {' and of '.join(dict.fromkeys(map(_package, points)))}"
    if len(points) > 1:
        raise InvalidInputError(f"{where} has one name for two things: uninstall one of them")
    if name in taken or not _NAME.fullmatch(name):
        why = "alflow has one of that name" if name in taken else "names have small letters, digits and hyphens"
        raise InvalidInputError(f"{where} cannot be used, for {why}: rename its entry point")
    try:
        found: Any = points[0].load()
    except Exception as error:
        raise InvalidInputError(f"{where} cannot be loaded ({_told(error)}): {_REMEDY}") from error
    if not callable(found):
        raise InvalidInputError(f"{where} is no function and no Strategy: mend {points[0].value} in the package")
    if isinstance(found, Strategy):
        return replace(found, name=name, choose=_checked(found.choose, where))
    said = " ".join((getdoc(found) or "").strip().split("\n\n")[0].split())
    caption = said or f"Of the package {_package(points[0])}."
    return Strategy(name, caption, _checked(found, where), needs_posterior=True)


_REMEDY: Final = "mend or uninstall the package, or choose another strategy"


def _checked(choose: Choose, where: str) -> Choose:
    """The same, but it answers with rows of the pool, as many as were asked for, or with an error that says who failed.

    The package gets no part of the query that alflow reads again: `acquire` copies the rows for it.
    """

    def checked(query: Query, budget: int, generator: torch.Generator) -> Acquisition:
        try:
            found = choose(query, budget, generator)
        except Exception as error:
            raise InvalidInputError(f"{where} failed ({_told(error)}): {_REMEDY}") from error
        if fault := _fault(found, min(budget, len(query.pool)), len(query.pool)):
            raise InvalidInputError(f"{where} returned {fault}: {_REMEDY}")
        return Acquisition(found.rows.long(), found.scores, found.all_scores)

    return checked


def _fault(found: Any, wanted: int, n_pool: int) -> str | None:
    """What is wrong with an acquisition; None if nothing is."""
    if not isinstance(found, Acquisition):
        return f"a {type(found).__name__}, not an Acquisition"
    parts: dict[str, Any] = {"rows": found.rows, "scores": found.scores, "all_scores": found.all_scores}
    for name, part in parts.items():
        if not isinstance(part, torch.Tensor) or part.ndim != 1:
            return f"{name} that are no tensor of one axis"
    if found.rows.dtype not in _WHOLE or not (
        found.scores.is_floating_point() and found.all_scores.is_floating_point()
    ):
        return f"rows of {found.rows.dtype} and scores of {found.scores.dtype}, not whole numbers and floats"
    return _fault_of_rows(found.rows.tolist(), wanted, n_pool) or _fault_of_scores(found, n_pool)


def _fault_of_rows(rows: list[int], wanted: int, n_pool: int) -> str | None:
    if twice := [row for row in dict.fromkeys(rows) if rows.count(row) > 1][:1]:
        return f"row {twice[0]} twice"
    if outside := [row for row in rows if not 0 <= row < n_pool][:1]:
        return f"row {outside[0]} of a pool of {n_pool}"
    return f"{len(rows)} rows where {wanted} were asked for" if len(rows) != wanted else None


def _fault_of_scores(found: Acquisition, n_pool: int) -> str | None:
    if len(found.scores) != len(found.rows) or len(found.all_scores) != n_pool:
        return f"{len(found.scores)} scores of {len(found.rows)} rows and {len(found.all_scores)} of a pool of {n_pool}"
    if not found.scores.isfinite().all():
        return "scores that are not finite"
    return None


def _package(point: Point) -> str:
    return str(point.dist.name if point.dist is not None else point.module)


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
