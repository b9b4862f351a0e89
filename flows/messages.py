"""Sends messages beside the looks of the schedule, which tell for which projects some wait."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from alflow.errors import AlflowError
from alflow.flows.beside import Beside
from alflow.ids import ChannelId, ProjectId

if TYPE_CHECKING:
    from alflow.workspace import Workspace

_AT_ONCE = 4
_log = logging.getLogger(__name__)


@dataclass
class Postman:
    """Sends to some channels at once, to each in a thread of its own."""

    workspace: "Workspace"
    _sends: Beside[ChannelId] = field(default_factory=lambda: Beside(_AT_ONCE))

    def send(self, project_ids: Collection[ProjectId]) -> None:
        """Begin to send what waits for channels of these projects; without projects nothing is read.

        Raises:
            UnavailableError: the database does not answer.
        """
        if not project_ids:
            return
        from alflow.workflow.projects.sending import due_channels

        for one in due_channels(self.workspace, project_ids):
            self._sends.start(one, partial(_send, self.workspace, one))


def _send(workspace: "Workspace", channel_id: ChannelId) -> None:
    from alflow.workflow.projects.sending import send_waiting

    try:
        send_waiting(workspace, channel_id)
    except AlflowError as error:  # such as a full disk: what was not recorded is sent again
        _log.warning("channel %s: %s", channel_id, error)
    except Exception:  # noqa: BLE001 - the schedule goes on
        _log.exception("nothing could be sent to channel %s", channel_id)
