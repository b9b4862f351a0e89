"""Sends the messages that wait, each at least once and always with the same id.

Who sends to a channel claims it for some minutes, so that of two schedules one sends. What a killed one did not record
is sent once more when its claim is over. A channel that fails is tried again after a pause that doubles; messages stay
in their order.
"""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from alflow import courier
from alflow.domain.messages import Channel, Message
from alflow.domain.projects import Project
from alflow.ids import ChannelId, ProjectId
from alflow.pauses import pause
from alflow.store.projects import channels, projects
from alflow.workspace import Workspace

WORTH: Final = timedelta(days=3)
"""How long a message waits at most."""

MOST_WAITING: Final = 100
"""Messages that wait for one channel; older ones are dropped."""

FIRST_AGAIN: Final = timedelta(seconds=30)
LAST_AGAIN: Final = timedelta(hours=1)

CLAIM: Final = timedelta(minutes=2)
"""How long nobody else sends to a channel; longer than a message can take (`alflow.courier`)."""

_KEPT: Final = timedelta(days=30)  # for so long, nothing is told twice
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Claimed:
    project: Project
    channel: Channel
    message: Message


def due_channels(workspace: Workspace, project_ids: Collection[ProjectId]) -> list[ChannelId]:
    """The channels of these projects for which messages wait that may be sent now.

    Raises:
        UnavailableError: the database does not answer.
    """
    with workspace.database.read() as tx:
        return channels.due(tx, project_ids, datetime.now(UTC))


def send_waiting(workspace: Workspace, channel_id: ChannelId) -> int:
    """Send what waits for a channel, in its order, until one fails; returns how many messages arrived.

    Raises:
        UnavailableError: the database does not answer, or nothing can be stored.
    """
    arrived = 0
    while (claimed := _claim(workspace, channel_id)) is not None:
        trouble = courier.send(delivery(workspace, claimed.project, claimed.channel, claimed.message))
        now = datetime.now(UTC)
        with workspace.database.begin() as tx:
            if trouble is None:
                channels.arrived(tx, channel_id, claimed.message.id, now)
            else:
                wait = pause(claimed.channel.times + 1, FIRST_AGAIN, LAST_AGAIN)
                channels.failed(tx, channel_id, trouble, now + wait)
        if trouble is not None:
            _log.info("a message did not arrive: %s", trouble, extra={"project": claimed.project.id})
            break
        arrived += 1
    return arrived


def delivery(workspace: Workspace, project: Project, channel: Channel, message: Message) -> courier.Delivery:
    """What is brought to a channel: words and a link, for a webhook as JSON with a signature of this moment.

    The signature is that of Standard Webhooks (https://www.standardwebhooks.com).
    """
    settings = workspace.settings
    link = f"{settings.address}/{message.event.page}?project={quote(project.name)}"
    title, words = f"alflow: {project.name}", f"{message.words}\n{link}"
    if channel.secret is None:
        return courier.Delivery(channel.address, settings.messages_inside, title, words)
    body = json.dumps({
        "event": message.event,
        "project": project.name,
        "round": message.round,
        "at": message.at.isoformat(),
        "words": message.words,
        "link": link,
        "id": message.key,
    })
    at = str(int(datetime.now(UTC).timestamp()))
    headers = {
        "content-type": "application/json",
        "user-agent": "alflow",
        "webhook-id": message.key,
        "webhook-timestamp": at,
        "webhook-signature": _signature(channel.secret, f"{message.key}.{at}.{body}"),
    }
    return courier.Delivery(channel.address, settings.messages_inside, title, words, body, headers)


def _signature(secret: str, signed: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed.encode(), hashlib.sha256)).decode()


def _claim(workspace: Workspace, channel_id: ChannelId) -> _Claimed | None:
    """The next message, with the right to send it for some minutes; None where nothing is to be sent now."""
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        if (channel := channels.claim(tx, channel_id, now, now + CLAIM)) is None:
            return None
        channels.drop(tx, channel_id, MOST_WAITING, now, WORTH, _KEPT)
        if (message := channels.first_waiting(tx, channel_id)) is None:
            channels.free(tx, channel_id, now)
            return None
        return _Claimed(projects.by_id(tx, channel.project_id), channel, message)
