"""Whoever waits is told for whom or what, and what to do; a run that fails is told until one succeeds."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.rounds import RoundState
from alflow.errors import AlflowError, ConflictError, NotFoundError
from alflow.settings import Settings
from alflow.store import tables
from alflow.store.artifacts import Artifacts
from alflow.store.projects import projects, troubles
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.images.watching import due_watches, watch
from alflow.workflow.operating.health import health
from alflow.workflow.projects.projects import create_project, name_classes, set_classes
from alflow.workflow.rounds import advance as advancing
from alflow.workflow.rounds import hindrances
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import overview, round_candidates, round_summaries
from alflow.workflow.rounds.waiting import awaited, in_time, keeping_trouble, note_look, waiting
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

NO_SCHEDULE = "; no schedule has run yet: start `alflow up`, or run `alflow advance` for each step"


def words(workspace: Workspace, project: Project) -> str:
    return waiting(workspace, project.id).words


def tree(workspace: Workspace, part: str) -> list[Path]:
    return [path for path in Path(workspace.settings.artifacts).rglob("*") if f"/{part}" in str(path)]


@pytest.mark.slow
def test_a_new_project_is_told_what_it_lacks_step_by_step(
    workspace: Workspace, tiny_model: str, pictures: Path
) -> None:
    project = create_project(workspace, "new", tiny_model, "fp32", [])
    assert words(workspace, project) == "images: the pool is empty, bring some (the Project page, or `alflow import`)"
    import_items(workspace, project, str(pictures))
    assert words(workspace, project).startswith("classes: the project has none and needs at least two")
    set_classes(workspace, project.id, name_classes(["cat"]))
    assert words(workspace, project).startswith("classes: the project has one and needs at least two")
    with pytest.raises(ConflictError, match="a choice needs two"):
        advance(workspace, project.id)
    set_classes(workspace, project.id, name_classes(["cat", "dog"]))
    assert "unless it is fixed already: project 'new' has 1 classes" in words(workspace, project)
    assert advance(workspace, project.id).done[-1] == "opened round 1"  # also without a posterior


def test_a_posterior_is_asked_for_where_the_pool_is_too_small_for_one(
    workspace: Workspace, tiny_model: str, pictures: Path
) -> None:
    project = create_project(workspace, "new", tiny_model, "fp32", name_classes(["cat", "dog"]))
    import_items(workspace, project, str(pictures / "0.png"))
    embed_missing(workspace, project)
    assert words(workspace, project).startswith("a posterior: the project 'new' has no posterior; run `alflow")
    assert f"published for {tiny_model}" in words(workspace, project)
    with pytest.raises(NotFoundError, match="estimates one from the pool, which needs two embedded images"):
        advance(workspace, project.id)


def test_images_to_embed_are_the_work_of_the_schedule(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    told = "the schedule: 12 images of the pool will be embedded (by hand: `alflow embed`)"
    assert words(workspace, project) == told + NO_SCHEDULE
    note_look(workspace, project.id)
    assert words(workspace, project) == told
    embed_missing(workspace, project)
    assert words(workspace, project) == "the schedule: it will open the next round"


@pytest.mark.slow
def test_images_that_cannot_be_read_are_told_and_not_asked_for_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindrances, "_PAGE", 5)  # all three pages of the pool are looked at
    project = colour_project(workspace, tmp_path)
    pool = tmp_path / "colours" / "pool"
    pool.rename(tmp_path / "away")
    with pytest.raises(ConflictError, match=f"12 could not be embedded; the first, {pool}") as refused:
        advance(workspace, project.id)
    assert "alflow import" not in str(refused.value)
    assert re.fullmatch(
        rf"images: 12 could not be embedded; the first, {pool}\S+: the folder {pool} is not there; alflow will try "
        r"again by itself, or at once with `alflow embed` \(runs have failed for less than a minute, once\)",
        words(workspace, project),
    )
    assert len(overview(workspace, project.id).not_embedded) == 12
    (tmp_path / "away").rename(pool)
    assert advance(workspace, project.id).done == ("embedded 12 images", "opened round 1")
    assert (overview(workspace, project.id).not_embedded, overview(workspace, project.id).trouble) == ((), None)


def test_a_few_images_that_cannot_be_read_keep_nobody_waiting(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    (tmp_path / "colours" / "pool" / "red" / "0-0.png").unlink()
    embedded, unreadable, opened = advance(workspace, project.id).done
    assert (embedded, opened) == ("embedded 35 images", "opened round 1")
    assert unreadable.startswith("1 of 36 images could not be embedded: the file does not exist (")
    assert words(workspace, project).startswith("annotators: 0 of 4 images")


def remove_posterior(workspace: Workspace) -> None:
    shutil.rmtree(Path(workspace.settings.artifacts) / "posteriors")


def cut_posterior(workspace: Workspace) -> None:
    (path,) = tree(workspace, "posteriors/")
    path.write_bytes(path.read_bytes()[:-1])


def cut_shard(workspace: Workspace) -> None:
    path = next(path for path in tree(workspace, "embeddings/") if path.is_file())
    path.write_bytes(path.read_bytes()[:-1])


def cut_layers(workspace: Workspace) -> None:
    (path,) = (path for path in tree(workspace, "layers/") if path.is_file())
    path.write_bytes(b"")


def spoil_note(workspace: Workspace) -> None:
    (path,) = tree(workspace, "encoder.json")
    path.write_bytes(b"{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (remove_posterior, r"a posterior: the project 'colours' has lost its posterior, \S+; run `alflow posterior"),
        (cut_posterior, r"somebody to fix this, unless it is fixed already: .*posteriors/\S+ is damaged"),
        (cut_shard, r"somebody to fix this: the embeddings in \S+ are damaged: delete that file and run `alflow emb"),
        (cut_layers, r"somebody to fix this, unless it is fixed already: .*layers/\S+ is damaged"),
        (spoil_note, r"somebody to fix this: the note \S+/encoder.json is damaged: delete it and run `alflow embed`"),
    ],
)
def test_what_makes_every_run_fail_is_told_until_one_succeeds(
    workspace: Workspace, tmp_path: Path, harm: Callable[[Workspace], None], told: str
) -> None:
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    kept = shutil.copytree(workspace.settings.artifacts, tmp_path / "kept")
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    harm(fresh)
    for _ in range(3):
        with pytest.raises(AlflowError):
            advance(fresh, project.id)
    seen = overview(fresh, project.id)
    assert re.search(told, seen.waiting_for)
    assert "it will open the next round" not in seen.waiting_for
    assert "3 times" in seen.waiting_for
    assert seen.trouble is not None
    assert seen.trouble.times == 3
    assert awaited(fresh, project.id) == seen.waiting_for
    shutil.copytree(kept, workspace.settings.artifacts, dirs_exist_ok=True)
    note_look(workspace, project.id)
    assert advance(fresh, project.id).done == ("opened round 1",)
    assert overview(fresh, project.id).trouble is None
    assert awaited(fresh, project.id) is None
    fresh.database.close()


def test_a_model_that_is_gone_is_told(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    shutil.rmtree(tmp_path / "colours-model")
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    with pytest.raises(AlflowError, match="colours-model"):
        advance(fresh, project.id)
    assert re.match(
        r"somebody to fix this, unless .*colours-model.* \(runs have failed .*\); the schedule will try again; no",
        words(fresh, project),
    )
    remove_posterior(fresh)
    assert re.match(r"a posterior: .* \(runs have failed for .*, once: .*colours-model", words(fresh, project))
    fresh.database.close()


@pytest.mark.slow
def test_lost_shards_layers_and_fits_are_made_again(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    note_look(workspace, project.id)
    advance(workspace, project.id)
    answer(workspace, project)
    assert advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    answer(workspace, project)
    assert words(workspace, project) == "the schedule: it will fit and evaluate round 2"
    advancing.close_round(workspace, project.id, round_summaries(workspace, project.id)[-1].round.id)
    for part in ("embeddings", "layers", "fields"):
        shutil.rmtree(Path(workspace.settings.artifacts) / "projects" / "1" / part)
    fresh = Workspace.open(Settings(home=workspace.settings.home))
    assert words(fresh, project) == "the schedule: 4 images of the pool will be embedded (by hand: `alflow embed`)"
    embed_missing(fresh, project)
    assert "refit the last round, whose fit was lost, and open the next" in words(fresh, project)
    assert advance(fresh, project.id).done == ("opened round 3",)
    assert len(list(Path(workspace.settings.artifacts).rglob("fields/*"))) == 1
    fresh.database.close()


@pytest.mark.slow
def test_labels_of_images_without_an_embedding_wait_for_one(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    advance(workspace, project.id)
    answer(workspace, project)
    shutil.rmtree(Path(workspace.settings.artifacts) / "projects" / "1" / "embeddings")
    (tmp_path / "colours").rename(tmp_path / "away")
    with pytest.raises(ConflictError, match="none of the 4 labelled images has an embedding"):
        advance(workspace, project.id)
    assert [each.round.state for each in round_summaries(workspace, project.id)] == [RoundState.LABELLED]
    (tmp_path / "away").rename(tmp_path / "colours")
    image = round_candidates(workspace, round_summaries(workspace, project.id)[0].round.id)[0].item.uri
    Path(image).unlink()
    assert advance(workspace, project.id).done[-2:] == ("closed round 1", "opened round 2")


def test_a_full_disk_is_told_also_where_the_trouble_cannot_be_kept(
    workspace: Workspace, tmp_path: Path, full_disk: Path
) -> None:
    project = colour_project(workspace, tmp_path)
    there = Workspace(workspace.settings, workspace.database, Artifacts(full_disk / "artifacts"))
    assert re.match(
        rf"somebody to fix this: the disk is full: {full_disk}/artifacts\S* cannot be written; free some space",
        words(there, project),
    )
    with pytest.raises(AlflowError, match="the disk is full"):
        advance(there, project.id)


def test_a_folder_that_may_only_be_read_is_told(workspace: Workspace, tmp_path: Path, read_only_disk: Path) -> None:
    project = colour_project(workspace, tmp_path)
    there = Workspace(workspace.settings, workspace.database, Artifacts(read_only_disk / "artifacts"))
    told = f"the disk is read-only: {read_only_disk}/artifacts\\S* cannot be written; let it be written, and it goes on"
    assert re.match(f"somebody to fix this: {told}", words(there, project))
    with pytest.raises(AlflowError, match=told):
        advance(there, project.id)


def test_a_fault_of_alflow_is_kept_in_words_too(each_workspace: Workspace) -> None:
    with each_workspace.database.begin() as tx:
        project = projects.create(tx, "p", "demo", "fp32", ProjectSettings())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), keeping_trouble(each_workspace, project.id):
            _ = 1 / 0
    trouble = waiting(each_workspace, project.id).trouble
    assert trouble is not None
    assert (trouble.message, trouble.times) == (
        "an internal error, ZeroDivisionError: division by zero: see the log",
        2,
    )
    with keeping_trouble(each_workspace, project.id):
        pass
    assert waiting(each_workspace, project.id).trouble is None


def test_a_schedule_that_does_not_run_is_missed(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    with workspace.database.begin() as tx:
        troubles.look(tx, project.id, datetime.now(UTC) - timedelta(hours=3))
    assert "; but it last ran 3 hours ago: unless a long run is in progress, start `alflow up`" in words(
        workspace, project
    )
    note_look(workspace, project.id)
    first = waiting(workspace, project.id).looked_at
    note_look(workspace, project.id)  # at once: nothing is written
    assert waiting(workspace, project.id).looked_at == first
    assert "last ran" not in words(workspace, project)


def test_a_clock_that_was_ahead_stops_nothing(each_workspace: Workspace, tmp_path: Path) -> None:
    project = create_project(each_workspace, "birds", "demo", "fp32")
    source = watch(each_workspace, project, str(tmp_path))
    ahead = datetime.now(UTC) + timedelta(days=1000)
    with each_workspace.database.begin() as tx:
        troubles.look(tx, project.id, ahead)
        tx.execute(update(tables.watch).values(next_at=ahead))
    assert not health(each_workspace).schedule
    assert due_watches(each_workspace) == []
    note_look(each_workspace, project.id)
    assert health(each_workspace).schedule
    assert [one.id for one in due_watches(each_workspace)] == [source.id]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (7199, "119 minutes"),
        (7200, "2 hours"),
    ],
)
def test_times_are_told_roughly(seconds: float, told: str) -> None:
    assert in_time(timedelta(seconds=seconds)) == told
