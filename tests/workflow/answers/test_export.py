import csv
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from alflow import row_files
from alflow.cells import unquoted
from alflow.domain.projects import Project
from alflow.errors import ConflictError, InvalidInputError
from alflow.row_files import FORMATS
from alflow.store.answers import provenance
from alflow.store.images import items
from alflow.workflow.answers.export import encode_labels, export_head, export_labels, label_rows
from alflow.workflow.images import manifests
from alflow.workflow.images.embed import load_embeddings
from alflow.workflow.model.model import load_model
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.at_desk import undo
from tests.colours import answer
from tests.voted import Voted

pytestmark = pytest.mark.slow


@pytest.fixture
def labelled(workspace: Workspace, project: Project) -> Project:
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return project


def test_every_format_says_the_same(workspace: Workspace, labelled: Project, tmp_path: Path) -> None:
    paths = [tmp_path / "out" / f"labels{suffix}" for suffix in (".csv", ".jsonl", ".parquet")]
    assert [export_labels(workspace, labelled.id, str(path)) for path in paths] == [4, 4, 4]
    of_csv = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    of_jsonl = [json.loads(line) for line in paths[1].read_text().splitlines()]
    of_parquet = pq.read_table(paths[2]).to_pylist()
    for plain, exact, typed in zip(of_csv, of_jsonl, of_parquet, strict=True):
        assert plain == {name: "" if value is None else str(value) for name, value in exact.items()}
        assert exact == {name: v.isoformat() if hasattr(v, "isoformat") else v for name, v in typed.items()}


