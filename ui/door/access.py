"""The pages, and which role each page, route and action needs: the one table for the gate, the menu and the pages.

A route that belongs to a project names it as `{project:int}` in its path. What is not listed here is closed to
everybody: the server does not start with a route that has no line, and a page without one is never loaded.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.routing import BaseRoute, Route, compile_path

from alflow.accounts import Role, Scope
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.ids import ProjectId


@dataclass(frozen=True)
class Page:
    """A page of the menu.

    Attributes:
        title: its name in the menu.
        icon: of the Material Symbols, beside the title.
        role: the least role that opens it, in the chosen project.
        module: where its `show(project)` is; the page is imported when it is drawn first (`alflow.ui.pages`).
        offered: whether the menu of this project lists it; its address opens it all the same.
    """

    title: str
    icon: str
    role: Role
    module: str
    offered: Callable[[Project], bool] = lambda _: True


PAGES: Final[Mapping[str, Page]] = {
    "label": Page("Label", "ads_click", Role.ANNOTATOR, "alflow.ui.pages.label"),
    "grid": Page("Grid", "grid_view", Role.ANNOTATOR, "alflow.ui.pages.grid"),
    "checks": Page(
        "Checks", "fact_check", Role.ANNOTATOR, "alflow.ui.pages.checks", lambda project: project.settings.gold_rate > 0
    ),
    "rounds": Page("Rounds", "timeline", Role.REVIEWER, "alflow.ui.pages.rounds"),
    "model": Page("Model", "monitoring", Role.REVIEWER, "alflow.ui.pages.model"),
    "quality": Page("Quality", "verified", Role.REVIEWER, "alflow.ui.pages.quality"),
    "errors": Page("Label errors", "report", Role.REVIEWER, "alflow.ui.pages.errors"),
    "accept": Page("Accept", "task_alt", Role.ENGINEER, "alflow.ui.pages.accept"),
    "adjudicate": Page("Adjudicate", "gavel", Role.REVIEWER, "alflow.ui.pages.adjudicate"),
    "prompts": Page("Prompts", "edit_note", Role.REVIEWER, "alflow.ui.pages.prompts"),
    "find": Page("Find", "search", Role.REVIEWER, "alflow.ui.pages.find"),
    "map": Page("Map", "scatter_plot", Role.REVIEWER, "alflow.ui.pages.map"),
    "history": Page("History", "history", Role.REVIEWER, "alflow.ui.pages.history"),
    "backtest": Page("Back-test", "science", Role.REVIEWER, "alflow.ui.pages.backtest"),
    "project": Page("Project", "folder_open", Role.REVIEWER, "alflow.ui.pages.project"),
    "people": Page("People", "group", Role.OWNER, "alflow.ui.pages.people"),
    "new": Page("New project", "add_box", Role.OWNER, "alflow.ui.pages.new"),
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
    "/manifest.webmanifest",
    "/icon-192.png",
    "/icon-512.png",
    "/icon-maskable.png",
    "/icon-touch.png",
})
"""Paths for everybody: signing in, whether the server is up, what a browser shows when it is not, and what it installs
as an app. Figures are for who shows the token of `ALFLOW_METRICS_TOKEN` (see `alflow.ui.routes.monitor`)."""

SIGNED_IN: Final = frozenset({
    "/password",
    "/tokens",
    f"/{FIRST}",
    "/components/{version:str}/{module:path}",
    "/api/openapi.json",
    "/api/v1/projects",
})
"""Routes for whoever is signed in, in whatever role: what concerns oneself, the way to the first page, the scripts of
pages, and what programs may ask."""

FRAME: Final = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
"""Requests of Streamlit's frame; the rest of that (uploads, figures, programs that drive pages) is closed."""

ROUTES: Final[Mapping[str, Role]] = {
    "/images/{project:int}/{item:int}/{kind:str}": Role.ANNOTATOR,
    "/desk/{project:int}/sync": Role.ANNOTATOR,
    "/grid/{project:int}": Role.ANNOTATOR,
    "/desk/{project:int}/guide": Role.ANNOTATOR,
    "/report/{project:int}": Role.REVIEWER,
    "/export/{project:int}/labels": Role.REVIEWER,
    "/export/{project:int}/{what:str}": Role.ENGINEER,
    "/backup/{project:int}/{name:str}": Role.OWNER,
    "/map/{project:int}/points": Role.REVIEWER,
    "/upload/{project:int}": Role.ENGINEER,
    "/upload/{project:int}/labels": Role.ENGINEER,
}
"""The desk opens the queues of what was set aside to everybody who labels, that of bad images too: whoever looks again
gives one more answer of their own, and where it differs from the flag, the image is in dispute: reviewers settle it."""

FOR_PROGRAMS: Final = "/api/"
"""How the paths begin that take a token; below `OF_TOKENS` nothing else is taken."""

OF_TOKENS: Final = "/api/v1/"

_PROJECT: Final = "/api/v1/projects/{project:int}"
_LABEL_STUDIO: Final = "/api/v1/label-studio/{project:int}"

