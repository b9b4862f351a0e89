"""What the map's component reads: every column at its place, and groups that hold about as many images each."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import NotFoundError
from alflow.settings import Settings
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.ui.routes import map as map_
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.insight.map import make_map
from alflow.workflow.insight.slices import make_slice
from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests.colours import colour_project

KINDS = {"u16": "<u2", "i32": "<i4"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = Workspace.open(Settings(home=tmp_path_factory.mktemp("map")))
    yield workspace
    workspace.database.close()


@pytest.fixture(scope="module")
def project(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = colour_project(workspace, tmp_path_factory.mktemp("colours"))
    embed_missing(workspace, project)
    return project


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    (length,) = struct.unpack_from("<I", content)
    assert length % 4 == 0
    head = json.loads(content[4 : 4 + length])
    columns = {
        name: np.frombuffer(content, KINDS[one["kind"]], one["count"], 4 + length + one["at"])
        for name, one in head["columns"].items()
    }
    assert all(one["at"] % 4 == 0 for one in head["columns"].values())
    return head, columns


@pytest.mark.slow
def test_nothing_to_send_is_said(workspace: Workspace, project: Project) -> None:
    with pytest.raises(NotFoundError, match="the map was not made yet: `alflow map`"):
        map_.points(workspace, project.id)


def test_all_images_are_sent_with_every_field(workspace: Workspace, project: Project) -> None:
    layout = make_map(workspace, project.id)
    with workspace.database.read() as tx:
        test = items.ids(tx, project.id, Split.TEST)
    make_slice(workspace, project.id, sign_in(workspace, "eve").id, "Ödland", test[:3])
    head, columns = unpacked(map_.points(workspace, project.id))
    assert head["count"] == 36
    assert head["slices"] == ["Ödland"]
    assert columns["ids"].tolist() == layout.item_ids.tolist()
    assert columns["ids"][columns["slice-0"]].tolist() == test[:3]
    for axis, name in enumerate("xy"):
        assert columns[name] / 65_535 * 2 - 1 == pytest.approx(layout.points[:, axis].numpy(), abs=2e-5)
    fields = {field["key"]: field for field in head["fields"]}
    assert list(fields) == ["label", "prediction", "total", "epistemic", "split", "round", "person", "opinion"]
    for key, field in fields.items():
        assert columns[key].max() < len(field["names"])
        assert columns[key].size == 36
    assert fields["label"]["names"] == ["no label", "red", "blue"]
    assert fields["prediction"]["title"] == "Prediction before any label"
    named = [fields["split"]["names"][code] for code in columns["split"]]
    assert {name: named.count(name) for name in set(named)} == {"pool": 12, "target": 12, "test": 12}
    counts = np.bincount(columns["total"])
    assert counts[0] == 0
    assert counts[1:].tolist() == [6] * 6


def test_without_a_posterior_uncertainty_is_not_offered(workspace: Workspace, project: Project) -> None:
    make_map(workspace, project.id)
    with workspace.database.begin() as tx:
        kept = projects.by_id(tx, project.id).posterior
        projects.set_posterior(tx, project.id, None)
    head, columns = unpacked(map_.points(workspace, project.id))
    with workspace.database.begin() as tx:
        projects.set_posterior(tx, project.id, kept)
    assert "total" not in [field["key"] for field in head["fields"]]
    assert not columns["prediction"].any()


@pytest.mark.parametrize(
    ("amount", "sizes"),
    [
        (np.arange(60.0), [10] * 6),
        (np.zeros(5), [5]),
        (np.array([0.0] * 50 + [1.0] * 10), [50, 10]),
        (np.array([np.nan, 1.0, 2.0]), [1, 1]),
        (np.array([np.nan]), []),
        (np.array([]), []),
    ],
)
def test_groups_of_equal_size_fewer_where_amounts_are_equal(amount: NDArray[np.float64], sizes: list[int]) -> None:
    names, codes = map_._groups(amount.astype(np.float32))
    assert codes.size == amount.size
    assert codes[~np.isfinite(amount)].tolist() == [0] * int((~np.isfinite(amount)).sum())
    counted = np.bincount(codes[np.isfinite(amount)], minlength=len(names))[1:] if amount.size else np.array([])
    assert [count for count in counted.tolist() if count] == sizes
    assert len(names) - 1 >= len(sizes)
