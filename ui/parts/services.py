"""What pages and routes share inside the one process that serves them, joined once by `alflow.ui.server`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alflow.workspace import Workspace

if TYPE_CHECKING:
    from alflow.ui.door.gate import Doorkeeper


@dataclass(frozen=True)
class Services:
    """The open workspace and the keeper of the door."""

    workspace: Workspace
    doorkeeper: "Doorkeeper"


_provided: list[Services] = []


def provide(services: Services) -> None:
    """Make `services` the ones of this process (Streamlit runs pages as scripts: they cannot be passed arguments)."""
    _provided[:] = [services]


def current() -> Services:
    """The services of this process.

    Raises:
        RuntimeError: a page was started by `streamlit run` instead of `python -m alflow.ui`, past the gate.
    """
    if not _provided:
        raise RuntimeError(
            "Start the UI with `alflow up` or `python -m alflow.ui`; pages do not run without their server."
        )
    return _provided[0]
