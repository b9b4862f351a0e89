"""Cookies: only what was signed with this link's token is believed, and only for a while."""

import pytest

from alflow.domain import Annotator
from ui.sign_in import DAYS, SECONDS_A_DAY, Doorkeeper

ADA = Annotator(7, "Ada Löwe. Jr")
KEEPER = Doorkeeper("a-long-secret-token", 8501)


def test_a_signed_cookie_says_who_it_is() -> None:
    assert KEEPER.read(KEEPER.sign(ADA)) == ADA


@pytest.mark.parametrize(
    "value", [None, "", ".", "..", "7.QWRh.9999999999", "7.QWRh.9999999999.", "é.é.é.é", "a" * 5000]
)
def test_an_unsigned_cookie_says_nothing(value: str | None) -> None:
    assert KEEPER.read(value) is None


def test_every_changed_character_is_noticed() -> None:
    value = KEEPER.sign(ADA)
    for place, character in enumerate(value):
        changed = value[:place] + ("A" if character != "A" else "B") + value[place + 1 :]
        assert KEEPER.read(changed) is None


def test_a_cookie_of_another_token_says_nothing() -> None:
    assert Doorkeeper("another-token", 8501).read(KEEPER.sign(ADA)) is None


def test_a_cookie_ends() -> None:
    value = KEEPER.sign(ADA, now=1_000_000)
    end = 1_000_000 + DAYS * SECONDS_A_DAY
    assert KEEPER.read(value, now=end) == ADA
    assert KEEPER.read(value, now=end + 1) is None


def test_an_unset_token_opens_nothing() -> None:
    open_door = Doorkeeper("", 8501)
    assert not open_door.knows("")
    assert open_door.read(open_door.sign(ADA)) is None


def test_only_the_whole_token_is_known() -> None:
    assert KEEPER.knows("a-long-secret-token")
    assert not any(KEEPER.knows(token) for token in ("", "a-long-secret-toke", "a-long-secret-token ", "tökén"))
