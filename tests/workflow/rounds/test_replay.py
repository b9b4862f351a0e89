"""A past round is planned once more from what was kept with it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from alflow.acquisition.strategies import STRATEGIES
from alflow.cli import app
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Origin, Round
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.rounds import candidates
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.model.source import fit_path
from alflow.workflow.projects.class_changes import add_classes
from alflow.workflow.projects.projects import change_settings, find_project, name_classes
from alflow.workflow.rounds import question, record
from alflow.workflow.rounds import replay as module
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.chosen import send_to_queue
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.replay import Outcome, replay
from alflow.workspace import Workspace
from tests import colours

pytestmark = pytest.mark.slow


def two_rounds(workspace: Workspace, project: Project) -> Round:
    first = open_round(workspace, project.id)
    colours.answer(workspace, project)
    close_round(workspace, project.id, first.id)
    return open_round(workspace, project.id)


def scores_file(workspace: Workspace, project: Project, round_: Round) -> Path:
    return Path(workspace.artifacts.path(f"projects/{project.id}/scores/{round_.hashes['scores']}.safetensors"))


def files(workspace: Workspace) -> dict[str, bytes]:
    return {name: workspace.artifacts.read_bytes(name) for name in workspace.artifacts.list("")}


@pytest.mark.parametrize("strategy", [*STRATEGIES, "0.7*epig+0.3*typiclust"])
def test_every_strategy_replays_bit_for_bit(workspace: Workspace, project: Project, strategy: str) -> None:
    change_settings(workspace, project.id, replace(project.settings, strategy=strategy))
    round_ = open_round(workspace, project.id)
    found = replay(workspace, project.id, round_.number)
    assert (found.outcome, found.n_picks, found.same_order) == (Outcome.IDENTICAL, 4, True)
    assert (found.gone, found.new, found.largest_difference, found.reasons, found.unchecked) == ((), (), 0.0, (), ())


@pytest.mark.parametrize("streamed", [False, True])
def test_what_comes_later_changes_no_replay(
    workspace: Workspace, project: Project, tmp_path: Path, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, a fit, other settings, more images in every split, more classes, images that a person sends."""
    if streamed:
        monkeypatch.setattr(question, "IN_MEMORY", 0)
    second = two_rounds(workspace, project)
    with workspace.database.read() as tx:
        asked = {one.item_id for one in candidates.of_round(tx, second.id)}
        asked |= {one.item_id for one in candidates.of_origin(tx, project.id, Origin.STRATEGY)}
        asked |= {one.item_id for one in candidates.of_origin(tx, project.id, Origin.CONTROL)}
    pool = set(record.read_record(workspace, project, second).item_ids.tolist())
    send_to_queue(workspace, project.id, colours.sign_in(workspace, "eve").id, sorted(pool - asked)[:2], "odd")
    colours.answer(workspace, project)
    close_round(workspace, project.id, second.id)
    for seed, split in enumerate((Split.POOL, Split.TARGET, Split.TEST)):
        import_items(workspace, project, str(colours.paint(tmp_path / "more" / split, 3, 10 + seed)), split)
    embed_missing(workspace, project)
    add_classes(workspace, project.id, name_classes(["green"]))
    settings = replace(project.settings, strategy="random", budget=3, votes=2, seed=5, pretraining_weight=7.0)
    change_settings(workspace, project.id, settings)
    before = files(workspace)
    for number in (1, 2):
        found = replay(workspace, project.id, number)
        assert (found.outcome, found.n_picks, found.largest_difference) == (Outcome.IDENTICAL, 4, 0.0)
        assert found.reasons == ("images that arrived since are left out: 6",)
    assert files(workspace) == before


def test_images_that_were_asked_before_have_not_arrived_since(workspace: Workspace, project: Project) -> None:
    colours.after_two_rounds(workspace, project)
    assert replay(workspace, project.id, 3).reasons == ()


@pytest.fixture
def opened(workspace: Workspace, project: Project) -> tuple[Workspace, Project, Round]:
    """Two rounds, the second with a fit behind it."""
    second = two_rounds(workspace, project)
    return workspace, find_project(workspace, project.name), second


