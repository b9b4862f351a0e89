"""What N images would cost on paper: what one costs here, measured, times N.

    python -m tests.bench.cost [--items N] [--rows K] [--files F] [--json FILE]

Prints, and writes to FILE, a list of {what, unit, each, all}: `each` is measured on this machine for an image, `all` is
computed for N. Seconds are CPU seconds of one thread; times are of K drawn rows as in `tests.bench.scale` (768
activations, embeddings of 512, 22 classes, bfloat16) and of F pictures of 2000 x 1500 through ViT-B/32 in float32.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from alflow.settings import Settings
from alflow.store.images import items
from alflow.workflow.images import shards
from alflow.workflow.images.claims import claimed
from alflow.workflow.images.embed import SHARD_ITEMS, embed_missing
from alflow.workflow.images.encoding import prepare_file
from alflow.workflow.images.pool import import_items
from alflow.workflow.model import kept
from alflow.workflow.model.model import load_model
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace
from tests.bench import embedding, scale


@dataclass(frozen=True)
class Cost:
    """Of one image, measured, and of all, computed."""

    what: str
    unit: str
    each: float
    all: float


def main(arguments: list[str]) -> None:
    """Measure, compute, and write both."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost")
    parser.add_argument("--items", type=int, default=10**9)
    parser.add_argument("--rows", type=int, default=65_536)
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--json", help="where to write the rows")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = []
    with tempfile.TemporaryDirectory() as home:
        for what, unit, each in (*_of_files(Path(home), asked.files), *_of_rows(Path(home), asked.rows)):
            found.append(Cost(what, unit, each, each * asked.items))
            print(f"{what:<58}{each:>14.6g} {unit:<6} an image {found[-1].all:>14.4g} {unit}", flush=True)
    if asked.json:
        Path(asked.json).parent.mkdir(parents=True, exist_ok=True)
        Path(asked.json).write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")


def _of_files(home: Path, count: int) -> Iterator[tuple[str, str, float]]:
    encoder, _ = embedding.encoders()
    pictures = [embedding.photograph(home / f"{number}.jpg", number) for number in range(count)]
    yield "file of a picture", "bytes", sum(Path(one.uri).stat().st_size for one in pictures) / count
    yield "read, decode, prepare", "s", _busy(lambda: [prepare_file(encoder, one.uri) for one in pictures]) / count
    pixels = torch.stack([prepare_file(encoder, one.uri) for one in pictures])
    encoder.pixels(pixels[:8])
    yield "network", "s", _busy(lambda: encoder.pixels(pixels)) / count


def _of_rows(home: Path, count: int) -> Iterator[tuple[str, str, float]]:
    scale._prepare(home, budget=100)
    workspace = Workspace.open(Settings(home=home))
    project = find_project(workspace, scale.NAME)
    (home / "files").mkdir()
    embedding.photograph(home / "files" / "one.jpg", 0)
    import_items(workspace, project, str(home / "files"))
    embed_missing(workspace, project)
    empty = _size(home / "alflow.db")
    scale._draw(home, count)
    yield "database (SQLite), its row and indexes", "bytes", (_size(home / "alflow.db") - empty) / count
    encoder = shards.encoder_in_use(workspace, project).hash
    names = shards.names(workspace, project, encoder)
    root = Path(workspace.settings.artifacts)
    yield "row of a shard", "bytes", sum((root / name).stat().st_size for name in names) / count
    yield "names of the shards, listed", "s", _busy(lambda: shards.names(workspace, project, encoder)) / count
    yield (
        "ids out of the shards, first time",
        "s",
        _busy(lambda: shards.embedded_ids(workspace, project, encoder)) / count,
    )
    with workspace.database.read() as tx:
        yield "ids out of the database", "s", _busy(lambda: items.ids(tx, project.id)) / count
        some = items.ids(tx, project.id)[:SHARD_ITEMS]

    def claim() -> None:
        with claimed(workspace, some) as ours:
            ours.confirm()

    yield "claim of a shard", "s", _busy(claim) / SHARD_ITEMS
    model = load_model(workspace, project)
    [kept._of_shard(workspace, model, name) for name in names[:2]]
    yield (
        "score: prediction, variance, novelty",
        "s",
        _busy(lambda: [kept._of_shard(workspace, model, name) for name in names]) / count,
    )
    made = kept.outlook_of(workspace, project, model, 0)
    path = next(root.glob(f"projects/{project.id}/outlooks/*.safetensors"))
    yield "score, kept", "bytes", path.stat().st_size / len(made)
    yield "entropies of a score", "s", _busy(made.entropies) / count


def _size(database: Path) -> int:
    """In bytes, without what waits in its log."""
    with closing(sqlite3.connect(database)) as connection:
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(pages * size)


def _busy(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    main(sys.argv[1:])
