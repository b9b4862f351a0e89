"""A line from whoever runs alflow to everybody who has a page open, such as when it will be down."""

from typing import Final

from alflow.text import visible
from alflow.workspace import Workspace

FILE: Final = "notice.txt"
"""In the home; the first line counts, and none is shown while there is no such file."""
LONGEST: Final = 300


def notice(workspace: Workspace) -> str:
    """The line, cleaned of what one cannot see; empty without one."""
    try:
        with (workspace.settings.home / FILE).open(encoding="utf-8", errors="replace") as file:
            return visible(file.readline(4 * LONGEST).strip())[:LONGEST]
    except OSError:
        return ""
