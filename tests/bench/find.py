"""Searching a large pool: 100,000 embedded items of width 512, by words, by likeness, and within a prediction.

Shards and rows are written directly, so no image is needed; the model is a small random CLIP with last layers of that
width. A search is compared with the least it must do: read every shard and multiply each row with one vector.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from alflow.bayes.curvature import Factors
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.images.items import NewItem
from alflow.workflow.images import shards
from alflow.workflow.images.embed import SHARD_ITEMS
from alflow.workflow.images.embedded import folder
from alflow.workflow.model.factors import BothFactors, write_factors
from alflow.workflow.model.find import Filter, find_like, find_text
from alflow.workflow.model.model import load_model
from alflow.workflow.model.posterior import import_posterior
from alflow.workflow.projects.projects import create_project, name_classes, project_classes
from alflow.workspace import Workspace
from tests import tiny
from tests.bench.harness import Row, case, compare, sized

N, P, P_T, D, CLASSES, PAIRS = sized(100_000), 512, 64, 512, 20, 100_000
LEAST = 0.08  # were every row multiplied with all of W, and the posterior decomposed, for each search: .05
MODEL = {
    "embed_dim": D,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": P, "head_width": 64, "layers": 1},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": P_T, "heads": 2, "layers": 1},
}


@case
def searches() -> Iterator[Row]:
    """As the page asks, the second time: 48 images, each with what the model holds of it."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, project, ids = _world(Path(folder))
        encoder = shards.encoder_in_use(workspace, project)
        vector = encoder.layers.image_weight[0]

        def least() -> None:
            for shard in shards.shards(workspace, project, encoder.hash):
                shard.activations.values @ vector

        predicted = project_classes(workspace, project.id)[0].id
        everywhere, some = Filter(), Filter(split=Split.POOL, predicted_class_id=predicted)
        for name, search in (
            ("by words", partial(find_text, workspace, project, "a red car", everywhere)),
            ("by likeness", partial(find_like, workspace, project, ids[0], everywhere)),
            ("by words, within a split and a prediction", partial(find_text, workspace, project, "a red car", some)),
        ):
            yield compare(f"find among {N:,} {name}: time of the least over it", search, least, LEAST)
        workspace.database.close()


def _world(home: Path) -> tuple[Workspace, Project, list[int]]:
    workspace = Workspace.open(Settings(home=home))
    model = tiny.write_model(home / "model", **MODEL)
    project = create_project(workspace, "many", model, "fp32", name_classes([f"class {n}" for n in range(CLASSES)]))
    with workspace.database.begin() as tx:
        rows = [NewItem(f"{n:064x}", f"/{n}.png", Split.POOL, 640, 480) for n in range(N)]
        ids = [item.id for item in items.add(tx, project.id, rows)]
    encoder, generator = workspace.encoder(project), torch.Generator().manual_seed(0)
    shards.remember_encoder(workspace, project, encoder.hash, encoder.layers)
    for part in torch.tensor(ids).split(SHARD_ITEMS):
        name = f"{folder(project, encoder.hash)}/{digest(items=part.tolist())}.safetensors"
        values = torch.randn(len(part), P, generator=generator)
        workspace.artifacts.write_tensors(name, {"item_ids": part, "values": values})
    write_factors(home / "factors.safetensors", BothFactors(_factors(P, generator), _factors(P_T, generator)))
    import_posterior(workspace, project, str(home))
    load_model(workspace, project)
    return workspace, project, ids


def _factors(width: int, generator: torch.Generator) -> Factors:
    return Factors(*(_spd(size, generator) for size in (width, D)), PAIRS)


def _spd(width: int, generator: torch.Generator) -> torch.Tensor:
    rows = torch.randn(2 * width, width, dtype=torch.float64, generator=generator)
    return rows.T @ rows
