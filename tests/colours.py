"""The smallest world in which everything is real: a tiny CLIP on disk, pictures of two colours, a project of them."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.pool import import_items
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.tiny import write_model

COLOURS: Final = {"red": (200, 30, 40), "blue": (30, 40, 200)}


def paint(folder: Path, per_colour: int, seed: int = 0) -> Path:
    """An ImageFolder tree: noisy pictures, in a folder of their colour."""
    generator = np.random.default_rng(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_colour):
            pixels = np.clip(np.array(colour) + generator.normal(0, 40, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{seed}-{number}.png")
    return folder


def captions(folder: Path) -> Path:
    """A manifest of images and captions, for the posterior, of the pictures in a folder."""
    manifest = folder / "captions.csv"
    rows = [f"{path},a {path.parent.name} picture" for path in sorted(folder.rglob("*.png"))]
    manifest.write_text("\n".join(["path,caption", *rows]) + "\n")
    return manifest


def colour_project(
    workspace: Workspace,
    folder: Path,
    name: str = "colours",
    *,
    budget: int = 4,
    model: str | None = None,
    precision: str = "fp32",
) -> Project:
    """A project with pool, target and test, and a posterior; nothing embedded, no round yet."""
    settings = ProjectSettings(budget=budget, strategy="margin", control_fraction=0.25)
    model = model or write_model(folder / f"{name}-model")
    project = create_project(workspace, name, model, precision, name_classes(list(COLOURS)), settings)
    for seed, split in enumerate((Split.POOL, Split.TARGET, Split.TEST)):
        import_items(workspace, project, str(paint(folder / name / split, 6, seed)), split)
    estimate_posterior(workspace, project, str(captions(folder / name / Split.TARGET)))
    return project


def after_two_rounds(workspace: Workspace, project: Project) -> Project:
    """Close two rounds of true answers and open the third."""
    for _ in range(2):
        advance(workspace, project.id)
        answer(workspace, project)
    advance(workspace, project.id)
    return project


def answer(workspace: Workspace, project: Project) -> int:
    """Answer everything that a round waits for, truly; returns how many answers that took."""
    annotator = sign_in(workspace, "tester")
    done = 0
    while queue := next_candidates(workspace, project.id, annotator.id, extra=False):
        for entry in queue:
            given = Submission(f"answer {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, entry.item.truth, 1.0)
            submit(workspace, project.id, annotator.id, given)
            done += 1
    return done
