"""Looks at watched sources when they are due, each in a thread of its own: one that hangs holds up nothing else.

A look lists the source and stores what is new; a run that takes it is started as for all that is due
(`alflow.flows.looking`).
"""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from alflow.errors import AlflowError
from alflow.flows.beside import Beside
from alflow.ids import WatchId

if TYPE_CHECKING:
    from alflow.domain.watches import Watch
    from alflow.workspace import Workspace

_AT_ONCE = 4
_PATIENCE_SECONDS = 900.0  # a million files in a bucket are listed in some minutes
_log = logging.getLogger(__name__)


@dataclass
class Watchman:
    """Starts the looks that are due, a few at once."""

    workspace: "Workspace"
    _looks: Beside[WatchId] = field(default_factory=lambda: Beside(_AT_ONCE))

    def look(self) -> None:
        """Start what is due, and report a source that does not answer.

        Raises:
            UnavailableError: the database does not answer.
        """
        from alflow.workflow.images.watching import due_watches, note_trouble

        for one in due_watches(self.workspace):
            if self._looks.hangs(one.id, _PATIENCE_SECONDS):
                minutes = f"{_PATIENCE_SECONDS / 60:.0f} minutes"
                note_trouble(self.workspace, one, f"{one.source} does not answer: a look has taken {minutes} so far")
            else:
                self._looks.start(one.id, partial(_look, self.workspace, one), patience=_PATIENCE_SECONDS)


def _look(workspace: "Workspace", one: "Watch") -> None:
    from alflow.workflow.images.watching import look

    try:
        look(workspace, one)
    except AlflowError as error:  # such as a full disk, of which the project's runs tell too
        _log.warning("watched source %s: %s", one.id, error)
    except Exception:  # noqa: BLE001 - the schedule goes on
        _log.exception("watched source %s could not be looked at", one.id)
