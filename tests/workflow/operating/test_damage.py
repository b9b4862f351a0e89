import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sqlalchemy import select

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.store.tables import label
from alflow.workflow.answers.history import withdraw_label
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.embedded import missing_ids
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.map import make_map
from alflow.workflow.model.kept import outlook
from alflow.workflow.model.model import load_model
from alflow.workflow.operating.damage import Damage, damaged, damaged_of_all, repair
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import find_round, round_candidates
from alflow.workspace import Workspace
from tests.colours import answer, paint

pytestmark = pytest.mark.slow


def flip(path: Path, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[-bit] ^= 1
    path.write_bytes(data)


def files(workspace: Workspace, pattern: str) -> list[Path]:
    return sorted(Path(workspace.settings.artifacts).glob(pattern))


@pytest.fixture
def lived(workspace: Workspace, project: Project) -> Project:
    """After one closed round; the second is open."""
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    outlook(workspace, project.id)
    return project


def picks(workspace: Workspace, project: Project, number: int) -> list[int]:
    return [one.item.id for one in round_candidates(workspace, find_round(workspace, project.id, number).id)]


def by_path(found: list[Damage]) -> dict[str, Damage]:
    return {one.path: one for one in found}


def test_a_whole_project_has_no_damage(workspace: Workspace, lived: Project) -> None:
    assert damaged(workspace, lived) == []
    assert repair(workspace, lived, []) == []


def test_an_empty_project_has_no_damage(workspace: Workspace, pets: Project) -> None:
    assert damaged(workspace, pets) == []


def test_what_can_be_made_anew_is_and_the_next_round_is_the_same(workspace: Workspace, lived: Project) -> None:
    before = picks(workspace, lived, 2)
    harmed = [
        files(workspace, f"projects/*/{folder}")[0]
        for folder in ("embeddings/*/*", "layers/*", "classes/*", "frames/*", "outlooks/*", "fields/*", "encoder.json")
    ] + [files(workspace, "renditions/*/*")[0], files(workspace, "thumbnails/*/*")[-1]]
    for path in harmed:
        flip(path)
    found = damaged(workspace, lived)
    assert {Path(one.path) for one in found} == set(harmed)
    assert all(one.can_be_made_anew and one.what and "doctor --repair" in one.remedy for one in found)
    assert {one.path for one in repair(workspace, lived, found)} == {str(path) for path in harmed}
    assert [path.exists() for path in harmed[-2:]] == [True, True]  # pictures are made at once
    assert not any(harmed[place].exists() for place in (0, 4, 5, 6))  # the fit has no rows to be made of
    answer(workspace, lived)
    advance(workspace, lived.id)
    (lost,) = damaged(workspace, lived)
    assert (lost.path, lost.what) == (str(harmed[5]), "it is lost")
    assert picks(workspace, lived, 2) == before
    assert repair(workspace, lived, found) == []  # they are whole by now


def test_the_newest_fit_is_fitted_again_at_once_as_it_was(workspace: Workspace, lived: Project, tmp_path: Path) -> None:
    (path,) = files(workspace, "projects/*/fields/*")
    before = path.read_bytes()
    answer(workspace, lived)
    with workspace.database.read() as tx:
        given = next(iter(tx.execute(select(label.c.id, label.c.annotator_id).where(label.c.class_id.is_not(None)))))
    withdraw_label(workspace, lived.id, given.annotator_id, given.id, "odd")
    import_items(workspace, lived, str(paint(tmp_path / "more", 3, 9)), Split.POOL)
    embed_missing(workspace, lived)
    change_settings(workspace, lived.id, replace(lived.settings, pretraining_weight=7.0))
    flip(path)
    (found,) = damaged(workspace, lived)
    assert "fits it again from the labels" in found.remedy
    assert (repair(workspace, lived, [found]), path.read_bytes()) == ([found], before)
    path.unlink()
    (lost,) = damaged(workspace, lived)
    assert (lost.what, repair(workspace, lived, [lost]), path.read_bytes()) == ("it is lost", [lost], before)


def test_whole_files_of_another_kind_are_damaged_and_strays_are_told(workspace: Workspace, lived: Project) -> None:
    make_map(workspace, lived.id)
    kept = files(workspace, "projects/**/*.safetensors") + files(workspace, "posteriors/*")
    notes = files(workspace, "projects/**/*.json")
    copies = [path.with_name(f"copy of {path.name}") for path in kept]
    for path, copy in zip(kept, copies, strict=True):
        shutil.copy(path, copy)
        copy.with_name(".DS_Store").touch()
    found = by_path(damaged(workspace, lived))
    assert {path: (one.hinders, one.can_be_made_anew) for path, one in found.items() if ".DS_Store" not in path} == {
        str(path): (False, False) for path in copies if "posteriors" not in path.parts
    }
    assert len(make_map(workspace, lived.id).item_ids) == len(outlook(workspace, lived.id))
    frame = next(path for path in kept if path.parent.name == "frames")
    save_file({"centre": torch.zeros(3), "radius": torch.tensor(1.0)}, frame)  # of another encoder
    with pytest.raises(InvalidInputError, match=rf"{frame} is not of its images \(.*shape \(3,\)\): remove it, and"):
        load_model(workspace, lived)
    for path in kept:
        save_file({"mine": torch.ones(3)}, path)
    for path in notes:
        path.write_text("[]")
    found = by_path([one for one in damaged(workspace, lived) if one.hinders])
    assert set(found) >= {str(path) for path in [*kept, *notes] if "posteriors" not in path.parts}
    assert all("it is of another kind" in one.what for one in found.values())
    with pytest.raises(InvalidInputError, match=r"encoder.json is damaged"):
        advance(workspace, lived.id)


def test_what_past_rounds_lost_is_told(workspace: Workspace, lived: Project) -> None:
    answer(workspace, lived)
    advance(workspace, lived.id)
    with workspace.database.read() as tx:
        past = rounds.all_(tx, lived.id)
    folder = workspace.settings.home / f"artifacts/projects/{lived.id}"
    older = folder / f"fields/{past[0].hashes['fit']}.safetensors"
    record = folder / f"scores/{past[1].hashes['scores']}.safetensors"
    older.unlink()
    record.unlink()
    found = by_path(damaged(workspace, lived))
    assert {path: (one.what, one.can_be_made_anew) for path, one in found.items()} == {
        str(older): ("it is lost", False),
        str(record): ("it is lost", False),
    }


def test_a_link_that_leads_nowhere_and_files_of_no_project(workspace: Workspace, lived: Project) -> None:
    (shard,) = files(workspace, "projects/*/embeddings/*/*")
    shard.unlink()
    shard.symlink_to(workspace.settings.home / "nowhere")
    (found,) = damaged(workspace, lived)
    assert (found.what, repair(workspace, lived, [found])) == ("it is a link that leads nowhere", [found])
    assert not shard.is_symlink()
    picture = files(workspace, "renditions/*/*")[0]
    data = picture.read_bytes()
    picture.unlink()
    lost = by_path(damaged(workspace, lived))[str(picture)]
    assert (lost.what, repair(workspace, lived, [lost]), picture.read_bytes()) == ("it is lost", [lost], data)
    with pytest.raises(NotFoundError, match="the embeddings of project 'colours' are gone: `alflow embed`"):
        outlook(workspace, lived.id, 0)
    kept = files(workspace, "estimates/*/*")
    flip(kept[0])
    found = damaged_of_all(workspace)
    assert [one.path for one in repair(workspace, None, found)] == [str(kept[0])] == [one.path for one in found]
    assert files(workspace, "estimates/*/*") == kept[1:]


@pytest.mark.parametrize("folder", ["posteriors/*", "projects/*/scores/*"])
def test_what_cannot_be_made_anew_is_left_as_it_is(workspace: Workspace, lived: Project, folder: str) -> None:
    with workspace.database.read() as tx:
        posterior = projects.by_id(tx, lived.id).posterior
    path = next(one for one in files(workspace, folder) if "scores" in folder or posterior in one.name)
    flip(path)
    data = path.read_bytes()
    (found,) = damaged(workspace, lived)
    assert (found.path, found.can_be_made_anew) == (str(path), False)
    assert "bring it back from a backup" in found.remedy
    assert repair(workspace, lived, [found]) == []
    assert path.read_bytes() == data


def test_a_shard_whose_originals_are_gone_is_left_as_it_is(workspace: Workspace, lived: Project) -> None:
    (shard,) = files(workspace, "projects/*/embeddings/*/*")
    flip(shard)
    with workspace.database.read() as tx:
        from alflow.store.images import items

        gone = items.list_(tx, lived.id)[0]
    Path(gone.uri).unlink()
    (found,) = damaged(workspace, lived)
    assert not found.can_be_made_anew
    assert "the 1 originals" in found.remedy
    shard.write_bytes(b"nothing of it is left")
    (found,) = damaged(workspace, lived)
    assert not found.can_be_made_anew


def test_a_damaged_shard_opens_no_round(workspace: Workspace, project: Project) -> None:
    (shard,) = files(workspace, "projects/*/embeddings/*/*")
    flip(shard, 40)
    with pytest.raises(InvalidInputError, match=r"embeddings in .* are damaged: delete that file and run"):
        advance(workspace, project.id)


def test_a_deleted_shard_is_told_and_made_anew_before_a_round_opens(workspace: Workspace, lived: Project) -> None:
    before = picks(workspace, lived, 2)
    files(workspace, "projects/*/embeddings/*/*")[0].unlink()
    missing = len(missing_ids(workspace, lived))
    assert missing > 0
    (found,) = damaged(workspace, lived)
    assert found.what == f"{missing} images that had embeddings have none any more"
    assert "`alflow embed`" in found.remedy
    assert repair(workspace, lived, [found]) == [found]
    assert advance(workspace, lived.id).done == (f"embedded {missing} images",)
    assert damaged(workspace, lived) == []
    assert picks(workspace, lived, 2) == before


def test_a_lost_posterior_is_told(workspace: Workspace, lived: Project) -> None:
    with workspace.database.read() as tx:
        posterior = projects.by_id(tx, lived.id).posterior
    (path,) = files(workspace, f"posteriors/{posterior}*")
    path.unlink()
    assert by_path(damaged(workspace, lived))[str(path)].what == "it is lost"