API: Final[Mapping[str, tuple[Role, Scope]]] = {
    _PROJECT: (Role.ANNOTATOR, Scope.READ),
    f"{_PROJECT}/standing": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/rounds": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/rounds/{{number:int}}/candidates": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/lease": (Role.ANNOTATOR, Scope.LABEL),
    f"{_PROJECT}/answers": (Role.ANNOTATOR, Scope.LABEL),
    f"{_PROJECT}/undo": (Role.ANNOTATOR, Scope.LABEL),
    f"{_PROJECT}/images": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/images/{{item:int}}": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/images/{{item:int}}/{{kind:str}}": (Role.ANNOTATOR, Scope.READ),
    f"{_PROJECT}/labels": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/changes": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/predictions": (Role.REVIEWER, Scope.READ),
    f"{_PROJECT}/imports": (Role.ENGINEER, Scope.MANAGE),
    f"{_LABEL_STUDIO}/health": (Role.REVIEWER, Scope.READ),
    f"{_LABEL_STUDIO}/versions": (Role.REVIEWER, Scope.READ),
    f"{_LABEL_STUDIO}/setup": (Role.REVIEWER, Scope.READ),
    f"{_LABEL_STUDIO}/predict": (Role.REVIEWER, Scope.READ),
    f"{_LABEL_STUDIO}/webhook": (Role.ENGINEER, Scope.MANAGE),
}
"""What programs do with a token: the least role of its person, and the least scope of the token."""

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
"""Changes what annotators read."""

EDIT_SETTINGS: Final = Role.ENGINEER
"""Changes what is asked, how people are checked, when they see the model's guess, and when it stops."""

RUN_PROJECT: Final = Role.ENGINEER
"""Starts runs, and opens, ends and takes back rounds; sees where Prefect shows the runs."""

EXPORT: Final = Role.ENGINEER
"""Takes images, predictions and the model along; labels are for reviewers too (see `ROUTES`)."""

STOP_PROJECT: Final = Role.ENGINEER
"""Stops the runs of a project and its desk, or lets them go on."""

END_PROJECT: Final = Role.OWNER
"""Takes a project out of all lists, or deletes it."""

BRING_IMAGES: Final = Role.ENGINEER
"""Uploads images, tries again what was refused, and ends that new images of a source enter by themselves."""

IMPORT_LABELS: Final = Role.ENGINEER
"""Brings answers that people gave in another tool, in their names."""

NAME_SOURCES: Final = Role.OWNER
"""Names folders and addresses that the server may see (`ALFLOW_SOURCES`), to take something from or to watch: what lies
there may be of other projects, too."""

KEEP_HOUSE: Final = Role.OWNER
"""Looks for what is wrong with the installation, and backs it up; only who owns all projects, for both are of all."""

ERASE_PEOPLE: Final = Role.OWNER
"""Forgets people for good; only the owner of every project that they are part of, for an account is one for all."""

SEE_COST_BY_PERSON: Final = Role.ENGINEER
"""Tells how long each person worked."""

_NUMBERED: Final = re.compile(r"/(?:images|desk|grid|map|report|upload|export|backup|api/v1/[a-z-]+)/[0-9]")
_NUMBER: Final = re.compile(r"[0-9]{19}")  # more than any row has
_OF_PAGES: Final = ("/_stcore/", "/static/", "/media/", "/component/")  # what Streamlit's pages load
_NAMES: Final = [(compile_path(path)[0], path) for path in (*ROUTES, *API, *sorted(SIGNED_IN | OPEN))]
_PATTERNS: Final = [
    (compile_path(path)[0], role)
    for path, role in (*ROUTES.items(), *((path, role) for path, (role, _) in API.items()))
]
_SCOPES: Final = [(compile_path(path)[0], scope) for path, (_, scope) in API.items()]


def needed(path: str) -> tuple[Role, ProjectId] | None:
    """The role that a request for this path needs, and in which project; None if any signed-in person may."""
    for pattern, role in _PATTERNS:
        if found := pattern.match(path):
            return role, ProjectId(int(found["project"]))
    return None


def allows(scope: Scope, path: str) -> bool:
    """Whether a token of this scope is enough for this path, whatever the role."""
    return all(scope.includes(needed) for pattern, needed in _SCOPES if pattern.match(path))


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
    if path.startswith(FOR_PROGRAMS):
        return path not in SIGNED_IN
    return path.startswith("/_stcore/") and path not in FRAME


def is_read_only(path: str) -> bool:
    """Whether nothing is sent to this path: all but our own routes, since nothing else takes a file."""
    return path not in OPEN | SIGNED_IN and needed(path) is None


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that is also the beginning of a path of ours: where it was stripped, nobody could tell.

    Raises:
        InvalidInputError: it is one.
    """
    first = prefix.split("/")[1:2]
    if (
        first
        and first[0] in {path.split("/")[1] for path in (*_OF_PAGES, *ROUTES, *API, *OPEN, *SIGNED_IN)} | PAGES.keys()
    ):
        raise InvalidInputError(
            f"ALFLOW_PUBLIC_URL cannot end in {prefix}: alflow has a path /{first[0]} itself: take another"
        )


def check_routes(routes: Iterable[BaseRoute], below: str = "") -> None:
    """Refuse to serve routes that are not in the table, of an application that is served below a path.

    Raises:
        LookupError: a route has no line in `ROUTES` or `API`, and is neither `OPEN` nor for all who are `SIGNED_IN`.
    """
    paths = {below + route.path for route in routes if isinstance(route, Route)}
    if unknown := sorted(paths - ROUTES.keys() - API.keys() - OPEN - SIGNED_IN):
        raise LookupError(f"alflow.ui.door.access does not say who may use {', '.join(unknown)}")
