"""Erase a person: their identity is removed, their answers stay under a pseudonym."""

from dataclasses import dataclass

from alflow.accounts import OPERATOR, Operator, Visitor
from alflow.domain.answers import Annotator
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId, ProjectId
from alflow.store.database import Transaction
from alflow.store.people import annotators, erasing, people
from alflow.workflow.people import tries
from alflow.workflow.people.accounts import check_others_own, check_owner_of_all
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Erased:
    """What became of a person.

    Attributes:
        name: the pseudonym.
        answers: how many stay under it.
        remarks: comments, notes and reasons that the person wrote; they stay unless `comments` is true.
        invitations: that went with the person.
        rewritten: the database file was rewritten, so that deleted bytes are not in its free space either.
    """

    name: str
    answers: int
    remarks: int
    invitations: int
    rewritten: bool


@dataclass(frozen=True)
class Known:
    """What there is of somebody: answers, remarks as in `Erased`, and projects that they are part of."""

    answers: int
    remarks: int
    projects: int


def find_person(workspace: Workspace, name: str) -> Annotator:
    """Whoever labels, or has an account, under this name.

    Raises:
        NotFoundError: there is nobody.
        ConflictError: several names differ only by capitals, and none is spelt like this one.
    """
    with workspace.database.read() as tx:
        everybody = annotators.all_(tx)
    alike = [one for one in everybody if people.login_of(one.name) == people.login_of(name)]
    found = [one for one in alike if one.name == name] or alike
    if not found:
        raise NotFoundError(f"there is no person {name!r}: see `alflow people list`")
    if len(found) > 1:
        names = ", ".join(repr(one.name) for one in found)
        raise ConflictError(f"several people have this name: write it exactly as one of {names}")
    return found[0]


def people_of(workspace: Workspace, project_id: ProjectId) -> list[Annotator]:
    """Who has a role in the project, or has answered in it; by name."""
    with workspace.database.read() as tx:
        ids = erasing.answered_by(tx, project_id)
        ids |= {one.account.annotator_id for one in people.members(tx, project_id)}
        return [one for one in annotators.all_(tx) if one.id in ids]


def known_of(workspace: Workspace, annotator_id: AnnotatorId, by: Visitor | Operator) -> Known:
    """What there is of somebody whom this visitor may erase.

    Raises:
        DeniedError: `by` does not own every project that the person is part of.
    """
    with workspace.database.begin() as tx:
        among = _projects(tx, annotator_id)
        check_owner_of_all(tx, among, by=by)
        return Known(erasing.answers(tx, annotator_id), erasing.remarks(tx, annotator_id), len(among))


def erase(
    workspace: Workspace, annotator_id: AnnotatorId, *, comments: bool = False, by: Visitor | Operator = OPERATOR
) -> Erased:
    """Erase name, login, e-mail address, password, sessions, roles and invitations; idempotent.

    Args:
        workspace: where.
        annotator_id: whom.
        comments: empty also what the person wrote; the history of labels keeps it, for nobody can change that.
        by: who asks.

    Raises:
        DeniedError: `by` does not own every project that the person is part of.
        ConflictError: a project would be without an owner.
    """
    with workspace.database.begin() as tx:
        person = annotators.lock(tx, annotator_id)
        check_owner_of_all(tx, _projects(tx, annotator_id), by=by)
        check_others_own(tx, annotator_id)
        remarks = erasing.remarks(tx, annotator_id)
        if comments:
            erasing.blank_remarks(tx, annotator_id)
        tries.forget(tx, person.name)
        name = erasing.pseudonym(tx, annotator_id)
        invitations = erasing.erase(tx, annotator_id, name)
        answers = erasing.answers(tx, annotator_id)
    rewritten = workspace.database.rewrite((*erasing.TABLES, *(erasing.REMARKS if comments else ())))
    return Erased(name, answers, remarks, invitations, rewritten)


def _projects(tx: Transaction, annotator_id: AnnotatorId) -> set[ProjectId]:
    """Where the person has a role, or has answered."""
    return {*people.roles(tx, annotator_id), *erasing.answered_in(tx, annotator_id)}
