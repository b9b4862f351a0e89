"""What people and programs outside are told of a project, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from alflow.ids import ChannelId, MessageId, ProjectId


class Event(StrEnum):
    """What is told. RECOVERY goes to those who are told of a FAILURE; a TRIAL to the channel that is tried."""

    ROUND_OPENED = "round_opened"
    QUEUE_EMPTY = "queue_empty"
    DISPUTE = "dispute"
    STOP = "stop"
    FAILURE = "failure"
    RECOVERY = "recovery"
    TRIAL = "trial"

    @property
    def choice(self) -> "Event":
        """What a channel has to have chosen to be told."""
        return Event.FAILURE if self is Event.RECOVERY else self

    @property
    def page(self) -> str:
        """The page that shows more, by its path."""
        return _PAGES.get(self, "project")


CHOICES: Final[Mapping[Event, str]] = {
    Event.ROUND_OPENED: "a round is opened",
    Event.QUEUE_EMPTY: "all images of a round are answered",
    Event.DISPUTE: "votes about an image differ, told once in a round",
    Event.STOP: "no further round is opened: a rule to stop is met, or the pool is used up",
    Event.FAILURE: "runs begin to fail, or a watched source cannot be read: told once, and when that is over",
}
"""What a channel can be told, in words for who chooses."""

_PAGES: Final = {
    Event.ROUND_OPENED: "label",
    Event.QUEUE_EMPTY: "rounds",
    Event.DISPUTE: "adjudicate",
    Event.STOP: "rounds",
}


@dataclass(frozen=True)
class Channel:
    """Where messages of a project go.

    Attributes:
        id: of the row.
        project_id: whose messages.
        address: of a webhook, or one that Apprise reads; it may hold passwords, so nobody is shown it again.
        shown: what people are shown of it.
        secret: what messages of a webhook are signed with; None elsewhere.
        events: the names of those that it is told.
        made_at: since when.
        next_at: before which nothing is sent: somebody sends now, or a pause after a failure.
        sent_at: when a message arrived last.
        trouble: why the last one did not.
        times: how often in a row none did.
        dropped: how many messages were dropped because they could not be sent for too long.
    """

    id: ChannelId
    project_id: ProjectId
    address: str = field(repr=False)
    shown: str
    secret: str | None = field(repr=False)
    events: tuple[str, ...]
    made_at: datetime
    next_at: datetime
    sent_at: datetime | None
    trouble: str | None
    times: int
    dropped: int


@dataclass(frozen=True)
class Message:
    """One message to one channel.

    Attributes:
        id: of the row; later ones are higher.
        key: the same whenever it is sent again.
        event: what it tells.
        round: the number of the round that it is about, if it is about one.
        words: what happened, in a sentence.
        at: when it happened.
    """

    id: MessageId
    key: str
    event: Event
    round: int | None
    words: str
    at: datetime