@pytest.mark.parametrize("which", ["embeddings", "layers", "classes", "posteriors", "fields"])
def test_changed_bytes_are_refused_by_name(opened: tuple[Workspace, Project, Round], which: str) -> None:
    workspace, project, second = opened
    with_fit = fit_path(project.id, workspace.artifacts.read_metadata(
        f"projects/{project.id}/scores/{second.hashes['scores']}.safetensors")["fit"])  # fmt: skip
    names = {"fields": with_fit, "posteriors": f"posteriors/{second.hashes['posterior']}.safetensors"}
    name = names.get(which) or next(n for n in workspace.artifacts.list(f"projects/{project.id}") if f"/{which}/" in n)
    path = Path(workspace.artifacts.path(name))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ConflictError, match=f"round 2 cannot be replayed: the bytes of {path} changed since"):
        replay(workspace, project.id, 2)


@pytest.mark.parametrize("which", ["posterior", "fit", "scores"])
def test_a_lost_input_is_named(opened: tuple[Workspace, Project, Round], which: str) -> None:
    workspace, project, second = opened
    path = {
        "posterior": Path(workspace.artifacts.path(f"posteriors/{second.hashes['posterior']}.safetensors")),
        "fit": Path(
            workspace.artifacts.path(fit_path(project.id, record.read_record(workspace, project, second).fit or ""))
        ),
        "scores": scores_file(workspace, project, second),
    }[which]
    path.unlink()
    kind = NotFoundError if which == "scores" else ConflictError
    with pytest.raises(kind, match=f"lost.*: bring back .*{path.name} from a backup|lost.*bring back {path}"):
        replay(workspace, project.id, 2)


def test_other_prompts_and_lost_embeddings_are_refused(opened: tuple[Workspace, Project, Round]) -> None:
    workspace, project, _ = opened
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE class_label SET prompts = '[\"a blue thing\"]' WHERE name = 'blue'")
    with pytest.raises(ConflictError, match=r"the prompts of its classes changed \(blue\)"):
        replay(workspace, project.id, 2)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE class_label SET prompts = '[\"a photo of a blue\"]' WHERE name = 'blue'")
    assert replay(workspace, project.id, 2).outcome is Outcome.IDENTICAL
    for name in workspace.artifacts.list(f"projects/{project.id}/embeddings"):
        Path(workspace.artifacts.path(name)).unlink()
    with pytest.raises(ConflictError, match="8 of the 8 images of its pool have no embedding now"):
        replay(workspace, project.id, 2)
    embed_missing(workspace, project)
    assert replay(workspace, project.id, 2).outcome is not Outcome.DIFFERENT


def test_a_record_that_was_changed_is_refused(opened: tuple[Workspace, Project, Round]) -> None:
    workspace, project, second = opened
    path = scores_file(workspace, project, second)
    tensors, notes = workspace.artifacts.read_tensors(f"projects/{project.id}/scores/{path.name}")
    save_file({**tensors, "scores": tensors["scores"] * 2}, path, notes)
    with pytest.raises(InvalidInputError, match="the record of round 2 was changed: bring back"):
        replay(workspace, project.id, 2)


def test_of_a_round_by_an_older_alflow_it_says_what_is_unknown(opened: tuple[Workspace, Project, Round]) -> None:
    workspace, project, second = opened
    path = scores_file(workspace, project, second)
    tensors, notes = load_file(path), record.read_record(workspace, project, second)
    hashes = {name: second.hashes[name] for name in ("encoder", "prompts", "posterior")} | {"fit": notes.fit or ""}
    save_file({name: tensors[name] for name in ("item_ids", "scores")}, path, hashes)
    found = replay(workspace, project.id, 2)
    assert (found.outcome, found.reasons) == (Outcome.IDENTICAL, ())
    assert found.unchecked[1:3] == (
        "labelled images: it had 4, and those of today are 4",
        "targets: it had 12, and those of today are 12",
    )
    off = tensors["scores"].clone()
    off[off.isfinite()] *= 1 + 1e-5
    save_file({"item_ids": tensors["item_ids"], "scores": off}, path, hashes)
    close = replay(workspace, project.id, 2)
    assert close.outcome is Outcome.CLOSE
    assert close.largest_relative == pytest.approx(1e-5, rel=0.1)
    save_file({"item_ids": tensors["item_ids"], "scores": off + 1}, path, hashes)
    assert replay(workspace, project.id, 2).outcome is Outcome.DIFFERENT


