import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from alflow.acquisition import plugins
from alflow.acquisition.acquire import acquire
from alflow.acquisition.strategies import available, find
from alflow.errors import InvalidInputError
from tests import packages

RUBBISH = {
    "twice": "row 0 twice",
    "outside": "row 40 of a pool of 40",
    "negative": "row -1 of a pool of 40",
    "few": "7 rows where 8 were asked for",
    "many": "9 rows where 8 were asked for",
    "nan": "scores that are not finite",
    "short": "8 scores of 8 rows and 1 of a pool of 40",
    "nothing": "a NoneType, not an Acquisition",
}


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Packages with good and bad strategies are installed."""
    monkeypatch.syspath_prepend(tmp_path)
    good = {"last": "good_ones:last", "free": "good_ones:free", "partial": "good_ones:partial"}
    packages.install(tmp_path, "good-ones", {"good_ones": packages.GOOD}, good)
    bad = {name: f"bad_ones:{name}" for name in (*RUBBISH, "raising")}
    packages.install(tmp_path, "bad-ones", {"bad_ones": packages.BAD}, bad)
    broken = {"gone": "no_such_module:f", "bare": "good_ones:number", "lost": "good_ones:no_such_name"}
    broken |= {"margin": "good_ones:last", "boss": "good_ones:last", "Shouted": "good_ones:last"}
    packages.install(tmp_path, "broken", {}, broken | {"shared": "good_ones:last"})
    packages.install(tmp_path, "rival", {}, {"shared": "good_ones:last"})
    plugins.offered.cache_clear()
    plugins.load.cache_clear()
    yield tmp_path
    plugins.offered.cache_clear()
    plugins.load.cache_clear()


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_function_of_another_package_is_a_strategy(make_world) -> None:
    query = make_world().query
    chosen, control = acquire(query, "last", 8, 0, seeded())
    assert (chosen.rows.tolist(), control.tolist()) == (list(range(39, 31, -1)), [])
    assert (find("last").caption, find("last").needs_posterior) == ("The last rows of the pool.", True)
    assert (find("free").name, find("free").caption, find("free").needs_posterior) == (
        "free",
        "Needs no posterior.",
        False,
    )
    assert acquire(query, "2*last+free", 3, 0, seeded())[0].rows.tolist() == [39, 38, 37]


def test_rows_that_are_not_rated_come_last_in_a_combination(make_world) -> None:
    chosen, _ = acquire(make_world().query, "standardised(partial+9*last)", 3, 0, seeded())
    assert chosen.rows.tolist() == [39, 38, 37]
    chosen, _ = acquire(make_world().query, "9*partial+last", 2, 0, seeded())
    assert chosen.rows.tolist() == [1, 2]


@pytest.mark.parametrize(("name", "fault"), RUBBISH.items())
def test_rubbish_is_refused_by_name(make_world, name: str, fault: str) -> None:
    with pytest.raises(InvalidInputError, match=f"'{name}' of the package bad-ones returned {re.escape(fault)}: mend"):
        acquire(make_world().query, name, 8, 0, seeded())


def test_one_that_raises_is_named(make_world) -> None:
    with pytest.raises(InvalidInputError, match=r"'raising' of the package bad-ones failed .*division by zero"):
        acquire(make_world().query, "random+raising", 8, 0.15, seeded())


def test_what_cannot_be_used_is_listed_with_the_reason() -> None:
    usable, faults = available()
    assert {"last", "free", "raising"} <= usable.keys()
    assert usable["margin"] is find("margin")
    told = {
        "gone": "package broken cannot be loaded (ModuleNotFoundError: No module named 'no_such_module'): mend or",
        "lost": "cannot be loaded (AttributeError",
        "bare": "is no function and no Strategy: mend good_ones:number",
        "margin": "alflow has one of that name: rename",
        "boss": "alflow has one of that name: rename",
        "Shouted": "small letters",
        "shared": "'shared' of the package broken and of rival has one name for two things: uninstall one",
    }
    assert faults.keys() == told.keys()
    assert [name for name, words in told.items() if words not in faults[name]] == []
    with pytest.raises(InvalidInputError, match=r"no strategy 'lats': choose one of default.*free"):
        find("lats")
