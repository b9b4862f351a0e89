"""The pages, and which role each page, route and action needs: the one table for the gate, the menu and the pages.

A route that belongs to a project names it as `{project:int}` in its path. What is not listed here is closed to
everybody: the server does not start with a route that has no line, and a page without one is never loaded.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.routing import BaseRoute, Route, compile_path

from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.ids import ProjectId


@dataclass(frozen=True)
class Page:
    """A page of the menu.

    Attributes:
        title: its name in the menu.
        icon: of the Material Symbols, beside the title.
        role: the least role that opens it, in the chosen project.
        module: where its `show(project)` is; the page is imported when the server starts, not by the gate.
        offered: whether the menu of this project lists it; its address opens it all the same.
    """

    title: str
    icon: str
    role: Role
    module: str
    offered: Callable[[Project], bool] = lambda _: True


PAGES: Final[Mapping[str, Page]] = {
    "label": Page("Label", "ads_click", Role.ANNOTATOR, "ui.pages.label"),
    "grid": Page("Grid", "grid_view", Role.ANNOTATOR, "ui.pages.grid"),
    "checks": Page(
        "Checks", "fact_check", Role.ANNOTATOR, "ui.pages.checks", lambda project: project.settings.gold_rate > 0
    ),
    "rounds": Page("Rounds", "timeline", Role.REVIEWER, "ui.pages.rounds"),
    "model": Page("Model", "monitoring", Role.REVIEWER, "ui.pages.model"),
    "quality": Page("Quality", "verified", Role.REVIEWER, "ui.pages.quality"),
    "errors": Page("Label errors", "report", Role.REVIEWER, "ui.pages.errors"),
    "accept": Page("Accept", "task_alt", Role.ENGINEER, "ui.pages.accept"),
    "adjudicate": Page("Adjudicate", "gavel", Role.REVIEWER, "ui.pages.adjudicate"),
    "prompts": Page("Prompts", "edit_note", Role.REVIEWER, "ui.pages.prompts"),
    "find": Page("Find", "search", Role.REVIEWER, "ui.pages.find"),
    "map": Page("Map", "scatter_plot", Role.REVIEWER, "ui.pages.map"),
    "history": Page("History", "history", Role.REVIEWER, "ui.pages.history"),
    "backtest": Page("Back-test", "science", Role.REVIEWER, "ui.pages.backtest"),
    "project": Page("Project", "folder_open", Role.REVIEWER, "ui.pages.project"),
    "people": Page("People", "group", Role.OWNER, "ui.pages.people"),
}
"""By path, in the order of the menu."""

FIRST: Final = next(iter(PAGES))
"""The page that opens at `/`."""

OPEN: Final = frozenset({
    "/sign-in",
    "/sign-in/identity",
    "/sign-out",
    "/invitation",
    "/auth/login",
    "/oauth2callback",
    "/_stcore/health",
    "/health",
    "/metrics",
    "/offline.js",
})
"""Paths for everybody: signing in, whether the server is up, and what a browser shows when it is not. Figures are for
who shows the token of `ALFLOW_METRICS_TOKEN` (see `ui.routes.monitor`)."""

SIGNED_IN: Final = frozenset({"/password", f"/{FIRST}", "/components/{version:str}/{module:path}"})
"""Routes for whoever is signed in, in whatever role: what concerns oneself, the way to the first page, and the scripts
of pages."""

FRAME: Final = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
"""Requests of Streamlit's frame; the rest of that (uploads, figures, programs that drive pages) is closed."""

ROUTES: Final[Mapping[str, Role]] = {
    "/images/{project:int}/{item:int}/{kind:str}": Role.ANNOTATOR,
    "/desk/{project:int}/sync": Role.ANNOTATOR,
    "/grid/{project:int}": Role.ANNOTATOR,
    "/desk/{project:int}/guide": Role.ANNOTATOR,
    "/report/{project:int}": Role.REVIEWER,
    "/map/{project:int}/points": Role.REVIEWER,
}
"""The desk opens the queues of what was set aside to everybody who labels, that of bad images too: whoever looks again
gives one more answer of their own, and where it differs from the flag, the image is in dispute: reviewers settle it."""

RUN_BACKTEST: Final = Role.ENGINEER
"""Starts processes on the machine, and may name files on it."""

SEND_TO_QUEUE: Final = Role.ENGINEER
"""Decides what all annotators are asked."""

REFER: Final = Role.REVIEWER
"""Sends labels to the Adjudicate page; none changes by it."""

ACCEPT_IMAGES: Final = Role.ENGINEER
"""Lets the model's word stand for images that nobody looked at, or takes it back."""

EDIT_CLASSES: Final = Role.ENGINEER
"""Changes what the model reads, what people see and what exports name."""

ANSWER_TOGETHER: Final = Role.ENGINEER
"""Gives many images a class at once, each of which was on screen as a thumbnail."""

MAKE_SLICES: Final = Role.REVIEWER
"""Names sets of images that the model is evaluated on; nothing that is asked or learnt depends on them."""

EDIT_GUIDELINES: Final = Role.ENGINEER
"""Changes what annotators read, when they see the model's guess, and how often they are checked."""

SEE_COST_BY_PERSON: Final = Role.ENGINEER
"""Tells how long each person worked."""

_NUMBERED: Final = re.compile(r"/(?:images|desk|grid|map|report)/[0-9]")
_NUMBER: Final = re.compile(r"[0-9]{19}")  # more than any row has
_OF_PAGES: Final = ("/_stcore/", "/static/", "/media/", "/component/")  # what Streamlit's pages load
_NAMES: Final = [(compile_path(path)[0], path) for path in (*ROUTES, *sorted(SIGNED_IN | OPEN))]
_PATTERNS: Final = [(compile_path(path)[0], role) for path, role in ROUTES.items()]


def needed(path: str) -> tuple[Role, ProjectId] | None:
    """The role that a request for this path needs, and in which project; None if any signed-in person may."""
    for pattern, role in _PATTERNS:
        if found := pattern.match(path):
            return role, ProjectId(int(found["project"]))
    return None


def route_of(path: str) -> str:
    """The name of the route or page that serves this path; of what is none of ours, one of two names."""
    for pattern, name in _NAMES:
        if pattern.match(path):
            return name
    if path == "/" or path[1:] in PAGES:
        return path
    return "pages" if path.startswith(_OF_PAGES) else "other"


def is_nowhere(path: str) -> bool:
    """Whether no route, page or file can be at this path: numbers that no row has, and what is closed to everybody."""
    if _NUMBERED.match(path):
        return bool(_NUMBER.search(path)) or needed(path) is None
    return path.startswith("/_stcore/") and path not in FRAME


def is_read_only(path: str) -> bool:
    """Whether nothing is sent to this path: all but our own routes, since no page takes a file."""
    return path not in OPEN | SIGNED_IN and needed(path) is None


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve routes that are not in the table.

    Raises:
        LookupError: a route has no line in `ROUTES`, and is neither `OPEN` nor for all who are `SIGNED_IN`.
    """
    paths = {route.path for route in routes if isinstance(route, Route)}
    if unknown := sorted(paths - ROUTES.keys() - OPEN - SIGNED_IN):
        raise LookupError(f"ui.door.access does not say who may use {', '.join(unknown)}")
