"""Channels: where a project's messages go, which events each is told, and how one is tried.

What is secret in an address is shown to nobody again, and the secret of a webhook is shown once. Both are kept as they
are, since nothing can be sent or signed without them.
"""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alflow import courier
from alflow.domain.messages import CHOICES, Event, Message
from alflow.errors import ConflictError, InvalidInputError, UnavailableError
from alflow.ids import AnnotatorId, ChannelId, MessageId, ProjectId
from alflow.store.outbox import new_key
from alflow.store.projects import channels, projects
from alflow.text import clean_text
from alflow.workflow.projects.sending import CLAIM, delivery
from alflow.workflow.projects.states import require_active
from alflow.workspace import Workspace

MOST: Final = 10
"""Channels of one project."""

_LONGEST: Final = 2_000
_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class Listed:
    """What people see of a channel.

    Attributes:
        id: of the row.
        shown: scheme and host of its address, or its service.
        events: that it is told.
        made_by: who made it; None for the command line.
        made_at: when.
        sent_at: when a message arrived last.
        trouble: why the last one did not.
        next_at: when the next try is, if messages wait.
        waiting: how many messages wait.
        dropped: how many were dropped, because they could not be sent for days.
    """

    id: ChannelId
    shown: str
    events: tuple[str, ...]
    made_by: str | None
    made_at: datetime
    sent_at: datetime | None
    trouble: str | None
    next_at: datetime
    waiting: int
    dropped: int

    @property
    def words(self) -> str:
        """How it goes, in a line or two."""
        arrived = "" if self.sent_at is None else f"a message arrived last at {self.sent_at:%Y-%m-%d %H:%M} UTC"
        said = [arrived or "no message has arrived yet"]
        if self.trouble is not None:
            said = [f"the last message did not arrive: {self.trouble}", *([arrived] if arrived else [])]
        if self.waiting:
            tried = f", the next try is at {self.next_at:%H:%M} UTC" if self.trouble is not None else ""
            said.append(f"{self.waiting} to be sent{tried}")
        if self.dropped:
            said.append(f"{self.dropped} dropped, since they could not be sent for days or were too many")
        return "; ".join(said)


def list_channels(workspace: Workspace, project_id: ProjectId) -> list[Listed]:
    """The project's channels, in the order in which they were made."""
    with workspace.database.read() as tx:
        return [_listed(one) for one in channels.of_project(tx, project_id)]


def add_channel(
    workspace: Workspace,
    project_id: ProjectId,
    address: str,
    events: Collection[Event] = tuple(CHOICES),
    *,
    by: AnnotatorId | None = None,
) -> tuple[Listed, str | None]:
    """Send these events there from now on; returns the channel, and of a webhook the secret, which is not shown again.

    Args:
        workspace: where.
        project_id: whose events.
        address: http(s):// of a webhook, or an address of Apprise such as mailtos:// or slack://.
        events: which.
        by: who does it; None for the command line.

    Raises:
        InvalidInputError: nothing can be sent to such an address, or no event is chosen.
        ConflictError: the project has too many channels, or this one.
        NotFoundError: there is no such project.
    """
    address = clean_text("the address", address, _LONGEST)
    wanted = [one for one in CHOICES if one in set(events)]
    if not wanted:
        raise InvalidInputError("a channel needs an event that it is told: choose one at least")
    found = courier.recognised(address) if "://" in address else None
    if found is None:
        raise InvalidInputError(
            "nothing can be sent to this address: give https://... of a webhook, or an address of Apprise such as "
            "mailtos://NAME:PASSWORD@HOST?to=WHOM (https://appriseit.com lists them)"
        )
    random = secrets.token_bytes(_SECRET_BYTES)
    secret = "whsec_" + base64.b64encode(random).decode() if found.is_webhook else None
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        known = [one.channel for one in channels.of_project(tx, project_id)]
        if len(known) >= MOST:
            raise ConflictError(f"the project has {MOST} channels already: remove one of them")
        if address in {one.address for one in known}:
            raise ConflictError(f"the project sends to this address already ({found.shown}): remove that channel first")
        values = {"address": address, "shown": found.shown, "secret": secret, "events": wanted}
        made = channels.add(tx, by, project_id=project_id, made_at=datetime.now(UTC), **values)
        (listed,) = [_listed(one) for one in channels.of_project(tx, project_id) if one.channel.id == made.id]
    return listed, secret


def remove_channel(workspace: Workspace, project_id: ProjectId, channel_id: ChannelId) -> str:
    """Send there no more, what waits neither; returns what is shown of it.

    Raises:
        NotFoundError: the project has no such channel.
    """
    with workspace.database.begin() as tx:
        found = channels.of_id(tx, project_id, channel_id)
        channels.remove(tx, found.id)
    return found.shown


def try_channel(workspace: Workspace, project_id: ProjectId, channel_id: ChannelId) -> str:
    """Send a trial message now; returns what is shown of the channel. If it arrives, what waits follows soon.

    Raises:
        NotFoundError: the project has no such channel.
        StoppedError: the project is stopped.
        UnavailableError: the message did not arrive; the text says why.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        found = channels.of_id(tx, project_id, channel_id)
    require_active(project)
    words = "This is a trial message: what happens in the project will be told here."
    trial = Message(MessageId(0), new_key(), Event.TRIAL, None, words, datetime.now(UTC))
    trouble = courier.send(delivery(workspace, project, found, trial))
    with workspace.database.begin() as tx:
        channels.tried(tx, found.id, trouble, datetime.now(UTC), CLAIM)
    if trouble is not None:
        raise UnavailableError(f"the trial message to {found.shown} did not arrive: {trouble}")
    return found.shown


def _listed(known: channels.Known) -> Listed:
    one = known.channel
    return Listed(
        one.id,
        one.shown,
        one.events,
        known.made_by,
        one.made_at,
        one.sent_at,
        one.trouble,
        one.next_at,
        known.waiting,
        one.dropped,
    )
