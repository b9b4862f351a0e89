"""Which passwords are accepted, and that the same one typed elsewhere is the same."""

import unicodedata

import pytest
from argon2 import PasswordHasher

from alflow.accounts import OPERATOR, Role
from alflow.errors import AlflowError, InvalidInputError
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations, sign_in
from alflow.workflow.people.passwords import check_password, hash_password, is_password
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace

ABOUT = ["Ada Löwe", "ada.lovelace@example.org", "garden-birds", "https://label.example.org:8443", "alflow"]


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "password123",
        "Password1!",
        "P@ssw0rd123",
        "iloveyou12",
        "letmein1234",
        "trustno1trustno1",
        "administrator",
        "changeme123",
        "summer2024!",
        "drowssap321",
        "aaaaaaaaaaaa",
        "ababababababab",
        "abcdefghijkl",
        "zyxwvutsrqpo",
        "09876543210",
        "qwertyuiop",
        "qwertzuiopü",
        "1q2w3e4r5t6y",
        "asdfghjkl;'",
        "zaq12wsxcde3",
        "11/11/1990ab",
        "AdaLöwe2024",
        "adalöwe!adalöwe!",
        "lovelace1815",
        "garden_birds_1",
        "GardenBirds99!",
        "label.example.org",
        "alflow-alflow",
        "Alflow2024!",
        "Monday2024!",
        "sommer2024!",
        "!!Summer2025",
        "йцукенгшщз",
        "ЙЦУКЕНГШЩЗ",
    ],
)
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidInputError, match="easy to guess"):
        check_password(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "jX9$kq2LmW",
        "another password",
        "kitten!7381$%^2",
        "my ada likes a löwe best",
        "garden birds sing at dawn",
        "Äpfel, Birnen & Quitten",
        "пароль из слов леса",
        "密码由四个随机词组成啊",
        "x" * 30 + "kq2LmWjX9$vT",
    ],
)
def test_what_takes_many_guesses_is_accepted(password: str) -> None:
    check_password(password, ABOUT)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short one", "10 to 256"),
        ("ﬁﬁﬁﬁ", "10 to 256"),
        ("kq2LmWjX9$" * 26, "10 to 256"),
        ("kq2LmW\x00jX9$vT", "control"),
        ("kq2LmW\njX9$vT", "control"),
        ("kq2LmW\ud800jX9$vT", "control"),
    ],
)
def test_bounds(password: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        check_password(password)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("Äpfel, Birnen", unicodedata.normalize("NFD", "Äpfel, Birnen")),
        (unicodedata.normalize("NFD", "Äpfel, Birnen"), "Äpfel, Birnen"),
        ("".join(chr(ord(each) + 0xFEE0) for each in "kq2LmWjX9"), "kq2LmWjX9"),
        ("ﬁsh and chips ①", "fish and chips 1"),
    ],
)
def test_one_password_in_two_unicode_forms_is_one(chosen: str, typed: str) -> None:
    assert is_password(hash_password(chosen), typed)
    assert not is_password(hash_password(chosen), typed.upper())


@pytest.mark.slow
def test_hashes_of_before_are_still_of_their_password() -> None:
    typed = unicodedata.normalize("NFD", "Äpfel, Birnen")
    assert is_password(PasswordHasher().hash(typed), typed)
    assert is_password(PasswordHasher().hash("Äpfel, Birnen"), typed)


@pytest.mark.parametrize("password", ["", "\x00", "\ud800", "ﷺ" * 10_000, "x" * 100_000])
def test_whatever_is_typed_is_checked(password: str) -> None:
    assert not is_password(None, password)


@pytest.mark.slow
@pytest.mark.parametrize("weak", ["qwertyuiop12", "garden birds 1", "Ada Ada Ada Ada"])
def test_every_door_refuses_what_is_easy_to_guess(workspace: Workspace, weak: str) -> None:
    project = create_project(workspace, "garden birds", "demo", "fp32")
    with pytest.raises(InvalidInputError, match="easy to guess"):
        people.add_account(workspace, "Ada", weak)
    ada = people.add_account(workspace, "Ada", "correct horse battery").annotator_id
    visitor = sign_in.visitor(workspace, sign_in.sign_in(workspace, "Ada", "correct horse battery", ""))
    assert visitor is not None
    _, link = invitations.invite(workspace, project.id, Role.ANNOTATOR, by=OPERATOR)
    reset = invitations.invite_to_reset(workspace, ada)
    for choose in (
        lambda: people.set_password(workspace, ada, weak),
        lambda: invitations.accept(workspace, link, "Ada B", weak),
        lambda: invitations.accept(workspace, reset, "", weak),
        lambda: sign_in.change_password(workspace, visitor, "correct horse battery", weak, ""),
    ):
        with pytest.raises(AlflowError, match="easy to guess"):
            choose()
    assert invitations.accept(workspace, reset, "", "quite other words")  # the link stayed valid
