from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from sqlalchemy import select

from alflow.domain.images import EmbedFailure, Item
from alflow.domain.projects import NewClass, Project
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError, UnavailableError
from alflow.settings import Settings
from alflow.store import tables
from alflow.store.artifacts import Artifacts
from alflow.store.images import failures, items
from alflow.vlm.encoder import OpenClipEncoder, class_activations
from alflow.vlm.towers import Tower
from alflow.workflow.images import embed
from alflow.workflow.images.embed import adopt_rows, class_rows, embed_missing, load_embeddings
from alflow.workflow.images.embedded import due_ids
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.shards import encoder_in_use
from alflow.workflow.projects.projects import create_project, name_classes, project_classes, set_classes
from alflow.workspace import Workspace
from tests import tiny


def stored(workspace: Workspace, project: Project) -> list[Item]:
    with workspace.database.read() as tx:
        return items.list_(tx, project.id)


def not_embedded(workspace: Workspace, project: Project) -> list[EmbedFailure]:
    with workspace.database.read() as tx:
        return failures.of_project(tx, project.id)


def move_back_in_time(workspace: Workspace, hours: float) -> None:
    """As if what failed had failed so much earlier."""
    with workspace.database.begin() as tx:
        failed = tables.embed_failure
        for item_id, then in tx.execute(select(failed.c.item_id, failed.c.next_at)).tuples().all():
            earlier = failed.update().where(failed.c.item_id == item_id).values(next_at=then - timedelta(hours=hours))
            tx.execute(earlier)


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


def test_a_second_project_takes_the_rows_of_the_same_pictures(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    embed_missing(workspace, pets)
    tiny.write_picture(pictures / "new.png", seed=9)
    again = create_project(workspace, "again", pets.model, pets.precision, name_classes(["cat", "dog"]))
    import_items(workspace, again, str(pictures))
    adopt_rows(workspace, again, pets)
    report = embed_missing(workspace, again)
    assert (report.embedded, report.known) == (1, 5)
    copies = {item.content_hash: item.id for item in stored(workspace, again)}
    taken = load_embeddings(workspace, again, [copies[item.content_hash] for item in five])
    rows = load_embeddings(workspace, pets, [item.id for item in five])
    assert torch.equal(taken.activations.values, rows.activations.values)


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
        str(gone): "the file does not exist",
        str(changed): "the file has changed since it was imported",
    }
    assert {one.uri for one in not_embedded(workspace, pets)} == {str(gone), str(changed)}
    assert len(load_embeddings(workspace, pets, [item.id for item in five])) == 3
    assert due_ids(workspace, pets) == []
    gone.write_bytes(kept)
    assert embed_missing(workspace, pets).embedded == 1
    assert {one.uri for one in not_embedded(workspace, pets)} == {str(changed)}


