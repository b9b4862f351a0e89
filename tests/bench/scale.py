"""Seconds and peak memory of every step of a project of N images, from import to the next round.

    python -m tests.bench.scale [--items N ...] [--real K] [--json FILE] [--budget B]

Prints, and writes to FILE, a list of {items, step, seconds, cpu_seconds, peak_mb}. Steps: import, embed, open, close,
find, pages, next, out (embeddings as Parquet), said (predictions as Parquet). Each runs in a process of its own, whose
peak memory is the whole of it, PyTorch and all.

The widths are those of CLIP ViT-B: 768 activations, embeddings of 512, here of a random model with small towers.
Import and embed handle K real files (their `items` is K): decoding a million would take hours and shows nothing that a
thousand does not. The rows of all other images are drawn, in 40 clusters, and written as embedding writes them.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image

from alflow.bayes.curvature import Factors
from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.settings import Settings
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.images.items import NewItem
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images import shards
from alflow.workflow.images.embed import SHARD_ITEMS, embed_missing
from alflow.workflow.images.embedded import folder
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.exports.embedded import export_embeddings
from alflow.workflow.insight.exports.said import export_predictions
from alflow.workflow.insight.prepare import prepare
from alflow.workflow.model.factors import BothFactors, write_factors
from alflow.workflow.model.find import Filter, find_text
from alflow.workflow.model.posterior import import_posterior
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, find_project, name_classes, project_classes
from alflow.workflow.rounds import review
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests import tiny

Taken = tuple[float, float]
"""Seconds by the clock on the wall, and of this process's time."""

NAME, P, P_T, D, CLASSES, CLUSTERS, PAIRS = "scale", 768, 64, 512, 22, 40, 100_000
MODEL = {
    "embed_dim": D,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": P, "head_width": 64, "layers": 1},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": P_T, "heads": 2, "layers": 1},
}


