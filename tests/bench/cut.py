"""`python -m tests.bench.cut [offline] [silent]`: the desk through two real minutes without a server.

offline  the browser has no network: every request fails at once.
silent   the server stands still (SIGSTOP): requests are taken and never answered, until all of them are at once.

One annotator answers 50 images, at three seconds an image while the connection is lost. What was on screen at each
press is compared with what is stored; nothing is asserted.
"""
# ruff: noqa: T201 (its output is its purpose)

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workspace import Workspace
from tests.browser import world
from tests.browser.conftest import HERE, Desk, launch, sign_in
from tests.browser.seen import KEYS, answer_each, finish, wait_for_image
from tests.web import Server, free_port

IMAGES = 50
BEFORE = 10
CUT_S = 120
EACH_S = 3.0


def main(kinds: list[str]) -> None:
    """Print the counts of these kinds of cut, or of both."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        for kind in kinds or ["offline", "silent"]:
            _live_through(browser, Path(folder) / kind, kind)
        browser.close()


def _live_through(browser: Browser, home: Path, kind: str) -> None:
    home.mkdir()
    workspace = Workspace.open(Settings(home=home))
    project, _ = world.build(workspace, home, "cut", IMAGES)
    with Server(home, free_port()) as server:
        page = _page(browser, Desk(workspace, server.url), project)
        answer_each(page, (KEYS * IMAGES)[:BEFORE])
        page.get_by_text("All answers stored").wait_for()
        page.wait_for_load_state("networkidle")
        during, told, seconds = _without(page, *_switch(page, server, kind))
        finish(page)
        seen = page.evaluate("window.witness")
        page.context.close()
    wrong, lost, twice, stored = _compare(workspace, project, seen)
    print(
        f"{kind} for {CUT_S} s: {during} answered meanwhile, all stored {seconds:.1f} s after; of {IMAGES} images "
        f"{stored} have an answer; wrong {wrong}, lost {lost}, twice {twice}; the page said {told!r}",
        flush=True,
    )
    workspace.database.close()


def _switch(page: Page, server: Server, kind: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """What takes the connection away, and what gives it back."""
    if kind == "silent":
        return lambda: os.kill(server.pid, signal.SIGSTOP), lambda: os.kill(server.pid, signal.SIGCONT)
    return lambda: page.context.set_offline(True), lambda: page.context.set_offline(False)


def _without(page: Page, cut: Callable[[], None], mend: Callable[[], None]) -> tuple[int, str, float]:
    """Answers given meanwhile, the page's last words, and seconds until all are stored afterwards."""
    before = _answers(page)
    cut()
    end = time.monotonic() + CUT_S
    turn = 0
    while (started := time.monotonic()) < end:
        page.keyboard.press(KEYS[turn % 4])
        turn += 1
        page.wait_for_timeout(1000 * max(0.0, min(end, started + EACH_S) - time.monotonic()))
    told = page.locator("[data-is=banner], [data-is=empty]").filter(visible=True).all_inner_texts()
    during = _answers(page) - before
    mend()
    mended = time.monotonic()
    page.get_by_text("All answers stored").wait_for()
    return during, " / ".join(" ".join(text.split()) for text in told), time.monotonic() - mended


def _answers(page: Page) -> int:
    return int(page.evaluate("window.witness.filter(each => each.what === 'answered').length"))


def _page(browser: Browser, desk: Desk, project: Project) -> Page:
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    context.add_init_script(path=HERE / "witness.js")
    page = context.new_page()
    page.set_default_timeout(120_000)
    sign_in(page, desk, "Ada")
    page.goto(f"{desk.url}/?project={project.name}")
    wait_for_image(page)
    return page


def _compare(workspace: Workspace, project: Project, seen: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    """Answers under another image or class than seen and pressed, answers not stored, items answered twice, items."""
    with workspace.database.read() as tx:
        stored = {one.token: one for one in labels.of_project(tx, project.id)}
        numbers = {item.id: world.number_of(item) for item in items.list_(tx, project.id)}
        classes = [each.id for each in projects.classes(tx, project.id)]
    pairs = [(key, answer["token"]) for key, answer in pairwise(seen) if answer["what"] == "answered"]
    kept = [(key, stored[token]) for key, token in pairs if token in stored]
    wrong = sum(
        (numbers[label.item_id], label.class_id) != (key["number"], classes[KEYS.index(key["key"])])
        for key, label in kept
    )
    per_item = Counter(label.item_id for label in stored.values())
    return wrong, len(pairs) - len(kept), sum(n > 1 for n in per_item.values()), len(per_item)


if __name__ == "__main__":
    main(sys.argv[1:])
