"""A small world to label: images whose pixels say their own number, a project, an open round.

The number is drawn as ten black or white squares, so that a browser can read from the pixels on screen which image a
person would have seen, without asking the page's own bookkeeping.
"""

from datetime import UTC, datetime
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from sqlalchemy import update

from alflow.bootstrap import all_metrics
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.rounds import Evaluation, Origin, Round
from alflow.store import tables
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, evaluations, rounds
from alflow.workflow.images.pool import import_items
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace

BITS = 10
SQUARE = 48
MODEL = "ViT-B-32/laion2b_s34b_b79k"  # never loaded: no page needs the model
CLASSES = ("circle", "square", "triangle", "star")
SIZE = (BITS * SQUARE, 360)


def numbered_image(number: int, color: tuple[int, ...] | None = None) -> Image.Image:
    """An image that carries `number` as squares along its middle, on a ground of this colour, or of one of its own."""
    generator = torch.Generator().manual_seed(number)
    ground = tuple(torch.randint(60, 220, (3,), generator=generator).tolist())
    image = Image.new("RGB", SIZE, color or ground)
    draw = ImageDraw.Draw(image)
    draw.text((20, 20), f"{number}", fill="white", font_size=96)
    top = SIZE[1] // 2
    for bit in range(BITS):
        fill = "white" if number >> bit & 1 else "black"
        draw.rectangle((bit * SQUARE, top, (bit + 1) * SQUARE - 1, top + SQUARE - 1), fill=fill)
    return image


def build(
    workspace: Workspace,
    folder: Path,
    name: str,
    count: int,
    settings: ProjectSettings | None = None,
    *,
    times: int = 1,
) -> tuple[Project, Round]:
    """A project of `count` numbered pool images, all of them candidates of an open round; `times` as wide and high."""
    images = folder / name
    images.mkdir()
    for number in range(1, count + 1):
        image = numbered_image(number)
        image.resize((image.width * times, image.height * times)).save(images / f"{number:04d}.png")
    project = create_project(workspace, name, MODEL, "fp32", name_classes(CLASSES), settings)
    import_items(workspace, project, str(images), Split.POOL)
    return project, open_by_hand(workspace, project)


def open_by_hand(workspace: Workspace, project: Project) -> Round:
    """A round of every pool image, with made-up reasons: what the pages show, without a model."""
    with workspace.database.begin() as tx:
        pool = items.list_(tx, project.id, Split.POOL)
        class_ids = [each.id for each in projects.classes(tx, project.id)]
        opened = rounds.open_(
            tx,
            project.id,
            strategy="default",
            budget=len(pool),
            seed=0,
            configuration={
                "class_ids": class_ids,
                "novelty": {item.id: 0.5 + 0.1 * rank for rank, item in enumerate(pool)},
                "novel_share": 0.2,
            },
            hashes={"posterior": "0" * 64},
        )
        candidates.add(tx, opened.id, [_candidate(rank, item, class_ids) for rank, item in enumerate(pool)])
    return opened


def add_curve(workspace: Workspace, project: Project, n_rounds: int) -> None:
    """Evaluations of a model that learns, as closing rounds would have written them."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(len(CLASSES), (80,), generator=generator)
    noise = torch.randn(80, len(CLASSES), generator=generator)
    for number in range(n_rounds + 1):
        logits = noise + (0.4 + 0.5 * number) * torch.nn.functional.one_hot(labels, len(CLASSES))
        metrics = dict(all_metrics(logits.softmax(1), labels, generator, n_bootstrap=50))
        evaluation = Evaluation(project.id, number, "test", 20 * number, 80, metrics, datetime.now(UTC))
        with workspace.database.begin() as tx:
            evaluations.add(tx, evaluation)


def forget_everybody(workspace: Workspace) -> None:
    """As if nobody had been heard of for long: what is reserved lapses, and the desk is empty."""
    with workspace.database.begin() as tx:
        for table in (tables.lease, tables.presence):
            tx.execute(update(table).values(until=datetime.now(UTC)))


def number_of(item: Item) -> int:
    """The number an item's image shows, from the name of its file."""
    return int(Path(item.uri).stem)


def _candidate(rank: int, item: Item, class_ids: list[int]) -> candidates.NewCandidate:
    control = rank % 10 == 9
    probabilities = torch.softmax(torch.arange(len(class_ids)) * 0.7, 0).roll(rank).tolist()
    return candidates.NewCandidate(
        item_id=item.id,
        rank=rank,
        origin=Origin.CONTROL if control else Origin.STRATEGY,
        score=None if control else 1.0 / (rank + 1),
        predicted_class_id=class_ids[max(range(len(class_ids)), key=probabilities.__getitem__)],
        probabilities=dict(zip(class_ids, probabilities, strict=True)),
        epistemic=0.02 * (rank % 7),
        aleatoric=0.9,
    )
