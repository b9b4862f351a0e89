from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from alflow.domain import Item, NewClass, Project
from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.store import items
from alflow.vlm.encoder import class_activations
from alflow.workflow import embed
from alflow.workflow.embed import class_rows, count_missing, embed_missing, load_embeddings
from alflow.workflow.pool import import_items
from alflow.workflow.projects import create_project, name_classes, set_classes
from alflow.workspace import Workspace
from tests import tiny


def stored(workspace: Workspace, project: Project) -> list[Item]:
    with workspace.database.read() as tx:
        return items.list_(tx, project.id)


def shards(workspace: Workspace) -> list[Path]:
    return sorted(Path(workspace.settings.artifacts).rglob("embeddings/*/*.safetensors"))


@pytest.fixture
def five(workspace: Workspace, pets: Project, pictures: Path) -> list[Item]:
    import_items(workspace, pets, str(pictures))
    return stored(workspace, pets)


def test_rows_are_what_the_encoder_gives(workspace: Workspace, pets: Project, five: list[Item]) -> None:
    report = embed_missing(workspace, pets)
    assert (report.embedded, report.known, report.failed) == (5, 0, ())
    backwards = [item.id for item in reversed(five)]
    rows = load_embeddings(workspace, pets, backwards)
    assert rows.item_ids.tolist() == backwards
    opened = [Image.open(item.uri).convert("RGB") for item in reversed(five)]
    expected = workspace.encoder(pets).images(opened)
    torch.testing.assert_close(rows.activations.values, expected.values)
    assert rows.activations.residuals is None


def test_only_what_is_missing_is_embedded(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    embed_missing(workspace, pets)
    before = {path: path.stat().st_mtime_ns for path in shards(workspace)}
    assert embed_missing(workspace, pets).embedded == 0
    tiny.write_picture(pictures / "new.png", seed=9)
    import_items(workspace, pets, str(pictures))
    report = embed_missing(workspace, pets)
    assert (report.embedded, report.known) == (1, 5)
    assert before.items() <= {path: path.stat().st_mtime_ns for path in shards(workspace)}.items()
    assert len(shards(workspace)) == len(before) + 1
    assert len(load_embeddings(workspace, pets, [item.id for item in stored(workspace, pets)])) == 6
    assert len(five) == 5


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_killed_run_is_continued_where_it_was(
    workspace: Workspace, pets: Project, five: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "SHARD_ITEMS", 2)
    monkeypatch.setattr(workspace.settings, "batch_size", 1)

    def kill(done: int, total: int | None) -> None:
        assert total == 5
        if done == 3:
            raise KilledError

    with pytest.raises(KilledError):
        embed_missing(workspace, pets, kill)
    assert len(shards(workspace)) == 1
    assert not list(Path(workspace.settings.artifacts).rglob("*.tmp"))
    assert load_embeddings(workspace, pets, [item.id for item in five]).item_ids.tolist() == [five[0].id, five[1].id]
    steps: list[tuple[int, int | None]] = []
    report = embed_missing(workspace, pets, lambda *step: steps.append(step))
    assert (report.embedded, report.known) == (3, 2)
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    whole = load_embeddings(workspace, pets, [item.id for item in five])
    for path in shards(workspace):
        path.unlink()
    embed_missing(workspace, pets)
    again = load_embeddings(workspace, pets, [item.id for item in five])
    torch.testing.assert_close(whole.activations.values, again.activations.values)


def test_an_original_that_is_gone_or_changed_is_left_out_and_recorded(
    workspace: Workspace, pets: Project, five: list[Item]
) -> None:
    gone, changed = Path(five[0].uri), Path(five[3].uri)
    kept = gone.read_bytes()
    gone.unlink()
    tiny.write_picture(changed, seed=77)
    report = embed_missing(workspace, pets)
    assert report.embedded == 3
    assert {one.uri: one.reason for one in report.failed} == {
        str(gone): "not embedded: the file does not exist",
        str(changed): "not embedded: the file has changed since it was imported",
    }
    with workspace.database.read() as tx:
        assert {one.uri for one in items.rejections(tx, pets.id)} == {str(gone), str(changed)}
    assert len(load_embeddings(workspace, pets, [item.id for item in five])) == 3
    assert count_missing(workspace, pets) == 0
    gone.write_bytes(kept)
    assert embed_missing(workspace, pets).embedded == 1


def test_missing_items_are_counted_without_the_model(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    assert count_missing(workspace, pets) == len(five)
    embed_missing(workspace, pets)
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    assert count_missing(fresh, pets) == 0
    tiny.write_picture(pictures / "new.png", seed=9)
    import_items(fresh, pets, str(pictures))
    assert count_missing(fresh, pets) == 1
    assert not fresh._encoders
    fresh.database.close()


def test_no_items_are_no_rows_of_the_right_width(workspace: Workspace, pets: Project) -> None:
    rows = load_embeddings(workspace, pets, [])
    weight = workspace.encoder(pets).layers.image_weight
    assert rows.activations.embed(weight).shape == (0, len(weight))
    assert embed_missing(workspace, pets) == embed.EmbedReport(0, 0, ())


def test_half_precision_is_kept_as_such_and_given_out_in_single(
    workspace: Workspace, tiny_model: str, pictures: Path
) -> None:
    half = create_project(workspace, "half", tiny_model, "bf16", name_classes(["a", "b"]))
    import_items(workspace, half, str(pictures))
    embed_missing(workspace, half)
    (path,) = shards(workspace)
    with safe_open(path, framework="pt") as file:
        assert file.get_tensor("values").dtype == torch.bfloat16
        assert file.metadata() == {"encoder": workspace.encoder(half).hash}
    found = stored(workspace, half)
    rows = load_embeddings(workspace, half, [item.id for item in found])
    assert rows.activations.values.dtype == torch.float32
    expected = workspace.encoder(half).images([Image.open(item.uri).convert("RGB") for item in found])
    torch.testing.assert_close(rows.activations.values, expected.values, atol=2e-2, rtol=2e-2)


def test_another_model_never_reads_these_shards(
    workspace: Workspace, pets: Project, five: list[Item], tmp_path: Path
) -> None:
    embed_missing(workspace, pets)
    other = tiny.write_model(tmp_path / "other", seed=1)
    changed = create_project(workspace, "changed", other, "fp32", name_classes(["a", "b"]))
    assert len(load_embeddings(workspace, changed, [item.id for item in five])) == 0
    assert workspace.encoder(changed).hash != workspace.encoder(pets).hash


def test_class_rows_are_computed_once_for_their_prompts(workspace: Workspace, pets: Project) -> None:
    rows = class_rows(workspace, pets)
    prompts = [["a photo of a cat"], ["a photo of a dog"], ["a photo of a traffic light"]]
    expected = class_activations(workspace.encoder(pets), prompts)
    torch.testing.assert_close(rows.values, expected.values)
    (path,) = Path(workspace.settings.artifacts).rglob("classes/*.safetensors")
    written = path.stat().st_mtime_ns
    assert torch.equal(class_rows(workspace, pets).values, rows.values)
    assert path.stat().st_mtime_ns == written
    set_classes(workspace, pets.id, [NewClass("cat", "", ("a tabby",)), *name_classes(["dog", "traffic_light"])])
    changed = class_rows(workspace, pets)
    assert not torch.equal(changed.values[0], rows.values[0])
    torch.testing.assert_close(changed.values[1:], rows.values[1:])
    set_classes(workspace, pets.id, [])
    with pytest.raises(InvalidInputError, match="at least one prompt"):
        class_rows(workspace, pets)