def main(arguments: list[str]) -> None:
    """Measure, and write what was measured."""
    asked = _parse(arguments)
    if asked.step:
        print(json.dumps(_measured(Path(asked.home), asked.step, asked.items[0], asked.real)))
        return
    rows: list[dict[str, Any]] = []
    for n_items in asked.items:
        with tempfile.TemporaryDirectory(dir=asked.folder) as home:
            prepare_project(Path(home), asked.budget)
            for step in STEPS:
                if step == "draw":
                    draw(Path(home), n_items)
                    continue
                rows.append(_in_process(home, step, n_items, asked.real))
                words = "{items:>9,} {step:<7}{seconds:>9.2f} s{cpu_seconds:>9.2f} CPU s{peak_mb:>8,} MB"
                print(words.format(**rows[-1]), flush=True)
        if asked.json:
            Path(asked.json).parent.mkdir(parents=True, exist_ok=True)
            Path(asked.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale")
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--real", type=int, default=1_000, help="files that import and embed handle")
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--json", help="where to write the rows")
    parser.add_argument("--folder", help="where to make the temporary home; a million images take 4 GB")
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _in_process(home: str, step: str, n_items: int, real: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.scale", "--home", home, "--step", step]
    command += ["--items", str(n_items), "--real", str(real)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _measured(home: Path, step: str, n_items: int, real: int) -> dict[str, Any]:
    workspace = Workspace.open(Settings(home=home))
    project = find_project(workspace, NAME)
    start = _now()
    seconds, busy = STEPS[step](workspace, project, home, real) or _since(start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    handled = real if step in {"import", "embed"} else n_items
    return {"items": handled, "step": step, "seconds": seconds, "cpu_seconds": busy, "peak_mb": peak}


def prepare_project(home: Path, budget: int) -> None:
    """A project of a random model with a posterior, and no image."""
    workspace = Workspace.open(Settings(home=home))
    model = tiny.write_model(home / "model", **MODEL)
    names = name_classes([f"kind {number}" for number in range(CLASSES)])
    project = create_project(workspace, NAME, model, "bf16", names, ProjectSettings(budget=budget))
    write_factors(home / "factors.safetensors", BothFactors(*(_factors(width) for width in (P, P_T))))
    import_posterior(workspace, project, str(home), PAIRS)


def _factors(width: int) -> Factors:
    generator = torch.Generator().manual_seed(width)
    A, B = (torch.randn(2 * side, side, generator=generator, dtype=torch.float64) for side in (width, D))
    return Factors(A.T @ A * PAIRS / len(A), B.T @ B * PAIRS / len(B), PAIRS)


def _now() -> Taken:
    return time.perf_counter(), time.process_time()


def _since(start: Taken) -> Taken:
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _import(workspace: Workspace, project: Project, home: Path, real: int) -> Taken:
    folder, noise = home / "files", np.random.default_rng(0)
    folder.mkdir()
    for number in range(real):
        Image.fromarray(noise.integers(0, 255, (64, 64, 3), np.uint8)).save(folder / f"{number}.jpg")
    start = _now()
    import_items(workspace, project, str(folder), Split.POOL)
    return _since(start)


def _embed(workspace: Workspace, project: Project, *_: object) -> None:
    embed_missing(workspace, project)


def draw(home: Path, n_items: int) -> None:
    """Rows of the other images: most of the pool, 2,000 targets, 2,000 of a test split whose classes are known."""
    workspace = Workspace.open(Settings(home=home))
    project = find_project(workspace, NAME)
    encoder = shards.encoder_in_use(workspace, project)
    classes = [label.id for label in project_classes(workspace, project.id)]
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(CLUSTERS, P, generator=generator)
    for start in range(0, n_items, SHARD_ITEMS):
        size = min(SHARD_ITEMS, n_items - start)
        cluster = torch.randint(CLUSTERS, (size,), generator=generator)
        values = centres[cluster] + torch.randn(size, P, generator=generator)
        values[:, -1] = 1
        rows = []
        for place in range(size):
            number = start + place
            split = Split.TARGET if number < 2_000 else Split.TEST if number < 4_000 else Split.POOL
            truth = classes[int(cluster[place]) % CLASSES]
            rows.append(NewItem(digest(number=number), f"drawn/{number}.jpg", split, 64, 64, truth))
        with workspace.database.begin() as tx:
            added = items.add(tx, project.id, rows)
        ids = torch.tensor([one.id for one in added])
        name = f"{folder(project, encoder.hash)}/{digest(items=ids.tolist())}.safetensors"
        workspace.artifacts.write_tensors(
            name, {"item_ids": ids, "values": values.bfloat16()}, {"encoder": encoder.hash}
        )


def _open(workspace: Workspace, project: Project, *_: object) -> None:
    open_round(workspace, project.id)


def _close(workspace: Workspace, project: Project, *_: object) -> Taken:
    annotator, random = sign_in(workspace, "bench"), Random(0)
    classes = [label.id for label in project_classes(workspace, project.id)]
    while queue := next_candidates(workspace, project.id, annotator.id, extra=False):
        for entry in queue:
            chosen = entry.item.truth or random.choice(classes)
            given = Submission(f"answer {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, chosen, 1.0)
            submit(workspace, project.id, annotator.id, given)
    start = _now()
    close_round(workspace, project.id, review.round_summaries(workspace, project.id)[-1].round.id)
    return _since(start)


def _find(workspace: Workspace, project: Project, *_: object) -> Taken:
    find_text(workspace, project, "a red car", Filter())  # the first loads the towers
    start = _now()
    find_text(workspace, project, "a green door", Filter())
    return _since(start)


def _pages(workspace: Workspace, project: Project, *_: object) -> Taken:
    """What the Rounds page asks at each refresh."""
    prepare(workspace, project.id)
    start = _now()
    review.overview(workspace, project.id)
    review.round_summaries(workspace, project.id)
    review.learning_curve(workspace, project.id)
    return _since(start)


def _embeddings(workspace: Workspace, project: Project, home: Path, _: int) -> None:
    export_embeddings(workspace, project.id, str(home / "embeddings.parquet"))


def _predictions(workspace: Workspace, project: Project, home: Path, _: int) -> None:
    """After `pages`, which made them."""
    export_predictions(workspace, project.id, str(home / "predictions.parquet"))


Step = Callable[[Workspace, Project, Path, int], Taken | None]

STEPS: dict[str, Step] = {
    "import": _import,
    "embed": _embed,
    "draw": lambda *_: None,
    "open": _open,
    "close": _close,
    "find": _find,
    "pages": _pages,
    "next": _open,
    "out": _embeddings,
    "said": _predictions,
}


if __name__ == "__main__":
    main(sys.argv[1:])
