"""Guessing is slow, and nobody locks another out; on both databases, with hashes that take no time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from alflow.errors import DeniedError, TryLaterError
from alflow.store.database import Database
from alflow.store.people import sessions
from alflow.store.people.sessions import Limit
from alflow.workflow.people import accounts as people
from alflow.workflow.people import passwords, sign_in
from alflow.workflow.people.tries import network
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.7", "198.51.100.7"
MINUTE = timedelta(minutes=1)
LATER, WRONG = TryLaterError, DeniedError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred tries in a second."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


@pytest.fixture
def ada(each_workspace: Workspace) -> Workspace:
    people.add_account(each_workspace, "Ada", PASSWORD)
    return each_workspace


def guess(workspace: Workspace, name: str, address: str, times: int = 1, device: str = "") -> list[type]:
    """What became of so many wrong guesses."""
    return [outcome(lambda: sign_in.sign_in(workspace, name, "wrong", address, device)) for _ in range(times)]


def outcome(do: Callable[[], object]) -> type:
    try:
        do()
    except (DeniedError, TryLaterError) as error:
        return type(error)
    return str


@pytest.mark.parametrize("name", ["Ada", "nobody", "A\x00da", "\ud800", "x" * 5_000, ""])
def test_guesses_from_one_address_are_few_and_a_restart_forgets_none(ada: Workspace, name: str) -> None:
    assert guess(ada, name, HERE, 12) == [WRONG] * 10 + [LATER] * 2
    again = replace(ada, database=Database.open(ada.settings.database))
    with pytest.raises(TryLaterError, match=r"try again in (60|5\d) seconds") as refused:
        sign_in.sign_in(again, name, PASSWORD, HERE)
    assert 0 < refused.value.seconds <= 60
    again.database.close()


def test_whoever_guesses_locks_nobody_out_elsewhere(ada: Workspace) -> None:
    """Neither one address that goes on and on, nor thirty at once: from another one may try, and err once."""
    guess(ada, "Ada", HERE, 200)
    assert sign_in.sign_in(ada, "Ada", PASSWORD, THERE)
    for number in range(30):
        guess(ada, "ada", f"203.0.113.{number}", 12)
    assert guess(ada, "Ada", "198.51.100.8") == [WRONG]
    assert sign_in.sign_in(ada, "Ada", PASSWORD, "198.51.100.8")


def test_many_addresses_get_few_guesses_each(ada: Workspace) -> None:
    """Ten each would be as many guesses as there are addresses, ten times."""
    first = [guess(ada, "Ada", f"203.0.113.{number}", 10).count(WRONG) for number in range(10)]
    then = [guess(ada, "Ada", f"198.51.100.{number}", 10).count(WRONG) for number in range(10)]
    assert first == [10] * 10
    assert sum(then) <= 22  # two each, and what comes back within the test


def test_a_browser_that_is_known_signs_in_from_an_address_that_is_refused(ada: Workspace) -> None:
    """Behind one proxy that nobody named, all come from the same address."""
    sign_in.sign_in(ada, "Ada", PASSWORD, HERE, "hers")
    guess(ada, "Ada", HERE, 40)
    for name in "abcde":
        guess(ada, name, HERE, 10)
    assert guess(ada, "Ada", HERE) == [LATER]
    assert sign_in.sign_in(ada, "Ada", PASSWORD, HERE, "hers")
    assert guess(ada, "Ada", HERE, 12, "hers") == [WRONG] * 10 + [LATER] * 2  # but not for ever
    people.add_account(ada, "Bo", PASSWORD)
    assert guess(ada, "Bo", HERE, 1, "hers") == [LATER]  # known to Ada's account, to no other
    assert guess(ada, "Ada", HERE, 1, "a guess") == [LATER]


def test_an_address_has_few_guesses_for_all_names_and_a_success_gives_none_back(ada: Workspace) -> None:
    people.add_account(ada, "Eve", PASSWORD)
    for number in range(29):
        assert guess(ada, f"name {number}", HERE) == [WRONG]
    assert sign_in.sign_in(ada, "Eve", PASSWORD, HERE)  # with an account of one's own
    assert guess(ada, "Ada", HERE, 2)[-1] is LATER


def test_a_success_gives_back_the_tries_of_its_own_name_only(ada: Workspace) -> None:
    people.add_account(ada, "Eve", PASSWORD)
    assert guess(ada, "Ada", HERE, 10) == [WRONG] * 10
    sign_in.sign_in(ada, "Eve", PASSWORD, HERE)
    assert guess(ada, "Ada", HERE) == [LATER]
    assert guess(ada, "Ada", THERE, 9) == [WRONG] * 9
    sign_in.sign_in(ada, "Ada", PASSWORD, THERE)
    assert guess(ada, "Ada", THERE, 9) == [WRONG] * 9


def test_tries_of_the_old_password_count_with_those_to_sign_in(ada: Workspace) -> None:
    visitor = sign_in.visitor(ada, sign_in.sign_in(ada, "Ada", PASSWORD, HERE))
    assert visitor is not None
    change = [outcome(lambda: sign_in.change_password(ada, visitor, "no", "other words", HERE)) for _ in range(11)]
    assert change == [WRONG] * 10 + [LATER]
    assert guess(ada, "Ada", HERE) == [LATER]
    guess(ada, "Ada", "203.0.113.9", 50)
    assert sign_in.change_password(ada, visitor, PASSWORD, "quite other words", THERE)


def test_what_is_kept_of_tries_ends(ada: Workspace) -> None:
    """However many names and addresses somebody makes up."""
    for number in range(20):
        guess(ada, f"name {number}", f"203.0.113.{number}")
    with ada.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM sign_in_limit")).scalar_one() == 60
        tx.execute(text("UPDATE sign_in_limit SET until = :then"), {"then": "2026-01-01 00:00:00"})
    guess(ada, "Ada", HERE)
    with ada.database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM sign_in_limit")).scalar_one() == 3


def test_tries_at_once_are_all_counted(ada: Workspace) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = [each for some in pool.map(lambda _: guess(ada, "Ada", HERE, 4), range(8)) for each in some]
    assert found.count(WRONG) == 10


def test_a_try_comes_back_each_interval(database: Database) -> None:
    limit, now = Limit("place:x", 2, MINUTE), datetime.now(UTC)
    with database.begin() as tx:
        waits = [sessions.count_try(tx, limit, now + seconds * MINUTE / 60) for seconds in (0, 0, 0, 30, 60, 60, 240)]
    assert waits == [0, 0, 60, 30, 0, 60, 0]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::ffff", "2001:db8::/64"),
        ("2001:db8::/64", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("unknown", "unknown"),
        ("", "unknown"),
        ("x" * 1_000, "unknown"),
    ],
)
def test_an_address_counts_by_what_one_household_is_given(address: str, expected: str) -> None:
    assert network(address) == expected
