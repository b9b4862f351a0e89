"""The nouns of people: who they are, what they may do in which project, and how they were admitted.

Frozen values, standard library only. An `Account` gives an annotator a way to sign in; a `Role` is held in one
project; an `Invitation` is a link, or an e-mail address, that grants one; an `ApiToken` lets a program act for
somebody; a `Visitor` is who sends a request, and `OPERATOR` is who types commands on the machine itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

from alflow.domain.answers import Annotator
from alflow.ids import AnnotatorId, InvitationId, ProjectId, TokenId


class Role(StrEnum):
    """What somebody may do in a project; each includes those before it."""

    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    OWNER = "owner"

    def includes(self, needed: "Role") -> bool:
        """Whether who holds this role may do what `needed` may (words compare by the alphabet, roles do not)."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Scope(StrEnum):
    """What a program may do with a token, within the role of the person it acts for; each includes those before it."""

    READ = "read"
    LABEL = "label"
    MANAGE = "manage"

    def includes(self, needed: "Scope") -> bool:
        """Whether a token of this scope may do what `needed` may."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)

    @property
    def role(self) -> Role:
        """The least role with which such a token is of any use."""
        return Role.ENGINEER if self is Scope.MANAGE else Role.ANNOTATOR


@dataclass(frozen=True)
class Account:
    """How an annotator signs in: by name and password, by an identity with this e-mail address, or both."""

    annotator_id: AnnotatorId
    name: str
    email: str | None
    has_password: bool
    active: bool
    created_at: datetime


@dataclass(frozen=True)
class Member:
    """Somebody with an account, and the role held in one project."""

    account: Account
    role: Role


@dataclass(frozen=True)
class Invitation:
    """A grant that waits to be taken up once, until `expires_at`.

    Attributes:
        id: of the row.
        project_id, role: what it grants; both None for a new password.
        annotator_id: whose password it sets; None for an invitation to a project.
        email: the verified address of the identity it waits for; None where a link is handed over.
        invited_by: annotator who made it; None for the command line.
        created_at, expires_at: from when until when it may be used.
    """

    id: InvitationId
    project_id: ProjectId | None
    role: Role | None
    annotator_id: AnnotatorId | None
    email: str | None
    invited_by: AnnotatorId | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class ApiToken:
    """A secret by which programs act for one person in one project; only its hash is kept.

    Attributes:
        id: of the row.
        annotator_id, project_id: for whom, and where.
        name: what it is for, in that person's words.
        scope: what it may do, at most what the person's role of the moment allows.
        created_at, expires_at: from when until when it may be used.
        used_at: when it was used last, to the minute or so; None if it never was.
    """

    id: TokenId
    annotator_id: AnnotatorId
    project_id: ProjectId
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class Operator(Enum):
    """Whoever runs alflow on this machine: may do everything, and has no account."""

    OPERATOR = "operator"


OPERATOR: Final = Operator.OPERATOR


@dataclass(frozen=True)
class Visitor:
    """Who sends a request, and which roles they hold.

    Attributes:
        annotator: who it is.
        session: names the session without giving it away (a hash).
        roles: project id -> role, for who signed in with an account.
        everywhere: signed in by the link of this machine's terminal: owner of every project.
        has_password: the account has one to change; not so who comes by the link, or by an identity only.
        scope: of the token that a program came with; None for a person, whom roles alone bound.
    """

    annotator: Annotator
    session: str
    roles: Mapping[ProjectId, Role] = field(default_factory=dict)
    everywhere: bool = False
    has_password: bool = False
    scope: Scope | None = None

    def role_in(self, project_id: ProjectId) -> Role | None:
        """The role held in a project; None for none."""
        return Role.OWNER if self.everywhere else self.roles.get(project_id)

    def may(self, needed: Role, project_id: ProjectId) -> bool:
        """Whether the role held in the project is enough."""
        held = self.role_in(project_id)
        return held is not None and held.includes(needed)

    def owns(self, projects: Iterable[ProjectId]) -> bool:
        """Whether the visitor owns each of these."""
        return all(self.role_in(each) is Role.OWNER for each in projects)

    @property
    def stamp(self) -> str:
        """Changes when the session or any role does: what was drawn for another stamp is not theirs to use."""
        roles = ",".join(f"{project}={role}" for project, role in sorted(self.roles.items()))
        return f"{self.session}:{self.everywhere:d}:{roles}"
