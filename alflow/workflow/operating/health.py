"""Whether the parts of an installation answer: a glance at each, cheap enough to be asked every few seconds."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from alflow.store.projects import projects, troubles
from alflow.workflow.rounds.waiting import is_missed
from alflow.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """What answers.

    Attributes:
        database: rows can be read, and could be written as far as a glance tells.
        artifacts: the place of artifacts answers, and could be written.
        schedule: it looked in time, or there is no active project to look at.
    """

    database: bool
    artifacts: bool
    schedule: bool

    @property
    def is_ok(self) -> bool:
        """Whether all parts answer."""
        return self.database and self.artifacts and self.schedule


NOTHING = Health(database=False, artifacts=False, schedule=False)
"""Of a look that takes too long."""


def health(workspace: Workspace) -> Health:
    """Touch each part; what fails is logged with its reason, which is for the operator alone."""
    return Health(
        database=_works("database", lambda: _database(workspace)),
        artifacts=_works("artifacts", lambda: _artifacts(workspace)),
        schedule=_works("schedule", lambda: _schedule(workspace)),
    )


def _works(what: str, look: Callable[[], bool]) -> bool:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not work
        _log.warning("%s: %s", what, " ".join(str(error).split()) or type(error).__name__)
        return False


def _database(workspace: Workspace) -> bool:
    workspace.database.check_writable()
    return workspace.database.revision() is not None


def _artifacts(workspace: Workspace) -> bool:
    workspace.artifacts.check_writable()
    workspace.artifacts.is_there()  # a new installation has none yet
    return True


def _schedule(workspace: Workspace) -> bool:
    with workspace.database.read() as tx:
        at, any_active = troubles.last_look(tx), projects.any_active(tx)
    return not any_active or not is_missed(workspace, at)