DANGEROUS = ["=1+1", "+1", "-2", "@x", " =1", "'=1", "''+1", "'quoted'", "a;=1", "a\u2028b", "a\x85b", "plain"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_a_spreadsheet_would_run_is_quoted_and_reads_back(
    workspace: Workspace, project: Project, text: str
) -> None:
    """Whoever writes a comment, a name or a class must not write a formula into the reader's spreadsheet."""
    advance(workspace, project.id)
    answer(workspace, project)
    row = label_rows(workspace, project.id)[0]
    hostile = {"uri": text, "class_name": text, "annotator": text, "comment": text, "proposed_class": text}
    row = replace(row, **hostile, settled_class=text, settled_by=text, score=-0.5, seconds=1.5)  # type: ignore[arg-type]
    (read,) = csv.DictReader(io.StringIO(encode_labels([row], ".csv").decode(), newline=""))
    for column in (*hostile, "settled_class", "settled_by"):
        assert not read[column].lstrip().startswith(("=", "+", "-", "@"))
        assert unquoted(read[column]) == text
    assert (float(read["score"]), float(read["seconds"])) == (-0.5, 1.5)
    (line,) = encode_labels([row], ".jsonl").decode().splitlines()
    assert json.loads(line)["comment"] == text
    (typed,) = pq.read_table(io.BytesIO(encode_labels([row], ".parquet"))).to_pylist()
    assert typed["comment"] == text
    for suffix in (".csv", ".jsonl", ".parquet"):  # an export is a manifest too
        assert manifests.rows(suffix, encode_labels([row], suffix))[0].where == text


def test_provenance_leads_back_to_the_picture(workspace: Workspace, labelled: Project) -> None:
    for row in label_rows(workspace, labelled.id):
        assert Path(row.uri).parent.name == row.class_name  # the tiny world's folders are its truth
        assert (row.annotator, row.round_number, row.strategy) == ("tester", 1, "margin")
        assert row.posterior is not None
        assert len(row.posterior) == 64


def test_a_withdrawn_answer_is_marked_not_left_out(workspace: Workspace, project: Project) -> None:
    advance(workspace, project.id)
    answer(workspace, project)
    first = label_rows(workspace, project.id)[0]
    with workspace.database.read() as tx:
        token = tx.exec_driver_sql("SELECT token FROM label ORDER BY id LIMIT 1").scalar_one()
    undo(workspace, project.id, sign_in(workspace, "tester").id, token)
    assert first.withdrawn_at is None
    assert label_rows(workspace, project.id)[0].withdrawn_at is not None


def test_an_unknown_ending_is_refused(workspace: Workspace, project: Project) -> None:
    with pytest.raises(InvalidInputError, match=r"'\.xls'.*\.csv, \.jsonl, \.parquet"):
        export_labels(workspace, project.id, "labels.xls")


@pytest.mark.parametrize("name", ["LABELS.CSV", "Labels.Jsonl", "labels.PARQUET"])
def test_capitals_of_an_ending_do_not_count(workspace: Workspace, project: Project, tmp_path: Path, name: str) -> None:
    assert export_labels(workspace, project.id, str(tmp_path / name)) == 0
    assert (tmp_path / name).is_file()


def test_a_place_that_cannot_be_written_is_named(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match=r"file/labels\.csv"):
        export_labels(workspace, project.id, str(tmp_path / "file" / "labels.csv"))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_is_replaced_only_with_force(
    workspace: Workspace, labelled: Project, tmp_path: Path, suffix: str
) -> None:
    place = tmp_path / f"labels{suffix}"
    place.write_text("mine")
    with pytest.raises(ConflictError, match=rf"labels\{suffix} is there already: .*--force"):
        export_labels(workspace, labelled.id, str(place))
    assert place.read_text() == "mine"
    assert export_labels(workspace, labelled.id, str(place), force=True) == 4
    assert place.read_bytes() == encode_labels(label_rows(workspace, labelled.id), suffix)
    assert [each.name for each in tmp_path.glob(".*.partial")] == []


def test_an_address_takes_labels_and_a_head_and_is_not_overwritten(workspace: Workspace, labelled: Project) -> None:
    place = f"memory://{labelled.id}-labels/deep/l.csv"
    assert export_labels(workspace, labelled.id, place) == 4
    with fsspec.open(place) as file:
        assert file.read() == encode_labels(label_rows(workspace, labelled.id), ".csv")
    with pytest.raises(ConflictError, match="--force"):
        export_labels(workspace, labelled.id, place)
    export_labels(workspace, labelled.id, place, force=True)
    with pytest.raises(InvalidInputError, match=r"nosuch://x/l\.csv"):
        export_labels(workspace, labelled.id, "nosuch://x/l.csv")
    export_head(workspace, labelled.id, f"memory://{labelled.id}-labels/head.safetensors")


def test_rows_are_written_as_they_are_read(world: Voted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of one row, and a group of two of a Parquet file, give the same file as one page."""
    whole = {suffix: encode_labels(label_rows(world.workspace, world.project.id), suffix) for suffix in FORMATS}
    monkeypatch.setattr(provenance, "_PAGE", 1)
    monkeypatch.setattr(row_files, "_GROUP", 2)
    for suffix, expected in whole.items():
        place = tmp_path / f"l{suffix}"
        assert export_labels(world.workspace, world.project.id, str(place)) == 6
        if suffix == ".parquet":
            assert pq.ParquetFile(place).num_row_groups == 3
            assert pq.read_table(place) == pq.read_table(io.BytesIO(expected))
        else:
            assert place.read_bytes() == expected


def test_a_pipe_is_written_as_it_is(workspace: Workspace, labelled: Project, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        assert export_labels(workspace, labelled.id, str(pipe)) == 4
        assert reading.result() == encode_labels(label_rows(workspace, labelled.id), ".csv")
    assert pipe.is_fifo()


def test_a_link_keeps_pointing_and_a_folder_is_no_file(workspace: Workspace, labelled: Project, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    export_labels(workspace, labelled.id, str(tmp_path / "link.csv"))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").is_file()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInputError, match=r"folder\.csv.*is a folder"):
        export_labels(workspace, labelled.id, str(tmp_path / "folder.csv"), force=True)


def test_the_head_gives_the_logits_of_the_fitted_model(workspace: Workspace, labelled: Project, tmp_path: Path) -> None:
    fit = export_head(workspace, labelled.id, str(tmp_path / "head.safetensors"))
    tensors, loaded = load_file(tmp_path / "head.safetensors"), load_model(workspace, labelled, fit)
    model = loaded.model
    with workspace.database.read() as tx:
        rows = load_embeddings(workspace, labelled, items.ids(tx, labelled.id)).activations
    cosines = model.zero_shot_logits(rows) / model.layers.scale
    found = tensors["scale"] * cosines + rows.values @ tensors["weight"].T + tensors["bias"]
    features = model.frame.features(rows.values)
    expected = model.field.logits(model.zero_shot_logits(rows), features)
    torch.testing.assert_close(found.float(), expected, rtol=1e-4, atol=1e-4)
    with safe_open(tmp_path / "head.safetensors", "pt") as file:
        assert len(json.loads(file.metadata()["classes"])) == len(loaded.class_ids)


def test_no_head_before_the_first_round_is_closed(workspace: Workspace, project: Project) -> None:
    with pytest.raises(ConflictError, match="close a round first"):
        export_head(workspace, project.id, "nowhere.safetensors")
