"""What is due agrees with what a run does: asked before and after each step of a project's life."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.progress import Progress
from alflow.store.projects import projects, troubles
from alflow.workflow.desk.grid_exchange import grid_exchange
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.messages import Wish
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import EmbedReport, embed_items
from alflow.workflow.images.embedded import due_ids
from alflow.workflow.images.pool import image_counts, import_items
from alflow.workflow.images.watching import look, watch
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings, create_project, name_classes, set_classes
from alflow.workflow.rounds import due as watching
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.due import FIRST_AGAIN, Lookout, due
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.colours import answer, colour_project, paint
from tests.watching import an_hour_later

pytestmark = pytest.mark.slow


def embed_due(workspace: Workspace, project: Project, progress: Progress) -> EmbedReport:
    """As the flow does: recent failures are left for later."""
    found = due_ids(workspace, project)
    return embed_items(workspace, project, found, progress) if found else EmbedReport(0, 0, ())


def steps(lookout: Lookout) -> list[str]:
    return [one.step for one in lookout.due()]


def run(workspace: Workspace, project: Project) -> tuple[str, ...]:
    """What a run of the schedule does; what it fails for if it fails."""
    try:
        return advance(workspace, project.id, embed=embed_due).done
    except AlflowError as error:
        return (f"failed: {error}",)


def agree(workspace: Workspace, project: Project, lookout: Lookout) -> bool:
    """Whether the project was due, once a run has shown that this is so."""
    asked, fresh = steps(lookout), steps(Lookout(workspace))
    assert asked == fresh, "what is remembered is what is found"
    did = run(workspace, project)
    if asked:
        assert did, f"a run for '{asked[0]}' did nothing"
    else:
        assert not [one for one in did if not one.startswith("failed: ")], f"not due, but a run {did}"
    return bool(asked)


def heal(workspace: Workspace, project: Project) -> None:
    with workspace.database.begin() as tx:
        troubles.clear(tx, project.id)


def test_a_whole_life(workspace: Workspace, tmp_path: Path) -> None:
    project, lookout = colour_project(workspace, tmp_path, budget=6), Lookout(workspace)
    assert agree(workspace, project, lookout)  # embeds and opens round 1
    for _ in range(2):
        assert not agree(workspace, project, lookout)
        answer(workspace, project)
        assert agree(workspace, project, lookout)  # closes, and opens the next
    assert not agree(workspace, project, lookout)  # the pool is used up


def test_a_new_project(workspace: Workspace, tiny_model: str, pictures: Path) -> None:
    project, lookout = create_project(workspace, "new", tiny_model, "fp32", []), Lookout(workspace)
    assert not agree(workspace, project, lookout)
    import_items(workspace, project, str(pictures))
    assert agree(workspace, project, lookout)  # embeds, and then misses classes
    for names in ([], ["cat"]):
        set_classes(workspace, project.id, name_classes(names))
        heal(workspace, project)
        assert not agree(workspace, project, lookout)
    set_classes(workspace, project.id, name_classes(["cat", "dog"]))
    heal(workspace, project)
    assert agree(workspace, project, lookout)
    assert not agree(workspace, project, lookout)


def test_a_pool_that_is_too_small_for_a_posterior(workspace: Workspace, tiny_model: str, pictures: Path) -> None:
    project = create_project(workspace, "new", tiny_model, "fp32", name_classes(["cat", "dog"]))
    import_items(workspace, project, str(pictures / "0.png"))
    lookout = Lookout(workspace)
    assert agree(workspace, project, lookout)
    heal(workspace, project)
    assert not agree(workspace, project, lookout)
    import_items(workspace, project, str(pictures))
    heal(workspace, project)
    assert agree(workspace, project, lookout)


def test_rules_that_stop_and_are_changed(workspace: Workspace, project: Project) -> None:
    lookout, before = Lookout(workspace), project.settings
    change_settings(workspace, project.id, replace(before, max_labels=4))
    assert agree(workspace, project, lookout)
    answer(workspace, project)
    assert agree(workspace, project, lookout)  # closes, opens none
    assert not agree(workspace, project, lookout)
    change_settings(workspace, project.id, before)
    assert agree(workspace, project, lookout)


def test_images_that_arrive_in_an_open_round_and_fail(workspace: Workspace, project: Project, pictures: Path) -> None:
    lookout = Lookout(workspace)
    assert agree(workspace, project, lookout)
    import_items(workspace, project, str(pictures))
    assert agree(workspace, project, lookout)
    assert not agree(workspace, project, lookout)
    (more := pictures.parent / "more").mkdir()
    shutil.copy(Path(__file__).parents[1] / "conftest.py", more / "no-picture.txt")
    assert not agree(workspace, project, lookout)


def test_images_that_cannot_be_read_wait_for_their_next_attempt(workspace: Workspace, tmp_path: Path) -> None:
    project, lookout = colour_project(workspace, tmp_path), Lookout(workspace)
    (tmp_path / "colours" / "pool").rename(tmp_path / "away")
    assert agree(workspace, project, lookout)
    heal(workspace, project)
    assert not agree(workspace, project, lookout)
    (tmp_path / "away").rename(tmp_path / "colours" / "pool")
    assert not agree(workspace, project, lookout)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE embed_failure SET next_at = at")
    heal(workspace, project)
    assert agree(workspace, project, lookout)
    assert not agree(workspace, project, lookout)


def test_a_project_in_trouble_is_left_alone_for_a_while(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    shutil.rmtree(tmp_path / "colours-model")
    workspace = Workspace.open(workspace.settings)  # which has not loaded the model yet
    lookout = Lookout(workspace)
    for times in (1, 2, 3):
        assert steps(lookout)
        assert run(workspace, project)[0].startswith("failed: ")
        assert not steps(lookout)
        with workspace.database.begin() as tx:
            found = troubles.of_project(tx, project.id)
            assert found is not None
            assert found.times == times
            just = datetime.now(UTC) - FIRST_AGAIN * 2 ** (times - 1)
            tx.execute(projects.tables.trouble.update().values(at=just + timedelta(seconds=30)))
        assert not steps(lookout)
        with workspace.database.begin() as tx:
            tx.execute(projects.tables.trouble.update().values(at=just))


def test_a_damaged_note_is_a_reason_to_run_so_that_people_are_told(workspace: Workspace, project: Project) -> None:
    workspace.artifacts.write_bytes(f"projects/{project.id}/encoder.json", b"{")
    assert agree(workspace, project, Lookout(workspace))
    with workspace.database.read() as tx:
        assert troubles.of_project(tx, project.id) is not None


def test_lost_shards_are_noticed(workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    lookout = Lookout(workspace)
    agree(workspace, project, lookout)
    assert not steps(lookout)
    shutil.rmtree(Path(workspace.settings.artifacts) / "projects" / str(project.id) / "embeddings")
    monkeypatch.setattr(watching, "_STANDS", timedelta())
    assert steps(lookout)[0].startswith("embed images")


def test_looking_again_costs_a_few_queries_and_reads_no_file(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    lookout, said = Lookout(workspace), []
    assert not steps(lookout)
    shutil.move(Path(workspace.settings.artifacts), Path(workspace.settings.artifacts).with_name("moved"))
    event.listen(workspace.database._reader, "before_cursor_execute", lambda *a: said.append(a[2]))
    assert not steps(lookout)
    assert len(said) <= 7


def test_a_round_is_about_to_end_while_answers_come_and_few_are_left(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance(workspace, project.id)
    annotator, lookout = sign_in(workspace, "somebody"), Lookout(workspace)
    first, second, *_ = next_candidates(workspace, project.id, annotator.id)

    def ending_after(entry: QueueEntry | None) -> Project | None:
        if entry is not None:
            given = Submission(f"{entry.candidate.id}", entry.candidate.id, Verdict.NONE, None, 1.0)
            submit(workspace, project.id, annotator.id, given)
        lookout.due()
        return lookout.ending

    assert ending_after(None) is None
    monkeypatch.setattr(watching, "_FEW", 0)
    assert ending_after(first) is None, "many are left"
    monkeypatch.setattr(watching, "_FEW", 30)
    assert ending_after(second) is not None
    assert ending_after(None) is None, "nobody answers"
    visit(workspace, project.id, annotator.id, wish=Wish(ahead=0, leave=True))
    grid_exchange(workspace, project.id, annotator.id, None)
    assert ending_after(None) is not None, "a page is many answers at once"


def test_projects_are_apart(workspace: Workspace, tmp_path: Path) -> None:
    first, second = (colour_project(workspace, tmp_path, name) for name in ("one", "two"))
    advance(workspace, first.id)
    assert [one.project.id for one in due(workspace)] == [second.id]


def test_new_files_of_a_watched_source_are_due_and_wait_for_an_answered_round(
    workspace: Workspace, tmp_path: Path
) -> None:
    project, lookout = colour_project(workspace, tmp_path), Lookout(workspace)
    assert agree(workspace, project, lookout)
    source = paint(tmp_path / "new", 2, seed=9)
    made = watch(workspace, project, str(source), every=1)
    assert not agree(workspace, project, lookout), "they may still be written"
    an_hour_later(workspace, made)
    look(workspace, made)
    assert steps(lookout) == ["take 4 new files"]
    answer(workspace, project)
    assert [one.split()[0] for one in steps(lookout)] == ["close"]
    assert run(workspace, project) == ("closed round 1", "opened round 2")
    assert steps(lookout) == ["take 4 new files"]
    assert run(workspace, project) == (
        f"took from {source}: 4 added, 0 known already, 0 rejected",
        "embedded 4 images",
    )
    assert not agree(workspace, project, lookout)
    assert image_counts(workspace, project.id)[Split.POOL] == 16
