"""What happens is told in the transaction in which it happens: a message waits for each channel that has chosen it.

Nothing is sent here: see `alflow.workflow.projects.sending`. Where no channel is, it costs one statement.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, bindparam, select

from alflow.domain.messages import Event
from alflow.domain.projects import ProjectState
from alflow.ids import ProjectId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import upsert


def tell(
    tx: Transaction, project_id: ProjectId, event: Event, words: str, *, subject: object, round_: int | None = None
) -> None:
    """Let a message wait for each channel of an active project that has chosen the event.

    Args:
        tx: in which it happens.
        project_id: of which project.
        event: what happens.
        words: the same in a sentence, without names of images, classes or people.
        subject: about what; a channel is told of an event about the same thing once.
        round_: the number of the round that it is about.
    """
    chosen = [id_ for id_, events in tx.execute(_channels(), {"project": project_id}) if event.choice in events]
    if not chosen:
        return
    new = {"event": event, "subject": str(subject), "round": round_, "words": words, "at": datetime.now(UTC)}
    once = upsert(tx, tables.message).on_conflict_do_nothing(index_elements=["channel_id", "event", "subject"])
    tx.execute(once, [{**new, "channel_id": id_, "key": new_key()} for id_ in chosen])


def new_key() -> str:
    """The id of a message for who gets it."""
    return f"msg_{uuid4().hex}"


@cache
def _channels() -> Select[Any]:
    channel, project = tables.channel, tables.project
    rows = select(channel.c.id, channel.c.events).join(project, project.c.id == channel.c.project_id)
    return rows.where(project.c.id == bindparam("project"), project.c.state == ProjectState.ACTIVE)
