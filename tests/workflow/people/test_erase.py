"""What a person asked to be forgotten goes, from every table and from the file; their answers stay."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text

from alflow.accounts import OPERATOR, Role, Visitor
from alflow.domain.answers import Annotator, Verdict
from alflow.domain.projects import Project
from alflow.errors import ConflictError, DeniedError, NotFoundError
from alflow.store.answers import adjudications, history
from alflow.store.answers.adjudications import NewAdjudication
from alflow.store.desk import presence
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.export import label_rows
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people import accounts as people
from alflow.workflow.people import annotators, invitations, sign_in
from alflow.workflow.people.erase import Erased, Known, erase, find_person, known_of
from alflow.workflow.projects.projects import create_project
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import colour_project

pytestmark = pytest.mark.slow

NAME, EMAIL, PASSWORD = "Ottokar Quenzel", "ottokar@quenzel.example", "correct horse battery"
REMARK = "says Q. himself"
TRACES = ("ottokar", "quenzel", "argon2")


@pytest.fixture
def labelled(each_workspace: Workspace, tmp_path: Path) -> Project:
    """A project in which the person has answered, commented, settled and been everywhere."""
    workspace = each_workspace
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    who = people.add_account(workspace, NAME, PASSWORD, EMAIL).annotator_id
    people.set_role(workspace, project.id, who, Role.OWNER, by=OPERATOR)
    people.set_role(
        workspace, project.id, people.add_account(workspace, "Bo", PASSWORD).annotator_id, Role.OWNER, by=OPERATOR
    )
    invitations.invite(workspace, project.id, Role.REVIEWER, email=EMAIL, by=OPERATOR)
    invitations.invite_to_reset(workspace, who)
    visitor = sign_in.visitor(workspace, sign_in.sign_in(workspace, NAME, PASSWORD, "192.0.2.7", "a browser"))
    invitations.invite(workspace, project.id, Role.ANNOTATOR, by=visitor)
    with pytest.raises(DeniedError):
        sign_in.sign_in(workspace, NAME, "wrong", "192.0.2.8")
    first, *_ = next_candidates(workspace, project.id, who)
    given = Submission("t", first.candidate.id, Verdict.CLASS, first.item.truth, 1.0, comment=REMARK)
    submit(workspace, project.id, who, given)
    with workspace.database.begin() as tx:
        presence.note(tx, project.id, who, datetime.now(UTC))
        new = NewAdjudication(project.id, first.item.id, who, None, REMARK, [], datetime.now(UTC))
        adjudications.settle(tx, new)
    return project


def test_who_they_were_goes_and_what_they_answered_stays(each_workspace: Workspace, labelled: Project) -> None:
    workspace, who = each_workspace, find_person(each_workspace, NAME.upper()).id
    before = _history(workspace, labelled)
    found = erase(workspace, who)
    assert found == Erased(f"person-{who}", 1, 2, 3, rewritten=True)
    assert not [trace for trace in TRACES if trace in _everything(workspace, without="Bo")]
    assert [row.annotator for row in label_rows(workspace, labelled.id)] == [found.name]
    assert [row.comment for row in label_rows(workspace, labelled.id)] == [REMARK]
    assert _history(workspace, labelled) == before
    assert check_history(workspace, labelled.id) == []
    assert [one.account.name for one in people.list_members(workspace, labelled.id)] == ["Bo"]


def test_nobody_comes_in_under_the_old_name_and_a_new_one_of_it_is_somebody_else(
    each_workspace: Workspace, labelled: Project
) -> None:
    workspace, who = each_workspace, find_person(each_workspace, NAME).id
    token = sign_in.sign_in(workspace, NAME, PASSWORD, "192.0.2.7")
    erase(workspace, who)
    assert sign_in.visitor(workspace, token) is None
    with pytest.raises(DeniedError):
        sign_in.sign_in(workspace, NAME, PASSWORD, "192.0.2.7")
    with pytest.raises(DeniedError):
        sign_in.sign_in_identity(workspace, EMAIL, NAME)
    with pytest.raises(NotFoundError):
        find_person(workspace, NAME)
    again = people.add_account(workspace, NAME, PASSWORD, EMAIL)
    assert again.annotator_id != who
    assert dict(people.list_accounts(workspace))[again] == {}
    assert {row.annotator for row in label_rows(workspace, labelled.id)} == {f"person-{who}"}


def test_what_they_wrote_goes_too_where_that_is_asked(each_workspace: Workspace, labelled: Project) -> None:
    """But for the history of labels, which nobody can change, and which says so."""
    workspace, who = each_workspace, find_person(each_workspace, NAME).id
    before = _history(workspace, labelled)
    assert erase(workspace, who, comments=True).remarks == 2
    assert [row.comment for row in label_rows(workspace, labelled.id)] == [""]
    with workspace.database.read() as tx:
        assert [one.note for one in adjudications.standing(tx, labelled.id).values()] == [""]
    after = _history(workspace, labelled)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
    assert check_history(workspace, labelled.id) == []


@pytest.mark.usefixtures("labelled")
def test_done_again_it_changes_nothing(each_workspace: Workspace) -> None:
    who = find_person(each_workspace, NAME).id
    first = erase(each_workspace, who)
    assert erase(each_workspace, find_person(each_workspace, first.name).id) == Erased(
        first.name, 1, 2, 0, rewritten=True
    )


def test_no_byte_of_it_is_left_in_the_files(workspace: Workspace, tmp_path: Path) -> None:
    who = people.add_account(workspace, NAME, PASSWORD, EMAIL)
    sign_in.sign_in(workspace, NAME, PASSWORD, "192.0.2.7")
    assert any(trace.encode() in _bytes(tmp_path) for trace in TRACES)
    assert erase(workspace, who.annotator_id).rewritten
    assert not [trace for trace in TRACES if trace.encode() in _bytes(tmp_path)]


def test_the_last_owner_stays(workspace: Workspace) -> None:
    birds = create_project(workspace, "birds", "demo", "fp32")
    ada, bo = (people.add_account(workspace, name, email=f"{name}@example.org").annotator_id for name in ("Ada", "Bo"))
    people.set_role(workspace, birds.id, ada, Role.OWNER, by=OPERATOR)
    for role, active in ((Role.ENGINEER, True), (Role.OWNER, False)):
        people.set_role(workspace, birds.id, bo, role, by=OPERATOR)
        people.set_active(workspace, bo, active=active)
        with pytest.raises(ConflictError, match="birds would be without an owner"):
            erase(workspace, ada)
        assert find_person(workspace, "ada").name == "Ada"
    people.set_active(workspace, bo, active=True)
    assert erase(workspace, ada).name == f"person-{ada}"


def test_a_pseudonym_is_nobodys_name(workspace: Workspace) -> None:
    """Also of those who never had an account, and labelled by the link of the terminal."""
    cy = annotators.sign_in(workspace, "Cy")
    annotators.sign_in(workspace, f"Person-{cy.id}")
    assert erase(workspace, cy.id).name == f"person-{cy.id}-2"


def test_names_that_differ_by_capitals_are_told_apart(workspace: Workspace) -> None:
    one, other = annotators.sign_in(workspace, "Cy"), annotators.sign_in(workspace, "CY")
    assert (find_person(workspace, "Cy"), find_person(workspace, "CY")) == (one, other)
    with pytest.raises(ConflictError, match="write it exactly as one of"):
        find_person(workspace, "cy")


def _history(workspace: Workspace, project: Project) -> list[object]:
    with workspace.database.read() as tx:
        return list(history.all_(tx, project.id))


def _everything(workspace: Workspace, without: str) -> str:
    """Every row of every table, but for the account of somebody else."""
    with workspace.database.read() as tx:
        tables = MetaData()
        tables.reflect(tx)
        rows = [str(tuple(row)) for table in tables.sorted_tables for row in tx.execute(table.select())]
        (other,) = tx.execute(text("SELECT id FROM annotator WHERE name = :name"), {"name": without}).one()
    assert f"({other}, '{without}')" in rows
    return "\n".join(row for row in rows if f"'{without.lower()}'" not in row).lower()


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("alflow.db*")).lower()


def test_an_owner_erases_and_deactivates_who_is_of_no_other_owner(workspace: Workspace) -> None:
    """An account is one for all projects: who owns one of them has no say over it in the others."""
    birds, fish = (create_project(workspace, name, "demo", "fp32") for name in ("birds", "fish"))
    ada, bo, cy = (people.add_account(workspace, name, email=f"{name}@e.org").annotator_id for name in ("A", "B", "C"))
    for who, role in ((ada, Role.OWNER), (bo, Role.ANNOTATOR)):
        people.set_role(workspace, birds.id, who, role, by=OPERATOR)
    for who, role in ((cy, Role.OWNER), (bo, Role.ANNOTATOR)):
        people.set_role(workspace, fish.id, who, role, by=OPERATOR)
    by = Visitor(Annotator(ada, "A"), "", {birds.id: Role.OWNER})
    for refused in (
        lambda: people.set_active(workspace, bo, active=False, by=by),
        lambda: erase(workspace, bo, by=by),
        lambda: known_of(workspace, bo, by),
        lambda: erase(workspace, cy, by=by),
    ):
        with pytest.raises(DeniedError, match="projects that are not yours"):
            refused()
    people.remove_member(workspace, fish.id, bo, by=OPERATOR)
    people.set_active(workspace, bo, active=False, by=by)
    assert not people.find_account(workspace, "B").active
    assert known_of(workspace, bo, by) == Known(0, 0, 1)
    assert erase(workspace, bo, by=by).name == f"person-{bo}"
    with pytest.raises(DeniedError):
        erase(workspace, bo, by=by)  # who is part of nothing is nobody's to erase
    with pytest.raises(ConflictError, match="birds would be without an owner"):
        people.set_active(workspace, ada, active=False, by=by)
