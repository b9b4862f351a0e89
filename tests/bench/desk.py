"""`python -m tests.bench.desk [browser] [queue]`: figures of the labelling desk; nothing is asserted.

browser  milliseconds from a key press to the next image on screen, in a real Chromium before a real server that is
         bound to one core: one annotator, then ten at once. What was on screen is compared with what is stored.
queue    20 annotators (threads) empty a queue of 5,000 items with 2 votes each, on SQLite and on PostgreSQL: answers
         a second, and whether anybody was handed an item twice or too many held one at once.

Run it on a machine that does nothing else.
"""
# ruff: noqa: T201 (its output is its purpose)

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from alflow.domain.answers import Label, Verdict
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.desk import label
from alflow.workflow.desk import queue as queueing
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace
from tests import postgres
from tests.browser import world
from tests.browser.conftest import HERE, Desk, launch, sign_in
from tests.browser.seen import KEYS, wait_for_image, wait_until
from tests.hands import Hands
from tests.queues import open_queue
from tests.web import Server, free_port

PRESSES = 150
PEOPLE = 10
THREADS = 20
ITEMS = 5_000
VOTES = 2


def main(parts: list[str]) -> None:
    """Print the figures of these parts, or of all."""
    if not parts or "browser" in parts:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            browser = launch(playwright)
            for people in (1, PEOPLE):
                _press_keys(browser, Path(folder) / str(people), people)
            browser.close()
    if not parts or "queue" in parts:
        for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
            with opened() as workspace:
                _empty(workspace, name)


def _press_keys(browser: Browser, home: Path, people: int) -> None:
    home.mkdir()
    workspace = Workspace.open(Settings(home=home))
    presses = PRESSES if people == 1 else PRESSES // 3
    project, _ = world.build(workspace, home, "bench", presses * people + 20)
    with Server(home, free_port()) as server:
        os.sched_setaffinity(server.pid, {min(os.sched_getaffinity(0))})
        pages = [_page(browser, Desk(workspace, server.url), f"annotator {n}", project) for n in range(people)]
        random = Random(0)
        for _ in range(presses):
            for page in pages:
                page.keyboard.press(random.choice(KEYS))
                time.sleep(0.4 / people)  # everybody takes 0.4 s an image at least
        for page in pages:
            wait_until(page, "document.activeElement !== null")
            page.get_by_text("All answers stored").wait_for()
        seen = [page.evaluate("window.witness") for page in pages]
        for page in pages:
            page.context.close()
    waits = sorted(wait for one in seen for wait in _waits(one))
    pressed = sum(event["what"] == "key" for one in seen for event in one)
    wrong, lost, twice = _compare(workspace, project, seen)
    ninetyfive = quantiles(waits, n=20)
    who = "one annotator" if people == 1 else f"{people} at once"
    print(
        f"{who}: {len(waits)} answers of {pressed} presses, key to next image p50 {ninetyfive[9]:.0f} ms, "
        f"p95 {ninetyfive[18]:.0f} ms; wrong {wrong}, lost {lost}, twice {twice}",
        flush=True,
    )
    workspace.database.close()


def _page(browser: Browser, desk_: Desk, name: str, project: Project) -> Page:
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    page.set_default_timeout(120_000)
    sign_in(page, desk_, name)
    page.goto(f"{desk_.url}/?project={project.name}")
    wait_for_image(page)
    return page


def _waits(seen: list[dict[str, Any]]) -> list[float]:
    """Milliseconds from each answer to the next image."""
    events = [event for event in seen if event["what"] != "key"]
    return [b["at"] - a["at"] for a, b in pairwise(events) if (a["what"], b["what"]) == ("answered", "shown")]


def _compare(workspace: Workspace, project: Project, seen: list[list[dict[str, Any]]]) -> tuple[int, int, int]:
    """Answers under another image or class than was seen and pressed; answers not stored; items answered twice."""
    with workspace.database.read() as tx:
        stored = {one.token: one for one in labels.of_project(tx, project.id)}
        numbers = {item.id: world.number_of(item) for item in items.list_(tx, project.id)}
        classes = [each.id for each in projects.classes(tx, project.id)]
    pairs = [(key, answer) for one in seen for key, answer in pairwise(one) if answer["what"] == "answered"]
    found = [(key["number"], classes[KEYS.index(key["key"])], stored.get(answer["token"])) for key, answer in pairs]
    kept = [(number, class_id, label) for number, class_id, label in found if label is not None]
    wrong = sum((numbers[label.item_id], label.class_id) != (number, class_id) for number, class_id, label in kept)
    per_item = Counter(label.item_id for label in stored.values())
    return wrong, len(found) - len(kept), sum(count > 1 for count in per_item.values())


@contextmanager
def _sqlite() -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Settings(home=Path(folder)))
        yield workspace
        workspace.database.close()


@contextmanager
def _postgresql() -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory() as folder, postgres.server() as server, postgres.new_database(server) as url:
        settings = Settings(home=Path(folder), database_url=url.render_as_string(hide_password=False))
        workspace = Workspace.open(settings)
        yield workspace
        workspace.database.close()


def _empty(workspace: Workspace, name: str) -> None:
    queue = open_queue(workspace.database, ITEMS, votes=VOTES, n_annotators=THREADS)
    classes, hands = [one.id for one in queue.classes], Hands(VOTES)
    seconds: list[float] = []

    def work(annotator: int) -> int:
        random, given, idle = Random(annotator), 0, 0
        while idle < 5:
            hands.asks(annotator)
            entries = queueing.next_candidates(workspace, queue.project.id, annotator, 6)
            hands.gets(annotator, [entry.candidate.id for entry in entries])
            idle = 0 if entries else idle + 1
            for entry in entries[:3]:
                token = f"{annotator}-{given}"
                before = time.perf_counter()
                said = Submission(token, entry.candidate.id, Verdict.CLASS, random.choice(classes), 0.5)
                hands.answers(annotator, entry.candidate.id)
                label.submit(workspace, queue.project.id, annotator, said)
                seconds.append(time.perf_counter() - before)
                given += 1
        return given

    started, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        given = list(pool.map(work, [one.id for one in queue.annotators]))
    taken, busy = time.perf_counter() - started, time.process_time() - busy
    with workspace.database.read() as tx:
        found = labels.of_round(tx, queue.round.id)
    ninetyfive = quantiles(seconds, n=20)
    print(
        f"{name}: {THREADS} annotators, {sum(given):,} answers in {taken:.0f} s, {len(found) / taken:.0f} a second, "
        f"{len(found) / busy:.0f} a second of this process's time; an answer p50 {1e3 * ninetyfive[9]:.0f} ms, "
        f"p95 {1e3 * ninetyfive[18]:.0f} ms; {_faults(found)}; handed again to who had answered {hands.again}, held by "
        f"more than votes were missing {hands.crowded}; "
        f"the least busy gave {min(given)}, the busiest {max(given)}",
        flush=True,
    )


def _faults(found: list[Label]) -> str:
    votes = Counter(label.candidate_id for label in found)
    twice = len(found) - len({(label.candidate_id, label.annotator_id) for label in found})
    few = ITEMS - sum(count >= VOTES for count in votes.values())
    many = sum(count > VOTES for count in votes.values())
    return f"items with too few votes {few}, with too many {many}, twice by one person {twice}"


if __name__ == "__main__":
    main(sys.argv[1:])
