import json
import re
import shutil
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact

from alflow.domain.images import Split
from alflow.domain.rounds import RoundState
from alflow.flows.context import _opened as opened
from alflow.flows.ingest import ingest
from alflow.flows.limits import one_run
from alflow.flows.rounds import SKIPPED, advance, advance_due, close_round, open_round
from alflow.workflow.images import embed
from alflow.workflow.images.embedded import due_ids
from alflow.workflow.images.watching import look, watch, watched
from alflow.workflow.projects.projects import find_project
from alflow.workflow.rounds.review import learning_curve, overview, round_summaries
from alflow.workspace import Workspace
from tests import colours
from tests.watching import an_hour_later

pytestmark = pytest.mark.prefect


def artifacts(key: str) -> list[Artifact]:
    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))


def states(workspace: Workspace, project_id: int) -> list[RoundState]:
    return [entry.round.state for entry in round_summaries(workspace, project_id)]


def test_advance_embeds_opens_waits_closes_and_opens_again(workspace: Workspace, project: str) -> None:
    found = find_project(workspace, project)
    first = advance(project, return_state=True)
    assert first.is_completed()
    assert "opened round 1" in (first.message or "")
    assert due_ids(workspace, found) == []

    again = advance(project, return_state=True)
    assert again.message == "waiting for annotators: 0 of 4 images of round 1 are answered"
    (picks,) = artifacts(f"project-{found.id}-round-1-picks")
    assert [str(row) in (picks.data or "") for row in ("rank", "epistemic")] == [True, True]

    assert colours.answer(workspace, found) == 4
    assert states(workspace, found.id) == [RoundState.LABELLED]
    third = advance(project, return_state=True)
    assert "closed round 1; opened round 2" in (third.message or "")
    assert states(workspace, found.id) == [RoundState.CLOSED, RoundState.OPEN]
    assert {(entry.round_number, entry.split) for entry in learning_curve(workspace, found.id)} >= {
        (0, "test"),
        (1, "test"),
    }
    assert len(artifacts(f"project-{found.id}-round-1-metrics")) == 1


def test_rounds_by_hand_are_idempotent(workspace: Workspace, project: str) -> None:
    found = find_project(workspace, project)
    embed.embed_missing(workspace, found)
    assert [open_round(project), open_round(project)] == [1, 1]
    colours.answer(workspace, found)
    assert [close_round(project, 1), close_round(project, 1)] == [RoundState.CLOSED, RoundState.CLOSED]
    assert states(workspace, found.id) == [RoundState.CLOSED]


def test_advance_leaves_a_project_alone_while_another_run_works_on_it(workspace: Workspace, project: str) -> None:
    with one_run(find_project(workspace, project).id, wait=False):
        state = advance(project, return_state=True)
    assert (state.name, states(workspace, 1)) == (SKIPPED, [])


def test_one_project_that_fails_does_not_keep_the_others_from_advancing(
    workspace: Workspace, project: str, tmp_path: Path
) -> None:
    broken = colours.colour_project(workspace, tmp_path, "broken")
    (tmp_path / "broken-model").rename(tmp_path / "aside")
    state = advance_due(return_state=True)
    assert state.is_failed()
    (why,) = [sub.message for sub in state.result(raise_on_failure=False) if sub.is_failed()]
    assert "broken-model" in (why or "")
    assert states(workspace, find_project(workspace, project).id) == [RoundState.OPEN]
    assert states(workspace, broken.id) == []
    assert "broken-model" in overview(workspace, broken.id).waiting_for
    assert overview(workspace, broken.id).looked_at is not None
    (tmp_path / "aside").rename(tmp_path / "broken-model")
    assert advance("broken", return_state=True).is_completed()
    assert overview(workspace, broken.id).trouble is None


def test_a_full_disk_is_one_line_and_no_trace(
    workspace: Workspace,
    project: str,
    full_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("ALFLOW_ARTIFACTS_URL", str(full_disk / "artifacts"))
    state = advance(project, return_state=True)
    assert state.is_failed()
    assert re.fullmatch(
        rf"the disk is full: {full_disk}\S+ cannot be written; free some space there, .*", state.message or ""
    )
    assert "Traceback" not in caplog.text
    assert not any(record.exc_info and record.exc_info[0] for record in caplog.records)
    trouble = overview(workspace, find_project(workspace, project).id).trouble
    assert trouble is not None
    assert trouble.message == state.message


def test_images_that_cannot_be_read_load_no_model_while_they_pause(project: str, tmp_path: Path) -> None:
    (tmp_path / project).rename(tmp_path / "away")
    first = advance(project, return_state=True)
    assert "is not there" in (first.message or "")
    shutil.rmtree(tmp_path / f"{project}-model")  # what would be loaded
    opened.cache_clear()
    again = advance(project, return_state=True)
    assert again.message == first.message


def test_ingest_embeds_by_the_shard_and_tells_what_it_did_not_take(
    workspace: Workspace, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "SHARD_ITEMS", 8)
    found = find_project(workspace, project)
    source = colours.paint(tmp_path / "more", 4, seed=9)
    (source / "reds").mkdir()
    (source / "reds" / "empty.png").touch()
    same = {"rejected": 1, "unknown_labels": {"reds": 1}, "left_out": {}}
    nothing = dict.fromkeys(
        ("moved", "corrected", "learned", "copies", "contradictions", "other_split", "unlabelled"), 0
    )
    result = ingest(project, str(source), Split.POOL)
    assert result == {"added": 8, "known": 0, "embedded": 36 + 8, **same, **nothing}
    result = ingest(project, str(source), Split.POOL)
    assert result == {"added": 0, "known": 8, "embedded": 0, **same, **nothing}
    (rejected, _) = artifacts(f"project-{found.id}-rejected")
    assert "empty.png" in (rejected.data or "")
    (said, _) = artifacts(f"project-{found.id}-import")
    assert "1 folder names no class: 'reds' (1 image): did you mean 'red'?" in json.loads(said.data)[0]["remark"]
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_task_runs(limit=200) if run.name.startswith("embed-shard")]
    assert len(runs) >= 6


def test_a_run_takes_what_is_watched_and_publishes_the_accounting_of_an_import(
    workspace: Workspace, project: str, tmp_path: Path
) -> None:
    found = find_project(workspace, project)
    source = colours.paint(tmp_path / "new", 2, seed=9)
    (source / "notes.txt").write_text("no picture")
    made = watch(workspace, found, str(source))
    an_hour_later(workspace, made)
    look(workspace, made)
    done = advance(project, return_state=True)
    assert f"took from {source}: 4 added, 0 known already, 1 rejected; embedded" in (done.message or "")
    assert any("notes.txt" in str(each.data) for each in artifacts(f"project-{found.id}-rejected"))
    assert watched(workspace, found.id)[0].files["known"] == 4
