"""Projects, their classes, and why their runs fail.

A row of `deleted_project` stays for some time after all else of a project is gone: what a writer that was slow leaves
behind then goes too.
"""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint, text

from alflow.domain.projects import ProjectState
from alflow.store.tables.base import Json, UtcDateTime, id_, metadata, owner, words

project = Table(
    "project",
    metadata,
    id_(),
    Column("name", String(200), nullable=False, unique=True),
    Column("model", Text, nullable=False),
    Column("precision", String(16), nullable=False),
    Column("posterior", String(64)),
    Column("settings", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("guidelines", Text, nullable=False, server_default=text("''")),
    Column("state", words(ProjectState), nullable=False, server_default=ProjectState.ACTIVE),
    sqlite_autoincrement=True,
)

deleted_project = Table(
    "deleted_project",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
)

class_label = Table(
    "class_label",
    metadata,
    id_(),
    owner("project"),
    Column("name", String(200), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("prompts", Json, nullable=False),
    Column("position", Integer, nullable=False),
    Column("hot_key", String(16)),
    Column("group", String(200), nullable=False, server_default=text("''")),
    UniqueConstraint("project_id", "name"),
)

trouble = Table(
    "trouble",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("message", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

look = Table(
    "look",
    metadata,
    Column("project_id", ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
