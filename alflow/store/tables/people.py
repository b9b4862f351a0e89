"""People, their accounts and roles, and their secrets, stored as hashes only."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from alflow.accounts import Role, Scope
from alflow.store.tables.base import UtcDateTime, id_, metadata, words

annotator = Table("annotator", metadata, id_(), Column("name", String(200), nullable=False, unique=True))

account = Table(
    "account",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True),
    Column("login", String(200), nullable=False, unique=True),
    Column("email", String(320), unique=True),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("account.annotator_id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", words(Role), nullable=False),
)

invitation = Table(
    "invitation",
    metadata,
    id_(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), index=True),
    Column("role", words(Role)),
    Column("annotator_id", ForeignKey("account.annotator_id", ondelete="CASCADE"), index=True),
    Column("email", String(320), index=True),
    Column("invited_by", ForeignKey("annotator.id", ondelete="SET NULL"), index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    CheckConstraint("(project_id IS NULL) = (role IS NULL)", name="role_of_project"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("link_hash", String(64)),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

api_token = Table(
    "api_token",
    metadata,
    id_(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("project_id", Integer, nullable=False),
    Column("annotator_id", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("scope", words(Scope), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    # who loses the role, or the account, loses the token with it: it does not come back with another role
    ForeignKeyConstraint(
        ["project_id", "annotator_id"], ["membership.project_id", "membership.annotator_id"], ondelete="CASCADE"
    ),
    Index("ix_api_token_project_id_annotator_id", "project_id", "annotator_id"),
)

sign_in_limit = Table(
    "sign_in_limit",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("until", UtcDateTime, nullable=False, index=True),
)

seen_hint = Table(
    "seen_hint",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
