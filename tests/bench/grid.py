"""`python -m tests.bench.grid [IMAGES [LABELS]]`: seconds that pages of the grid through a pool take; asserts nothing.

A pool of a million images by default, on SQLite, of which 20,000 have a label, with made-up predictions of 20 classes:
pages of 100 and of 300 images, as an exchange reserves and stores them. What a server reads once after a round was
closed (the predictions, and which images are of the pool) is given apart.

Run it on a machine that does nothing else.
"""
# ruff: noqa: T201 (its output is its purpose)

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch

from alflow.bayes.uncertainty import Uncertainty
from alflow.domain.answers import Verdict
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.answers.pool_grid import Order, PagesOfPool, rank
from alflow.workflow.desk.grid_answers import Accept, TakeBack
from alflow.workflow.desk.grid_exchange import grid_exchange
from alflow.workflow.model.kept import Outlook
from alflow.workflow.projects.projects import name_classes
from alflow.workspace import Workspace
from tests.queues import World, new_item, open_queue

CLASSES, PAGES = 20, 5
T = TypeVar("T")


def main(images: int = 1_000_000, labelled: int = 20_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as home:
        workspace = Workspace.open(Settings(home=Path(home)))
        world = _world(workspace, images, labelled)
        said = _outlook(workspace, world, Path(home))
        ranking, seconds = _timed(lambda: rank(workspace, world.project.id, said))
        print(f"{images:,} images, {labelled:,} labels: which are of the pool, once a round {seconds:.2f} s")
        for size in (100, 300):
            for order in Order:
                _pages(workspace, world, PagesOfPool(ranking, order, size))
        workspace.database.close()


def _pages(workspace: Workspace, world: World, pages: PagesOfPool) -> None:
    who, class_id = world.annotators[0].id, pages.ranking.outlook.class_ids[0]
    spent: dict[str, list[float]] = {}

    def ask(what: str, event: Accept | TakeBack | None = None) -> Accept:
        state, seconds = _timed(lambda: grid_exchange(workspace, world.project.id, who, event, class_id, pages))
        spent.setdefault(what, []).append(seconds)
        assert state.refusal is None
        assert state.page is not None
        shown = tuple(entry.candidate.id for entry in state.page.entries)
        return Accept(state.page.token, state.page.class_id, shown[1:], shown[:1], 30.0)

    page = ask("new page")
    for _ in range(PAGES):
        ask("same page", None)
        page = ask("accept, next page", page)
    last = page
    ask("accept, next page", last)
    ask("undo", TakeBack(last.token))
    figures = ", ".join(f"{what} {median(each):.3f} s" for what, each in spent.items())
    print(f"{pages.size} a page, {pages.order}: {figures}")


def _world(workspace: Workspace, images: int, labelled: int) -> World:
    world = open_queue(workspace.database, 100)
    with workspace.database.begin() as tx:
        projects.put_classes(tx, world.project.id, name_classes(["cat", "dog", *map(str, range(2, CLASSES))]))
        for start in range(100, images, 50_000):
            items.add(tx, world.project.id, [new_item(n) for n in range(start, min(start + 50_000, images))])
        every, who = items.ids(tx, world.project.id), world.annotators[0].id
        class_ids, now = [one.id for one in projects.classes(tx, world.project.id)], datetime.now(UTC)
        for place, item_id in enumerate(every[100 :: max(1, images // labelled)]):
            given = (world.project.id, item_id, None, None, who, Verdict.CLASS, class_ids[place % CLASSES], now, 1.0)
            labels.submit(tx, NewLabel(*given, f"known {place}", {}))
    return world


def _outlook(workspace: Workspace, world: World, home: Path) -> Outlook:
    with workspace.database.read() as tx:
        every = items.ids(tx, world.project.id)
        class_ids = tuple(one.id for one in projects.classes(tx, world.project.id))
    generator, n = torch.Generator().manual_seed(0), len(every)
    probabilities = (3 * torch.randn(n, len(class_ids), generator=generator)).softmax(1)
    tensors = {"item_ids": torch.tensor(every), "probabilities": probabilities, "variance": torch.zeros(n)}
    tensors |= {"novelty": torch.zeros(n)}
    workspace.artifacts.write_tensors("outlook.safetensors", tensors)
    (read, _), seconds = _timed(lambda: workspace.artifacts.read_tensors("outlook.safetensors"))
    size = (home / "artifacts" / "outlook.safetensors").stat().st_size
    print(f"predictions of {size / 1e6:.0f} MB, read once a round in {seconds:.2f} s")
    parts = Uncertainty(torch.zeros(n), torch.zeros(n), torch.zeros(n))
    return Outlook("made up", 0, None, class_ids, **read, entropies=lambda: parts)


def _timed(act: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return act(), time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
