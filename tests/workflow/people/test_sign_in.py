"""Who comes in, for how long, and how often one may try; on both databases, with real hashes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from alflow.accounts import OPERATOR, Role
from alflow.errors import DeniedError, InvalidInputError
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations, sign_in
from alflow.workflow.people.passwords import is_outdated, is_password
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

PASSWORD = "correct horse battery"
NEW = "staple, and nothing else"
HERE = "192.0.2.7"


@pytest.fixture
def ada(workspace: Workspace) -> int:
    return people.add_account(workspace, "Ada Löwe", PASSWORD).annotator_id


def with_settings(workspace: Workspace, **changes: object) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update=changes))


def by_link(workspace: Workspace) -> Workspace:
    return with_settings(workspace, sign_in_token="token")


@pytest.mark.slow
def test_name_and_password_open_a_session(workspace: Workspace, ada: int) -> None:
    project = create_project(workspace, "birds", "demo", "fp32")
    people.set_role(workspace, project.id, ada, Role.REVIEWER, by=OPERATOR)
    visitor = sign_in.visitor(workspace, sign_in.sign_in(workspace, "  ADA  löwe ", PASSWORD, HERE))
    assert visitor is not None
    assert (visitor.annotator.name, visitor.roles, visitor.everywhere) == ("Ada Löwe", {project.id: "reviewer"}, False)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "password"), [("Ada Löwe", PASSWORD + " "), ("Eve", PASSWORD), ("Ada Löwe", "")])
@pytest.mark.usefixtures("ada")
def test_what_is_wrong_is_not_told(workspace: Workspace, name: str, password: str) -> None:
    with pytest.raises(DeniedError, match=r"^this name and password do not match$"):
        sign_in.sign_in(workspace, name, password, HERE)


def test_without_a_stored_hash_nothing_is_the_password() -> None:
    assert not is_password(None, "")
    assert not is_password("no hash", "no hash")


def test_what_is_kept_of_a_password_is_argon2id(workspace: Workspace, ada: int) -> None:
    kept = _kept(workspace, ada)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not is_outdated(kept)


@pytest.mark.slow
def test_an_outdated_hash_is_made_anew(workspace: Workspace, ada: int) -> None:
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with workspace.database.begin() as tx:
        tx.execute(text("UPDATE account SET password_hash = :old"), {"old": old})
    assert is_outdated(_kept(workspace, ada))
    sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE)
    assert not is_outdated(_kept(workspace, ada))
    assert is_password(_kept(workspace, ada), PASSWORD)


@pytest.mark.slow
def test_ones_own_password(workspace: Workspace, ada: int) -> None:
    """The old one is asked for; every other session and every link to a new password ends."""
    here, there = (sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE) for _ in range(2))
    link = invitations.invite_to_reset(workspace, ada)
    visitor = sign_in.visitor(workspace, here)
    assert visitor is not None
    assert visitor.has_password
    for old, new, error in [
        ("a guess, no more", NEW, DeniedError),
        (PASSWORD, PASSWORD, InvalidInputError),
        (PASSWORD, "too short", InvalidInputError),
    ]:
        with pytest.raises(error):
            sign_in.change_password(workspace, visitor, old, new, HERE)
    assert sign_in.visitor(workspace, there) is not None
    token = sign_in.change_password(workspace, visitor, PASSWORD, NEW, HERE)
    assert [sign_in.visitor(workspace, each) is None for each in (here, there, token)] == [True, True, False]
    with pytest.raises(DeniedError):
        invitations.look_at(workspace, link)
    with pytest.raises(DeniedError):
        sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE)
    assert sign_in.sign_in(workspace, "Ada Löwe", NEW, HERE)


def test_who_has_no_password_changes_none(workspace: Workspace) -> None:
    linked = by_link(workspace)
    visitors = [sign_in.visitor(linked, sign_in.sign_in_by_link(linked, "token", "Bo"))]
    project = create_project(workspace, "birds", "demo", "fp32")
    invitations.invite(workspace, project.id, Role.REVIEWER, email="eve@example.org", by=OPERATOR)
    visitors.append(sign_in.visitor(workspace, sign_in.sign_in_identity(workspace, "eve@example.org", "Eve")))
    for visitor in visitors:
        assert visitor is not None
        assert not visitor.has_password
        with pytest.raises(DeniedError, match="no password here"):
            sign_in.change_password(workspace, visitor, "", NEW, HERE)


@pytest.mark.slow
@pytest.mark.usefixtures("ada")
def test_only_a_hash_of_the_session_is_kept(workspace: Workspace) -> None:
    token = sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE)
    with workspace.database.read() as tx:
        rows = [str(tuple(row)) for row in tx.execute(text("SELECT * FROM session"))]
    assert len(rows) == 1
    assert token not in rows[0]


def _deactivate(workspace: Workspace, ada: int) -> None:
    people.set_active(workspace, ada, active=False)


def _sign_out_and_back_on(workspace: Workspace, ada: int) -> None:
    people.set_active(workspace, ada, active=False)
    people.set_active(workspace, ada, active=True)


def _new_password(workspace: Workspace, ada: int) -> None:
    people.set_password(workspace, ada, "another password")


def _a_week(workspace: Workspace, _: int) -> None:
    _age(workspace, expires_at=timedelta(days=7))


def _a_night_and_a_day(workspace: Workspace, _: int) -> None:
    _age(workspace, seen_at=timedelta(hours=12, seconds=1))


@pytest.mark.slow
@pytest.mark.parametrize("end", [_deactivate, _sign_out_and_back_on, _new_password, _a_week, _a_night_and_a_day])
def test_sessions_end(workspace: Workspace, ada: int, end: Callable[[Workspace, int], None]) -> None:
    token = sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE)
    assert sign_in.visitor(workspace, token) is not None
    end(workspace, ada)
    assert sign_in.visitor(workspace, token) is None


@pytest.mark.slow
@pytest.mark.usefixtures("ada")
def test_a_session_that_is_used_goes_on_and_one_that_only_looks_does_not(workspace: Workspace) -> None:
    token = sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE)
    for used in (True, False):
        _age(workspace, seen_at=timedelta(hours=11))
        assert sign_in.visitor(workspace, token, used=used) is not None
    _age(workspace, seen_at=timedelta(hours=2))
    assert sign_in.visitor(workspace, token) is None


@pytest.mark.slow
@pytest.mark.usefixtures("ada")
def test_signing_out_ends_one_session(workspace: Workspace) -> None:
    here, there = (sign_in.sign_in(workspace, "Ada Löwe", PASSWORD, HERE) for _ in range(2))
    sign_in.sign_out(workspace, here)
    assert sign_in.visitor(workspace, here) is None
    assert sign_in.visitor(workspace, there) is not None


def test_the_link_opens_everything_until_somebody_has_an_account(workspace: Workspace) -> None:
    workspace = by_link(workspace)
    token = sign_in.sign_in_by_link(workspace, "token", "Bo")
    visitor = sign_in.visitor(workspace, token)
    assert visitor is not None
    assert visitor.may(Role.OWNER, 1)
    bo = people.add_account(workspace, "Bo", PASSWORD)
    assert bo.annotator_id == visitor.annotator.id  # goes on as who labelled before
    assert sign_in.visitor(workspace, token) is None
    with pytest.raises(DeniedError, match="there are accounts now"):
        sign_in.sign_in_by_link(workspace, "token", "Bo")


def test_another_link_or_another_host_ends_what_a_link_opened(workspace: Workspace) -> None:
    token = sign_in.sign_in_by_link(by_link(workspace), "token", "Bo")
    assert sign_in.visitor(by_link(workspace), token) is not None
    assert sign_in.visitor(with_settings(workspace, sign_in_token="new"), token) is None
    assert sign_in.visitor(workspace, token) is None
    assert sign_in.visitor(with_settings(workspace, sign_in_token="token", host="0.0.0.0"), token) is None


@pytest.mark.parametrize("wrong", ["", "toke", "token ", "tökén"])
def test_only_the_whole_token_of_the_link_opens(workspace: Workspace, wrong: str) -> None:
    with pytest.raises(DeniedError):
        sign_in.sign_in_by_link(by_link(workspace), wrong, "Bo")


def test_an_unset_token_opens_nothing(workspace: Workspace) -> None:
    with pytest.raises(DeniedError):
        sign_in.sign_in_by_link(workspace, "", "Bo")


def test_an_identity_comes_in_by_invitation_only(workspace: Workspace) -> None:
    project = create_project(workspace, "birds", "demo", "fp32")
    with pytest.raises(DeniedError, match=r"nobody has invited ada@example\.org"):
        sign_in.sign_in_identity(workspace, "ada@example.org", "Ada")
    invitations.invite(workspace, project.id, Role.REVIEWER, email="Ada@Example.org", by=OPERATOR)
    first = sign_in.visitor(workspace, sign_in.sign_in_identity(workspace, "ADA@example.org", "Ada"))
    again = sign_in.visitor(workspace, sign_in.sign_in_identity(workspace, "ada@example.org", "Somebody"))
    assert first is not None
    assert again is not None
    assert (first.annotator, first.roles) == (again.annotator, again.roles)
    assert (first.annotator.name, first.roles) == ("Ada", {project.id: Role.REVIEWER})
    people.set_active(workspace, first.annotator.id, active=False)
    with pytest.raises(DeniedError, match="deactivated"):
        sign_in.sign_in_identity(workspace, "ada@example.org", "Ada")


def test_an_identity_does_not_take_the_name_of_another(workspace: Workspace, ada: int) -> None:
    project = create_project(workspace, "birds", "demo", "fp32")
    invitations.invite(workspace, project.id, Role.ANNOTATOR, email="eve@example.org", by=OPERATOR)
    eve = sign_in.visitor(workspace, sign_in.sign_in_identity(workspace, "eve@example.org", "ada löwe"))
    assert eve is not None
    assert (eve.annotator.name, eve.annotator.id == ada) == ("eve@example.org", False)


@pytest.mark.parametrize(
    "email",
    [
        *("", "ada", "@example.org", "ada@", "ada@localhost", "a b@example.org", "ada@eve@example.org"),
        *("<ada@example.org>", "Ada<ada@example.org>", "ada@example.org,eve@example.org", "mailto:ada@example.org"),
    ],
)
def test_what_is_no_address_is_refused(workspace: Workspace, email: str) -> None:
    with pytest.raises(InvalidInputError, match="not an e-mail address"):
        sign_in.sign_in_identity(workspace, email, "Ada")


def _kept(workspace: Workspace, annotator_id: int) -> str:
    with workspace.database.read() as tx:
        query = text("SELECT password_hash FROM account WHERE annotator_id = :id")
        return str(tx.execute(query, {"id": annotator_id}).scalar())


def _age(workspace: Workspace, **by: timedelta) -> None:
    """Let all sessions be older."""
    with workspace.database.begin() as tx:
        for column, time in by.items():
            then = datetime.fromisoformat(tx.execute(text(f"SELECT {column} FROM session")).scalar_one()) - time
            tx.execute(text(f"UPDATE session SET {column} = :then"), {"then": str(then)})
