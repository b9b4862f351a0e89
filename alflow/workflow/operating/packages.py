"""The packages that run here, against those that alflow needs and those that it was tested with."""

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import alflow
from alflow.workflow.operating.checks import Check, error, ok, warning

PINS: Final = ("prefect>=3.8,<4", "fastapi<0.151", "sqlalchemy>=2.0.40,<2.1")
"""What alflow is known to break with; its own metadata name more."""

_PYTHON: Final = SpecifierSet(">=3.11")
_FOLDER: Final = Path(alflow.__file__).resolve().parent
_NAMED: Final = 5


def python() -> Check:
    """The version of Python."""
    found = platform.python_version()
    if found not in _PYTHON:
        return error("Python", f"this is {found}, and alflow needs {_PYTHON}: install it in a newer Python")
    return ok("Python", found)


def packages() -> Iterator[Check]:
    """What is missing or out of bounds, and what differs from the tested set."""
    wrong = [said for each in _needed() if (said := _misfit(each))]
    if wrong:
        yield error("packages", f"{'; '.join(wrong)}: run `pip install --upgrade alflow`")
    else:
        yield ok("packages", "all that alflow needs, within its bounds")
    yield tested_set(_tested())


def tested_set(tested: Mapping[str, str] | None) -> Check:
    """How the installed packages differ from these; None if nobody knows which were tested."""
    if tested is None:
        return ok("tested set", "not known here: constraints.txt of the repository names it")
    here = {name: found for name in tested if (found := _version(name)) is not None}
    other = [f"{name} {found} (tested: {tested[name]})" for name, found in here.items() if found != tested[name]]
    if not other:
        return ok("tested set", f"all {len(here)} installed packages of it are as tested")
    more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
    return warning(
        "tested set",
        f"{len(other)} of {len(here)} packages are of other versions than tested, {', '.join(other[:_NAMED])}{more}: "
        "install with `pip install -c constraints.txt`",
    )


def read_constraints(text: str) -> dict[str, str]:
    """The versions that a file of constraints names, by package; other lines are left out."""
    lines = (line.partition("#")[0].partition(";")[0] for line in text.splitlines())
    pairs = (line.partition("==") for line in lines)
    return {canonicalize_name(name.strip()): number.strip() for name, same, number in pairs if same}


def _needed() -> Iterator[Requirement]:
    """Of this platform; of extras only what is installed."""
    try:
        given = requires("alflow") or []
    except PackageNotFoundError:  # run from a checkout
        given = []
    for line in (*PINS, *given):
        try:
            one = Requirement(line)
        except InvalidRequirement:
            continue
        if (
            one.marker is None
            or one.marker.evaluate({"extra": ""})
            or ("extra" in str(one.marker) and _version(one.name) is not None)
        ):
            yield one


def _misfit(needed: Requirement) -> str:
    """What is wrong with the installed version; empty if nothing."""
    found = _version(needed.name)
    if found is None:
        return f"{needed.name} is missing"
    if needed.specifier.contains(found, prereleases=True):
        return ""
    return f"{needed.name} is {found}, and alflow needs {needed.specifier}"


def _version(name: str) -> str | None:
    try:
        return version(name).partition("+")[0]  # without the build: 2.9.1+cpu is 2.9.1
    except PackageNotFoundError:
        return None


def _tested() -> dict[str, str] | None:
    """From the package, or from the repository that it runs from."""
    for place in (_FOLDER / "constraints.txt", _FOLDER.parent / "constraints.txt"):
        if place.is_file():
            return read_constraints(place.read_text(encoding="utf-8"))
    return None
