"""The checks of a project's settings, whether they come from the command line, a page or Python."""

from typing import Any

from alflow.bounds import unfit
from alflow.domain.projects import Project, ProjectSettings
from alflow.errors import InvalidInputError
from alflow.text import quoted


def check_settings(settings: ProjectSettings) -> None:
    """Check that a project can have these settings.

    Raises:
        InvalidInputError: one is of another kind or out of its bounds, or there is no such strategy.
    """
    if bad := unfit(settings):
        raise InvalidInputError(f"these settings cannot be used: {listed(settings, bad)}")
    from alflow.acquisition.strategies import find  # noqa: PLC0415 - so that pages start without torch

    find(settings.strategy)


def require_usable(project: Project) -> None:
    """Refuse to start work with invalid settings that an older alflow accepted; the message says the remedy.

    Raises:
        InvalidInputError: a setting is out of bounds.
    """
    try:
        check_settings(project.settings)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"project {quoted(project.name)}: {error}; change it with `alflow settings NAME=VALUE`"
        ) from error


def listed(values: Any, bad: dict[str, str]) -> str:
    """`budget = 0, votes = 0 (budget: 1 to 10,000; votes: 1 to 100)`."""
    each = ", ".join(f"{name} = {_word(getattr(values, name))}" for name in bad)
    return f"{each} ({'; '.join(f'{name}: {need}' for name, need in bad.items())})"


def _word(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**60:
        return "a number of more than 60 digits"
    return quoted(value) if isinstance(value, str) else str(value)
