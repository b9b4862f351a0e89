"""Hints: what a page explains to a person until they put it away, for ever and in every browser."""

from datetime import UTC, datetime
from enum import StrEnum

from alflow.ids import AnnotatorId
from alflow.store.people import hints
from alflow.workspace import Workspace


class Hint(StrEnum):
    """The hints there are."""

    WELCOME = "welcome"


def is_due(workspace: Workspace, annotator_id: AnnotatorId, hint: Hint) -> bool:
    """Whether this person still is to see it."""
    with workspace.database.read() as tx:
        return not hints.is_seen(tx, annotator_id, hint.value)


def put_away(workspace: Workspace, annotator_id: AnnotatorId, hint: Hint) -> None:
    """This person has seen it; idempotent."""
    with workspace.database.begin() as tx:
        hints.note(tx, annotator_id, hint.value, datetime.now(UTC))
