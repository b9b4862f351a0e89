"""The workspace of a flow process: opened once, so that an encoder is loaded once."""

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from alflow.settings import Settings

if TYPE_CHECKING:
    from alflow.workspace import Workspace


def workspace() -> "Workspace":
    """The workspace of the settings in the environment."""
    return _opened(Settings().model_dump_json())


@lru_cache(maxsize=1)
def _opened(settings: str) -> "Workspace":
    logging.getLogger("alflow").setLevel(logging.INFO)  # Prefect writes those of others from a warning on
    from alflow.workspace import Workspace  # not before a flow runs: the process that keeps the schedule stays small

    return Workspace.open(Settings.model_validate_json(settings))