def test_what_failed_is_due_again_after_pauses_that_double(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    away = pictures.rename(pictures.parent / "away")
    pauses = []
    for attempt in range(12):
        assert len(embed_missing(workspace, pets).failed) == 5
        first = not_embedded(workspace, pets)[0]
        assert (first.attempts, first.item_id) == (attempt + 1, five[0].id)
        assert due_ids(workspace, pets) == []
        pauses.append((first.next_at - first.at).total_seconds() / 60)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    away.rename(pictures)
    move_back_in_time(workspace, hours=6)
    assert due_ids(workspace, pets) == [item.id for item in five]
    assert embed_missing(workspace, pets).embedded == 5
    assert not_embedded(workspace, pets) == []


def test_a_folder_that_is_away_is_said_once(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    away = pictures.rename(pictures.parent / "away")
    assert embed_missing(workspace, pets).complaint() == (
        f"5 of 5 images could not be embedded: the folder {pictures} is not there"
    )
    pictures.mkdir()
    assert embed_missing(workspace, pets).complaint() == (
        f"5 of 5 images could not be embedded: the folder {pictures} is empty"
    )
    pictures.rmdir()
    away.rename(pictures)
    Path(five[0].uri).unlink()
    assert embed_missing(workspace, pets).complaint() == (
        f"1 of 5 images could not be embedded: the file does not exist ({five[0].uri})"
    )
    assert embed_missing(workspace, pets).complaint() == (
        f"1 of 1 image could not be embedded: the file does not exist ({five[0].uri})"
    )


def test_a_file_that_was_replaced_does_not_inherit_the_refusal_of_the_old_one(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    tiny.write_picture(Path(five[0].uri), seed=77)
    assert len(embed_missing(workspace, pets).failed) == 1
    import_items(workspace, pets, str(pictures))
    replaced = stored(workspace, pets)[-1]
    assert replaced.uri == five[0].uri
    assert due_ids(workspace, pets) == [replaced.id]
    assert embed_missing(workspace, pets).embedded == 1


def test_images_that_are_imported_again_are_due_at_once_and_leave_the_lists(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    late = pictures / "late.png"
    late.touch()
    import_items(workspace, pets, str(pictures))
    away = pictures.rename(pictures.parent / "away")
    embed_missing(workspace, pets)
    away.rename(pictures)
    assert due_ids(workspace, pets) == []
    tiny.write_picture(late, seed=5)
    import_items(workspace, pets, str(pictures))
    assert len(due_ids(workspace, pets)) == len(five) + 1
    assert not_embedded(workspace, pets) == []
    with workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("odd"), OSError(5, "Input/output error"), KeyError("x")])
def test_one_picture_that_cannot_be_prepared_ends_nothing(
    workspace: Workspace, pets: Project, five: list[Item], error: Exception
) -> None:
    encoder = cast("OpenClipEncoder", workspace.encoder(pets))

    def prepare(image: Image.Image) -> torch.Tensor:
        if image.tobytes() == bad:
            raise error
        return encoder.prepare(image)

    bad = Image.open(five[2].uri).convert("RGB").tobytes()
    workspace._encoders[pets.model, "fp32"] = replace(encoder, prepare=prepare)
    report = embed_missing(workspace, pets)
    assert report.embedded == 4
    ((uri, reason),) = [(one.uri, one.reason) for one in report.failed]
    assert (uri, type(error).__name__ in reason) == (five[2].uri, True)


@pytest.mark.parametrize("how", ["raises", "out of memory", "not finite", "another shape"])
def test_one_picture_that_the_network_fails_on_ends_nothing(
    workspace: Workspace, pets: Project, five: list[Item], how: str
) -> None:
    encoder = cast("OpenClipEncoder", workspace.encoder(pets))
    bad = encoder.prepare(Image.open(five[2].uri).convert("RGB"))

    def tower(batch: torch.Tensor) -> Activations:
        if how == "raises" and any(torch.equal(one, bad) for one in batch):
            raise RuntimeError("CUDA error: an illegal picture")
        if how == "out of memory" and len(batch) > 2:
            raise torch.OutOfMemoryError
        return encoder.image_tower(batch)

    def prepare(image: Image.Image) -> torch.Tensor:
        pixels = encoder.prepare(image)
        if not torch.equal(pixels, bad):
            return pixels
        return {"not finite": pixels * torch.inf, "another shape": pixels[:, :16]}.get(how, pixels)

    workspace._encoders[pets.model, "fp32"] = replace(encoder, prepare=prepare, image_tower=cast("Tower", tower))
    report = embed_missing(workspace, pets)
    wrong = [] if how == "out of memory" else [five[2].uri]
    assert ([one.uri for one in report.failed], report.embedded) == (wrong, 5 - len(wrong))
    good = [item.id for item in five if item.uri not in wrong]
    assert load_embeddings(workspace, pets, [item.id for item in five]).item_ids.tolist() == good


@pytest.mark.parametrize("damage", [b"", b"not safetensors", "cut", "header", "other tensors"])
def test_a_damaged_shard_is_named_and_made_anew(
    workspace: Workspace, pets: Project, five: list[Item], damage: bytes | str
) -> None:
    embed_missing(workspace, pets)
    (shard,) = shards(workspace)
    whole = shard.read_bytes()
    if damage == "other tensors":
        save_file({"item_ids": torch.zeros(3), "values": torch.zeros(2)}, shard)
    else:
        made = {"cut": whole[:-10], "header": b"\xff\xff" + whole[2:]}
        shard.write_bytes(damage if isinstance(damage, bytes) else made[damage])
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    for use in (embed_missing, due_ids, lambda *who: load_embeddings(*who, [item.id for item in five])):
        with pytest.raises(InvalidInputError, match=rf"{shard} are damaged: delete that file and run `alflow embed`"):
            use(fresh, pets)
    shard.unlink()
    assert len(due_ids(fresh, pets)) == 5
    assert embed_missing(fresh, pets).embedded == 5
    assert shard.read_bytes() == whole
    fresh.database.close()


def test_a_full_disk_is_one_line(workspace: Workspace, pets: Project, five: list[Item], full_disk: Path) -> None:
    there = Workspace(workspace.settings, workspace.database, Artifacts(full_disk))
    with pytest.raises(UnavailableError, match=rf"the disk is full: {full_disk}\S+ cannot be written; free some"):
        embed_missing(there, pets)
    assert len(due_ids(there, pets)) == len(five)


def test_missing_items_are_counted_without_the_model(
    workspace: Workspace, pets: Project, five: list[Item], pictures: Path
) -> None:
    assert len(due_ids(workspace, pets)) == len(five)
    embed_missing(workspace, pets)
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    assert due_ids(fresh, pets) == []
    tiny.write_picture(pictures / "new.png", seed=9)
    import_items(fresh, pets, str(pictures))
    assert len(due_ids(fresh, pets)) == 1
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
        assert file.metadata().items() - {("encoder", workspace.encoder(half).hash)} == {
            ("checksum", file.metadata()["checksum"])
        }
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


def rows_of_classes(workspace: Workspace, project: Project) -> Activations:
    return class_rows(workspace, project, encoder_in_use(workspace, project), project_classes(workspace, project.id))


def test_class_rows_are_computed_once_for_their_prompts(workspace: Workspace, pets: Project) -> None:
    rows = rows_of_classes(workspace, pets)
    prompts = [["a photo of a cat"], ["a photo of a dog"], ["a photo of a traffic light"]]
    expected = class_activations(workspace.encoder(pets), prompts)
    torch.testing.assert_close(rows.values, expected.values)
    (path,) = Path(workspace.settings.artifacts).rglob("classes/*.safetensors")
    written = path.stat().st_mtime_ns
    assert torch.equal(rows_of_classes(workspace, pets).values, rows.values)
    assert path.stat().st_mtime_ns == written
    set_classes(workspace, pets.id, [NewClass("cat", "", ("a tabby",)), *name_classes(["dog", "traffic_light"])])
    changed = rows_of_classes(workspace, pets)
    assert not torch.equal(changed.values[0], rows.values[0])
    torch.testing.assert_close(changed.values[1:], rows.values[1:])
    set_classes(workspace, pets.id, [])
    with pytest.raises(InvalidInputError, match="at least one prompt"):
        rows_of_classes(workspace, pets)