def test_other_code_is_named_and_ties_are_told(
    opened: tuple[Workspace, Project, Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, project, second = opened
    monkeypatch.setattr(record, "_own_code", lambda: "f" * 64)
    found = replay(workspace, project.id, 2)
    assert (found.outcome, len(found.reasons)) == (Outcome.IDENTICAL, 1)
    assert found.reasons[0].startswith("alflow's strategies changed: ffffffffffff... now, ")
    with workspace.database.begin() as tx:
        first, other = [one for one in candidates.of_round(tx, second.id) if one.origin is Origin.STRATEGY][:2]
        swap = "UPDATE candidate SET item_id = {} WHERE id = {}"
        free = 1  # an image of an earlier round or split, as a place to put one meanwhile
        for item, row in ((free, first.id), (first.item_id, other.id), (other.item_id, first.id)):
            tx.exec_driver_sql(swap.format(item, row))
    told = replay(workspace, project.id, 2)
    assert (told.outcome, told.same_order, told.gone, told.new) == (Outcome.DIFFERENT, False, (), ())
    with workspace.database.begin() as tx:  # as if the two had tied
        tx.exec_driver_sql(f"UPDATE candidate SET score = {first.score} WHERE id = {other.id}")
        tx.exec_driver_sql(f"UPDATE candidate SET score = {other.score} WHERE id = {first.id}")
    monkeypatch.setattr(module, "RTOL", 0.1)
    tied = replay(workspace, project.id, 2)
    assert (tied.outcome, tied.same_order, tied.ties) == (Outcome.CLOSE, False, True)


def test_a_control_that_was_on_a_page_of_the_grid_meanwhile_is_told(opened: tuple[Workspace, Project, Round]) -> None:
    workspace, project, second = opened
    with workspace.database.begin() as tx:  # as `reserve.hand_on` leaves it
        (control,) = [one for one in candidates.of_round(tx, second.id) if one.origin is Origin.CONTROL]
        tx.exec_driver_sql(f"UPDATE candidate SET origin = 'grid', answers = 1 WHERE id = {control.id}")
    found = replay(workspace, project.id, 2)
    assert (found.outcome, found.n_picks, found.gone, found.new) == (Outcome.IDENTICAL, 3, (), ())
    assert "no control: 1, as somebody had them on a page of the grid" in found.reasons[0]


def test_the_command_says_identical_or_what_differs(
    opened: tuple[Workspace, Project, Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, second = opened
    for name, value in workspace.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(app, ["replay", "2"])
    assert (said.exit_code, said.stdout) == (
        0,
        "round 2: identical\n  4 picks: the same, in the same order\n  7 scores: the same bit for bit\n",
    )
    assert json.loads(CliRunner().invoke(app, ["replay", "1", "--json"]).stdout)["outcome"] == "identical"
    with workspace.database.begin() as tx:
        gone, *_ = candidates.of_round(tx, second.id)
        asked = {one.item_id for one in candidates.of_round(tx, second.id)}
    free = min(set(range(1, 13)) - asked)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql(f"UPDATE candidate SET item_id = {free} WHERE id = {gone.id}")
    other = CliRunner().invoke(app, ["replay", "2"])
    assert (other.exit_code, f"now and not then: image {gone.item_id}" in other.stdout) == (1, True)
    assert "error: round 2 does not replay" in other.stderr
    assert json.loads(CliRunner().invoke(app, ["replay", "2", "--json"]).stdout)["outcome"] == "different"
    missing = CliRunner().invoke(app, ["replay", "9"])
    assert (missing.exit_code, missing.stderr) == (1, "error: the project has no round 9\n")
