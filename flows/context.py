"""The workspace of a flow process: opened once, so that an encoder is loaded once."""

from functools import lru_cache

from alflow.settings import Settings
from alflow.workspace import Workspace


def workspace() -> Workspace:
    """The workspace of the settings in the environment."""
    return _opened(Settings().model_dump_json())


@lru_cache(maxsize=1)
def _opened(settings: str) -> Workspace:
    return Workspace.open(Settings.model_validate_json(settings))
