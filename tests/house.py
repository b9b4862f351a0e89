"""A house with two projects and everybody in it: what who may do is tried on, with a browser and without one.

Everybody: nobody; the four roles in the project `birds`; `of fish`, owner of another project; and owners of birds whose
account was deactivated, whose session is too old, and whose session was left unused for too long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alflow.accounts import OPERATOR, Role
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.store.images import items
from alflow.store.people import people as accounts
from alflow.store.people import sessions
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.map import make_map
from alflow.workflow.people import accounts as people
from alflow.workflow.people.passwords import token_hash
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.browser import world
from tests.colours import colour_project
from tests.web import free_port, served

PEOPLE = ["nobody", "annotator", "reviewer", "engineer", "owner", "of fish", "deactivated", "too old", "unused"]
ROLES = ["annotator", "reviewer", "engineer", "owner"]

PAGES = {
    #              annotator reviewer engineer owner
    "label":      [True,     True,    True,    True],
    "grid":       [True,     True,    True,    True],
    "checks":     [True,     True,    True,    True],
    "rounds":     [False,    True,    True,    True],
    "model":      [False,    True,    True,    True],
    "quality":    [False,    True,    True,    True],
    "errors":     [False,    True,     True,    True],
    "accept":     [False,    False,   True,    True],
    "adjudicate": [False,    True,    True,    True],
    "prompts":    [False,    True,    True,    True],
    "find":       [False,    True,    True,    True],
    "map":        [False,    True,     True,    True],
    "history":    [False,    True,    True,    True],
    "backtest":   [False,    True,    True,    True],
    "project":    [False,    True,    True,    True],
    "people":     [False,    False,   False,   True],
    "new":        [False,    False,   False,   True],
}  # fmt: skip

CLOSED = "Not for your role"


@dataclass(frozen=True)
class House:
    """A running UI with two projects, and a session of everybody."""

    workspace: Workspace
    url: str
    birds: Project
    fish: Project
    names: dict[str, int]
    cookies: dict[str, str]

    def address(self, request: str) -> str:
        """The address of a line of a table of requests."""
        return self.url + request.partition(" ")[2].format(**self.names)

    def annotator(self, who: str) -> int:
        """Their id."""
        return people.find_account(self.workspace, who).annotator_id

    def cookie(self, who: str, role: Role, age: timedelta = timedelta(0)) -> str:
        """A new account with a session that began so long ago."""
        name = f"{who} {len(people.list_accounts(self.workspace))}"
        account = people.add_account(self.workspace, name, email=f"{name.replace(' ', '.')}@example.org")
        people.set_role(self.workspace, self.birds.id, account.annotator_id, role, by=OPERATOR)
        return session_of(self.workspace, account.annotator_id, age)


@contextmanager
def open_house(home: Path) -> Iterator[House]:
    """Birds has images, a model and an open round, so that it can be searched; fish has images in an open round."""
    port = free_port()
    workspace = Workspace.open(Settings(home=home, port=port))
    birds = colour_project(workspace, home, "birds")
    birds = change_settings(workspace, birds.id, replace(birds.settings, gold_rate=0.1))
    embed_missing(workspace, birds)
    make_map(workspace, birds.id)
    open_round(workspace, birds.id)
    fish, _ = world.build(workspace, home, "fish", 3)
    with workspace.database.read() as tx:
        bird, carp = (items.list_(tx, project.id)[0].id for project in (birds, fish))
    cookies = {"nobody": ""}
    for who in PEOPLE[1:]:
        account = people.add_account(workspace, who, email=f"{who.replace(' ', '.')}@example.org")
        project, role = (fish, Role.OWNER) if who == "of fish" else (birds, Role(who) if who in ROLES else Role.OWNER)
        people.set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
        age = timedelta(days=8 if who == "too old" else 1)
        cookies[who] = session_of(workspace, account.annotator_id, age, used=who != "unused")
    with workspace.database.begin() as tx:  # not `people.set_active`: it would end the session, which is to be refused
        accounts.change(tx, accounts.by_name(tx, "deactivated").annotator_id, active=False)  # type: ignore[union-attr]
    names = {"birds": birds.id, "fish": fish.id, "bird": bird, "carp": carp}
    with served(home, port) as url:
        yield House(workspace, url, birds, fish, names, cookies)
    workspace.database.close()


def session_of(workspace: Workspace, annotator: int, age: timedelta = timedelta(0), used: bool = True) -> str:
    """The cookie of a session as signing in would have made it, without a password to hash."""
    token, began = f"session of {annotator}", datetime.now(UTC) - age
    seen = datetime.now(UTC) if used else began
    with workspace.database.begin() as tx:
        sessions.open_(tx, annotator, token_hash(token), None, seen, began + timedelta(days=7))
    return f"alflow_{workspace.settings.port}={token}"
