"""The map: made once, the same each time, and no image moves when others come."""

import shutil
from pathlib import Path

import pytest
import torch

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.store.images import items
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight import map as maps
from alflow.workflow.insight import plane, prepare
from alflow.workflow.insight.map import Layout, kept_map, make_map
from alflow.workflow.model.kept import outlook
from alflow.workspace import Workspace
from tests.colours import paint

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer anchors than images, so that most are placed."""
    monkeypatch.setattr(maps, "ANCHORS", 20)
    monkeypatch.setattr(maps, "available", lambda: "t-sne")


def grow(workspace: Workspace, project: Project, folder: Path, per_colour: int, seed: int) -> None:
    import_items(workspace, project, str(paint(folder / f"more-{seed}", per_colour, seed)), Split.POOL)
    embed_missing(workspace, project)


def where(layout: Layout) -> dict[int, tuple[float, ...]]:
    return dict(zip(layout.item_ids.tolist(), map(tuple, layout.points.tolist()), strict=True))


def test_every_embedded_image_of_every_split_is_on_it(workspace: Workspace, project: Project) -> None:
    assert kept_map(workspace, project.id) is None
    made = make_map(workspace, project.id)
    with workspace.database.read() as tx:
        assert made.item_ids.tolist() == items.ids(tx, project.id)
    assert torch.isfinite(made.points).all()
    assert made.points.abs().max() <= 1
    assert (made.algorithm, made.made_of) == ("t-sne", 36)
    kept = kept_map(workspace, project.id)
    assert kept is not None
    assert (kept.hash, where(kept)) == (made.hash, where(made))
    shutil.rmtree(workspace.settings.home / "artifacts" / f"projects/{project.id}/maps")
    assert where(make_map(workspace, project.id)) == where(made)  # by the project's seed alone


def test_what_is_on_it_stays_where_it_is_until_it_has_grown_tenfold(
    workspace: Workspace, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = where(make_map(workspace, project.id))
    grow(workspace, project, tmp_path, 30, 7)
    kept = kept_map(workspace, project.id)
    assert kept is not None
    assert (kept.made_of, len(kept.item_ids)) == (36, 96)
    after = where(make_map(workspace, project.id))
    assert {item: after[item] for item in before} == before
    assert after == where(kept)
    assert where(make_map(workspace, project.id, anew=True)) != after
    newest = kept_map(workspace, project.id)
    assert newest is not None
    assert newest.made_of == 96
    monkeypatch.setattr(maps, "_OUTGROWN", 1.5)
    assert make_map(workspace, project.id).made_of == 96
    grow(workspace, project, tmp_path, 24, 8)
    assert make_map(workspace, project.id).made_of == 144


def test_the_flow_makes_it_with_all_else_that_pages_wait_for(workspace: Workspace, project: Project) -> None:
    assert prepare.prepare(workspace, project.id) == ()
    assert kept_map(workspace, project.id) is not None
    seen = outlook(workspace, project.id)
    assert workspace.artifacts.exists(f"projects/{project.id}/entropies/{seen.hash}.safetensors")


def test_nothing_embedded_is_said_without_loading_the_model(workspace: Workspace, pets: Project) -> None:
    for make in (make_map, kept_map):
        with pytest.raises(NotFoundError, match="no embedded image yet: run `alflow embed`"):
            make(workspace, pets.id)
    assert not workspace.holds_encoder(pets)


def test_a_map_that_umap_made_is_shown_where_umap_is_not(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_map(workspace, project.id)
    monkeypatch.setattr(maps, "available", lambda: "umap")
    monkeypatch.setattr(plane, "_umap", lambda anchors, _: anchors[:, :2])
    assert make_map(workspace, project.id).algorithm == "umap"
    monkeypatch.setattr(maps, "available", lambda: "t-sne")
    for make in (make_map, kept_map):
        found = make(workspace, project.id)
        assert found is not None
        assert found.algorithm == "umap"
