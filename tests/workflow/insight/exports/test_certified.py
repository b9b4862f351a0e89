"""What was accepted by the model's word goes out marked as such, with its certificate, and does not come back in."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from alflow.domain.projects import Project
from alflow.errors import ConflictError
from alflow.store.images import items
from alflow.workflow.answers import certify
from alflow.workflow.answers.bring import bring_labels
from alflow.workflow.answers.dataset import export_dataset
from alflow.workflow.insight.exports.certified import export_certificates
from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests import certified

pytestmark = pytest.mark.slow

BOUND, DELTA = 0.1, 0.1


@pytest.fixture
def grown(workspace: Workspace, tmp_path: Path) -> Project:
    """400 images of two colours, of which 60 are answered, half of them drawn at random."""
    project = certified.grown_project(workspace, tmp_path, 400)
    project = certified.with_settings(workspace, project, budget=60, control_fraction=0.5)
    certified.one_round(workspace, project)
    return project


def test_certificates_go_out_with_every_image_they_cover(workspace: Workspace, grown: Project, tmp_path: Path) -> None:
    assert export_certificates(workspace, grown.id, str(tmp_path / "none.csv")) == 0
    ada = sign_in(workspace, "ada").id
    first = certify.accept(workspace, grown.id, ada, BOUND, DELTA)
    second = certify.accept(workspace, grown.id, ada, 0.3, 0.2, per_class=True)
    expected = first.n_accepted + second.n_accepted
    for suffix in (".csv", ".jsonl", ".parquet"):
        assert export_certificates(workspace, grown.id, str(tmp_path / f"c{suffix}")) == expected
    rows = pq.read_table(tmp_path / "c.parquet").to_pylist()
    assert {row["stands"] for row in rows if row["certificate"] == first.id} == {False}
    assert {row["stands"] for row in rows if row["certificate"] == second.id} == {True}
    assert {row["withdrawn_why"] for row in rows if row["certificate"] == first.id} == {
        "a newer certificate takes its place"
    }
    for row in rows:
        own = first if row["certificate"] == first.id else second
        assert (row["bound"], row["delta"], row["per_class"]) == (own.bound, own.delta, own.per_class)
        assert (row["accepted_by"], row["accepted_at"], row["model"]) == ("ada", own.at, own.model)
        parts = {part["class_name"]: part["threshold"] for part in json.loads(row["parts"])}
        assert row["probability"] >= parts.get(None, parts.get(row["class_name"], 2))
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert [line["uri"] for line in lines] == [row["uri"] for row in rows]
    with pytest.raises(ConflictError, match="--force"):
        export_certificates(workspace, grown.id, str(tmp_path / "c.csv"))


def test_a_data_set_marks_the_models_word_and_no_import_takes_it_for_an_answer(
    workspace: Workspace, grown: Project, tmp_path: Path
) -> None:
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE item SET truth = NULL")  # a class that came with the image goes before the model's
        hashes = [item.content_hash for item in items.list_(tx, grown.id)]
    Image.new("RGB", (8, 8)).save(jpeg := io.BytesIO(), "JPEG")
    for name in hashes:  # this project was made without pictures
        workspace.artifacts.write_bytes(f"renditions/{name[:2]}/{name}.jpg", jpeg.getvalue())
    before = export_dataset(workspace, grown.id, tmp_path / "before", "fiftyone")
    assert before.by_model == 0
    ada = sign_in(workspace, "ada").id
    made = certify.accept(workspace, grown.id, ada, BOUND, DELTA)
    done = export_dataset(workspace, grown.id, tmp_path / "out", "fiftyone")
    assert (done.by_model, done.labelled) == (made.n_accepted, before.labelled + made.n_accepted)
    rows = [json.loads(line) for line in (tmp_path / "out" / "labels.jsonl").read_text().splitlines()]
    marked = [row for row in rows if row["label_from"] == f"certificate {made.id}"]
    assert len(marked) == made.n_accepted
    assert all(row["label"] and not row["votes"] for row in marked)
    report = bring_labels(workspace, grown, str(tmp_path / "out"), "somebody")
    assert report.added == 0
    assert report.left_out["classes that no vote gave"] >= made.n_accepted
    certify.withdraw(workspace, grown.id, ada, "a test")
    assert export_dataset(workspace, grown.id, tmp_path / "after", "fiftyone") == before
