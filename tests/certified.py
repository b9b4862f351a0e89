"""A project with a pool that is large enough for certificates: rows near those of two colours, without pictures."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Round
from alflow.ids import ItemId
from alflow.store.images import items
from alflow.store.images.items import NewItem
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.images.embedded import folder
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import colour_project


def grown_project(workspace: Workspace, home: Path, images: int, name: str = "grown") -> Project:
    """Two colours, a model and so many images of the pool, whose class is known to tests."""
    project = colour_project(workspace, home, name)
    embed_missing(workspace, project)
    grow(workspace, project, images)
    return project


def grow(workspace: Workspace, project: Project, images: int, shift: float = 0.0, seed: int = 0) -> list[ItemId]:
    """Add images: each lies near one of the painted ones; `shift` moves them all, by the distance of the colours."""
    with workspace.database.read() as tx:
        painted = [item for item in items.list_(tx, project.id, Split.POOL) if item.uri.endswith(".png")]
    rows = load_embeddings(workspace, project, [item.id for item in painted])
    generator = torch.Generator().manual_seed(seed)
    truth = {item.id: item.truth for item in painted}
    known = torch.tensor([truth[ItemId(one)] for one in rows.item_ids.tolist()])
    values = rows.activations.values
    first, last = known.min(), known.max()
    apart = values[known == first].mean(dim=0) - values[known == last].mean(dim=0)
    drawn = torch.randint(len(values), (images,), generator=generator)
    noise = torch.randn(images, values.shape[1], generator=generator) * apart.norm() / 20
    new = values[drawn] + noise + shift * apart.norm() * torch.ones(values.shape[1]) / values.shape[1] ** 0.5
    with workspace.database.begin() as tx:
        hashes = [sha256(f"{seed} {number}".encode()).hexdigest() for number in range(images)]
        rows_ = [
            NewItem(hash_, f"made/{hash_[:12]}", Split.POOL, 40, 40, int(known[place]))  # type: ignore[arg-type]
            for hash_, place in zip(hashes, drawn.tolist(), strict=True)
        ]
        added = items.add(tx, project.id, rows_)
    by_hash = {item.content_hash: item.id for item in added}
    ids = torch.tensor([by_hash[hash_] for hash_ in hashes])
    encoder = encoder_in_use(workspace, project).hash
    path = f"{folder(project, encoder)}/{seed:064x}.safetensors"
    workspace.artifacts.write_tensors(path, {"item_ids": ids, "values": new.half()}, {"encoder": encoder})
    return ids.tolist()


def with_settings(workspace: Workspace, project: Project, **changes: object) -> Project:
    """The project with other settings."""
    return change_settings(workspace, project.id, replace(project.settings, **changes))  # type: ignore[arg-type]


def one_round(workspace: Workspace, project: Project, *, wrong: int = 0, close: bool = True) -> Round:
    """Open a round and answer it truly, but for the first answers, which name the other class."""
    opened = open_round(workspace, project.id)
    annotator, done = sign_in(workspace, "tester"), 0
    while queue := next_candidates(workspace, project.id, annotator.id, 50, extra=False):
        for entry in queue:
            other = next(one for one in entry.candidate.probabilities if one != entry.item.truth)
            named = other if done < wrong else entry.item.truth
            token = f"answer {entry.candidate.id}"
            submit(
                workspace, project.id, annotator.id, Submission(token, entry.candidate.id, Verdict.CLASS, named, 1.0)
            )
            done += 1
    return close_round(workspace, project.id, opened.id) if close else opened
