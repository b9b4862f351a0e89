"""Which role each page, route and action needs: the one table that the gate, the navigation and the pages look up.

A route that belongs to a project names it as `{project:int}` in its path. What is not listed here is for nobody: the
server does not start with a route, nor the navigation with a page, that has no line.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.routing import BaseRoute, Route, compile_path

from alflow.accounts import Role

OPEN: Final = frozenset({
    "/sign-in",
    "/sign-in/identity",
    "/sign-out",
    "/invitation",
    "/auth/login",
    "/oauth2callback",
    "/_stcore/health",
    "/offline.js",
})
"""Paths for everybody: how one comes in, whether the server lives, and what a browser shows when it does not."""

SIGNED_IN: Final = frozenset({"/password", "/label", "/components/{version:str}/{module:path}"})
"""Routes for whoever is signed in, in whatever role: what concerns oneself, the way to the first page, and the scripts
of pages."""

FRAME: Final = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
"""What Streamlit's frame asks its server; the rest of that (uploads, figures, programs that drive pages) is closed."""

PAGES: Final[Mapping[str, Role]] = {
    "label": Role.ANNOTATOR,
    "grid": Role.ANNOTATOR,
    "checks": Role.ANNOTATOR,
    "rounds": Role.REVIEWER,
    "quality": Role.REVIEWER,
    "adjudicate": Role.REVIEWER,
    "find": Role.REVIEWER,
    "history": Role.REVIEWER,
    "backtest": Role.REVIEWER,
    "project": Role.REVIEWER,
    "people": Role.OWNER,
}

ROUTES: Final[Mapping[str, Role]] = {
    "/images/{project:int}/{item:int}/{kind:str}": Role.ANNOTATOR,
    "/desk/{project:int}/sync": Role.ANNOTATOR,
    "/grid/{project:int}": Role.ANNOTATOR,
    "/desk/{project:int}/guide": Role.ANNOTATOR,
}
"""The desk opens the queues of what was put aside to everybody who labels, that of bad images too: whoever looks again
gives one more answer of their own, and where it differs from the flag, the image is in dispute: reviewers settle it."""

RUN_BACKTEST: Final = Role.ENGINEER
"""Starts processes on the machine, and may name files on it."""

SEND_TO_QUEUE: Final = Role.ENGINEER
"""Decides what everybody who labels is asked."""

EDIT_GUIDELINES: Final = Role.ENGINEER
"""Changes what everybody who labels reads, when they see the model's guess, and how often they are checked."""

_NUMBERED: Final = re.compile(r"/(?:images|desk|grid)/[0-9]")
_NUMBER: Final = re.compile(r"[0-9]{19}")  # more than any row has
_PATTERNS: Final = [(compile_path(path)[0], role) for path, role in ROUTES.items()]


def needed(path: str) -> tuple[Role, int] | None:
    """The role that a request for this path needs, and in which project; None where being signed in is enough."""
    for pattern, role in _PATTERNS:
        if found := pattern.match(path):
            return role, int(found["project"])
    return None


def is_nowhere(path: str) -> bool:
    """Whether no route, page or file can be at this path: numbers that no row has, and what is closed to everybody."""
    if _NUMBERED.match(path):
        return bool(_NUMBER.search(path)) or needed(path) is None
    return path.startswith("/_stcore/") and path not in FRAME


def is_read_only(path: str) -> bool:
    """Whether nothing is sent to this path: all but our own routes, since no page takes a file."""
    return path not in OPEN | SIGNED_IN and needed(path) is None


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve what the table does not know.

    Raises:
        LookupError: a route has no line in `ROUTES`, and is neither `OPEN` nor for all who are `SIGNED_IN`.
    """
    paths = {route.path for route in routes if isinstance(route, Route)}
    if unknown := sorted(paths - ROUTES.keys() - OPEN - SIGNED_IN):
        raise LookupError(f"ui.door.access does not say who may use {', '.join(unknown)}")
