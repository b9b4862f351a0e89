"""Erase a person: their identity is removed, their answers stay under a pseudonym."""

from dataclasses import dataclass

from alflow.accounts import Role
from alflow.domain.answers import Annotator
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import AnnotatorId
from alflow.store.database import Transaction
from alflow.store.people import annotators, erasing, people
from alflow.store.projects import projects
from alflow.workflow.people import tries
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


def erase(workspace: Workspace, annotator_id: AnnotatorId, *, comments: bool = False) -> Erased:
    """Erase name, login, e-mail address, password, sessions, roles and invitations; idempotent.

    Args:
        workspace: where.
        annotator_id: whom.
        comments: empty also what the person wrote; the history of labels keeps it, for nobody can change that.

    Raises:
        ConflictError: a project would be without an owner.
    """
    with workspace.database.begin() as tx:
        person = annotators.lock(tx, annotator_id)
        _check_owners(tx, annotator_id)
        remarks = erasing.remarks(tx, annotator_id)
        if comments:
            erasing.blank_remarks(tx, annotator_id)
        tries.forget(tx, person.name)
        name = erasing.pseudonym(tx, annotator_id)
        invitations = erasing.erase(tx, annotator_id, name)
        answers = erasing.answers(tx, annotator_id)
    rewritten = workspace.database.rewrite((*erasing.TABLES, *(erasing.REMARKS if comments else ())))
    return Erased(name, answers, remarks, invitations, rewritten)


def _check_owners(tx: Transaction, annotator_id: AnnotatorId) -> None:
    """Does each of the person's projects have another owner who can sign in?

    Raises:
        ConflictError: one does not.
    """
    for project_id, role in people.roles(tx, annotator_id).items():
        people.lock_members(tx, project_id)
        owners = [one.account for one in people.members(tx, project_id) if one.role is Role.OWNER]
        left = [one for one in owners if one.active and one.annotator_id != annotator_id]
        if role is Role.OWNER and not left:
            name = projects.by_id(tx, project_id).name
            raise ConflictError(
                f"{name} would be without an owner: first `alflow people role SOMEBODY owner --project {name}`"
            )
