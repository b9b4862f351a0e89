"""`python -m tests.bench.api`: how many requests of programs a second one server answers; nothing is asserted.

Programs with the client of the package, one and then eight at once, before a real server on SQLite that is bound to
one core: each reads the project, reserves and answers images, and reads a page of answers. How many answers are stored
is told last.

Run it on a machine that does nothing else.
"""
# ruff: noqa: T201 (its output is its purpose)

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from alflow.accounts import OPERATOR, Role, Scope
from alflow.client import Client
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.workflow.people import accounts as people
from alflow.workflow.people.tokens import make_token
from alflow.workspace import Workspace
from tests.browser import world
from tests.web import Server, free_port

PROGRAMS = 8
IMAGES = 600
ANSWERS = 50  # of each program: below what one person may send at once
TIMES = 100


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Settings(home=Path(folder)))
        project, _ = world.build(workspace, Path(folder), "bench", IMAGES)
        secrets = [_token(workspace, project, f"robot {number}") for number in range(PROGRAMS)]
        with Server(Path(folder), free_port()) as server:
            os.sched_setaffinity(server.pid, {min(os.sched_getaffinity(0))})
            clients = [Client(server.url, secret) for secret in secrets]
            for some in (clients[:1], clients):
                _tell("read the project", some, lambda one: [_timed(one.project) for _ in range(TIMES)])
                _tell("reserve and answer", some, _answers)
                _tell("read 500 answers", some, lambda one: [_timed(lambda: list(one.labels())) for _ in range(10)])
        with workspace.database.read() as tx:
            stored = labels.of_project(tx, project.id, withdrawn=True)
        print(f"{len(stored)} answers are stored, of {ANSWERS * (PROGRAMS + 1)} that were given")


def _token(workspace: Workspace, project: Project, name: str) -> str:
    account = people.add_account(workspace, name, email=f"{name.replace(' ', '.')}@example.org")
    people.set_role(workspace, project.id, account.annotator_id, Role.REVIEWER, by=OPERATOR)
    return make_token(workspace, project.id, account.annotator_id, "bench", Scope.LABEL)[1]


def _answers(client: Client) -> list[float]:
    took: list[float] = []
    while len(took) < ANSWERS:
        for image in client.lease(10):
            if len(took) < ANSWERS:
                took.append(_timed(lambda image=image: client.answer(image, "circle")))
    return took


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _tell(what: str, clients: Sequence[Client], work: Callable[[Client], list[float]]) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        took = [each for one in pool.map(work, clients) for each in one]
    rate = len(took) / (time.perf_counter() - began)
    print(f"{what:<20}{len(clients)} at once: {rate:6.0f} a second, {1000 * median(took):6.1f} ms each (median)")


if __name__ == "__main__":
    main()
