"""Embeddings, scores and predictions as files, read back by NumPy, pyarrow, safetensors and csv."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import alflow
from alflow.cells import unquoted
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.settings import Settings
from alflow.store.images import items
from alflow.workflow.images import embed
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.insight.exports.embedded import export_embeddings
from alflow.workflow.insight.exports.said import export_predictions, export_scores
from alflow.workflow.insight.exports.write import export_model
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer, colour_project


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Project]]:
    """Ten images a shard, one round closed and the second open."""
    folder = tmp_path_factory.mktemp("tables")
    workspace = Workspace.open(Settings(home=folder / "home", batch_size=5))
    project = colour_project(workspace, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed, "SHARD_ITEMS", 10)
        embed_missing(workspace, project)
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    yield workspace, project
    workspace.database.close()


Home = tuple[Workspace, Project]


@pytest.mark.slow
@pytest.mark.parametrize("split", [None, Split.POOL, Split.TEST])
def test_embeddings_are_those_of_the_project_in_each_format(home: Home, tmp_path: Path, split: Split | None) -> None:
    workspace, project = home
    opened = alflow.open(project.name, home=workspace.settings.home)
    expected = opened.embeddings(split)
    with workspace.database.read() as tx:
        ids = items.ids(tx, project.id, split)
        about = items.by_ids(tx, ids)
    features = load_embeddings(workspace, project, ids).activations.values.numpy()
    paths = {suffix: tmp_path / f"e{suffix}" for suffix in (".npz", ".parquet", ".safetensors")}
    for path in paths.values():
        assert export_embeddings(workspace, project.id, str(path), split) == len(ids)
    found: dict[str, Any] = {".npz": np.load(paths[".npz"], allow_pickle=False)}
    found[".safetensors"] = load_file(paths[".safetensors"])
    table = pq.read_table(paths[".parquet"])
    assert pq.ParquetFile(paths[".parquet"]).num_row_groups >= len(ids) // 10  # one for each shard, never all at once
    found[".parquet"] = {
        "item_ids": table["item_id"].to_numpy(),
        "embeddings": np.stack(table["embedding"].to_numpy()),
        "features": np.stack(table["features"].to_numpy()),
    }
    for arrays in found.values():
        order = np.argsort(arrays["item_ids"])
        assert arrays["item_ids"][order].tolist() == ids == expected.item_ids.tolist()
        assert np.abs(arrays["embeddings"][order] - expected.numpy()).max() < 1e-6
        assert np.array_equal(arrays["features"][order], features)
    by_id = {row["item_id"]: row for row in table.select(["item_id", "uri", "sha256", "split"]).to_pylist()}
    assert by_id == {
        one.id: {"item_id": one.id, "uri": one.uri, "sha256": one.content_hash, "split": one.split.value}
        for one in about
    }
    with safe_open(paths[".safetensors"], framework="np") as file:
        assert file.metadata()["model"] == project.model
    assert table.schema.metadata[b"project"] == project.name.encode()


def test_features_are_what_a_head_takes(home: Home, tmp_path: Path) -> None:
    workspace, project = home
    export_embeddings(workspace, project.id, str(tmp_path / "e.npz"), Split.TEST)
    export_model(workspace, project.id, tmp_path / "head", "sklearn")
    arrays, head = np.load(tmp_path / "e.npz"), alflow.load_head(tmp_path / "head")
    table = alflow.open(project.name, home=workspace.settings.home).predictions("test").loc[arrays["item_ids"]]
    expected = table[[f"p({name})" for name in head.classes_]].to_numpy()
    assert np.abs(head.predict_proba(arrays["features"]) - expected).max() < 1e-5


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_scores_are_those_the_round_was_chosen_by(home: Home, tmp_path: Path, suffix: str) -> None:
    workspace, project = home
    assert export_scores(workspace, project.id, str(tmp_path / f"s{suffix}"), 1) == 12
    rows = _read(tmp_path / f"s{suffix}")
    queue = alflow.open(project.name, home=workspace.settings.home).candidates(1)
    asked = {int(row["item_id"]): row for row in rows if row["rank"] not in {None, ""}}
    assert {item: int(row["rank"]) for item, row in asked.items()} == queue["rank"].to_dict()
    assert {item: row["origin"] for item, row in asked.items()} == queue["origin"].to_dict()
    scores = {int(row["item_id"]): float(row["score"]) for row in rows if row["score"] not in {None, ""}}
    drawn = {item for item, row in asked.items() if row["origin"] == "control"}  # at random, before any is rated
    assert {int(row["item_id"]) for row in rows} - scores.keys() == drawn
    chosen = [item for item, row in asked.items() if row["origin"] == "strategy"]
    assert sorted(scores[item] for item in chosen) == pytest.approx(sorted(scores.values())[-3:])  # margin: the best
    assert {row["strategy"] for row in rows} == {"margin"}
    export_scores(workspace, project.id, str(tmp_path / f"new{suffix}"))
    assert {int(row["round"]) for row in _read(tmp_path / f"new{suffix}")} == {2}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predictions_are_those_of_the_model_of_that_round(home: Home, tmp_path: Path, suffix: str) -> None:
    workspace, project = home
    assert export_predictions(workspace, project.id, str(tmp_path / f"p{suffix}")) == 36
    table = alflow.open(project.name, home=workspace.settings.home).predictions()
    for row in _read(tmp_path / f"p{suffix}"):
        expected = table.loc[int(row["item_id"])]
        for name in ("uri", "split", "predicted"):
            assert row[name] == expected[name]
        for name in ("confidence", "total", "aleatoric", "epistemic", "novelty", "p(red)", "p(blue)"):
            assert float(row[name]) == pytest.approx(expected[name], abs=1e-6)
    export_predictions(workspace, project.id, str(tmp_path / f"zero{suffix}"), 0)
    moved = [
        abs(float(one["p(red)"]) - float(other["p(red)"]))
        for one, other in zip(_read(tmp_path / f"p{suffix}"), _read(tmp_path / f"zero{suffix}"), strict=True)
    ]
    assert max(moved) > 0.01


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return [{name: unquoted(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_nothing_is_overwritten_and_what_is_missing_is_told(home: Home, tmp_path: Path) -> None:
    workspace, project = home
    for write, name, wrong in (
        (export_embeddings, "e.npz", "e.csv"),
        (export_scores, "s.csv", "s.npz"),
        (export_predictions, "p.csv", "p.txt"),
    ):
        write(workspace, project.id, str(tmp_path / name))
        with pytest.raises(ConflictError, match="--force"):
            write(workspace, project.id, str(tmp_path / name))
        write(workspace, project.id, str(tmp_path / name), force=True)
        with pytest.raises(InvalidInputError, match="end the file in"):
            write(workspace, project.id, str(tmp_path / wrong))
    for write in (export_scores, export_predictions):
        with pytest.raises(NotFoundError, match="9"):
            write(workspace, project.id, str(tmp_path / "x.csv"), 9)
    empty = colour_project(workspace, tmp_path, "empty")
    for write, name, message in (
        (export_embeddings, "x.npz", "no embedded image yet"),
        (export_scores, "x.csv", "no round yet"),
        (export_predictions, "x.csv", "no embedded image yet"),
    ):
        with pytest.raises(NotFoundError, match=message):
            write(workspace, empty.id, str(tmp_path / name))
    assert not list(tmp_path.glob("x.*"))
