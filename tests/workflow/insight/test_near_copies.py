"""Near copies: found, told apart by what is wrong with them, and new images compared with all."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import ConflictError, NotFoundError
from alflow.store.images import items
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight import near_copies as module
from alflow.workflow.insight.evaluated import evaluated
from alflow.workflow.insight.leaks import leak
from alflow.workflow.insight.near_copies import LEAST, compare_images, near_copies
from alflow.workflow.insight.report.gather import read_report
from alflow.workflow.projects.projects import project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.colours import colour_project
from tests.workflow.insight.labelled import answer_wrongly, labelled_project, pool_of

pytestmark = pytest.mark.slow

SURE = 0.999
"""Only an image stored anew is as like another of these noisy pictures."""


def stored_anew(
    workspace: Workspace, project: Project, item_id: int, folder: Path, split: Split, name: str, class_: str = ""
) -> int:
    """The same picture as another file: other bytes, the same pixels but for rounding."""
    with workspace.database.read() as tx:
        (item,) = items.by_ids(tx, [item_id])  # type: ignore[list-item]
    target = folder / class_ / f"{name}.bmp"
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(item.uri.removeprefix("file://")).save(target)
    import_items(workspace, project, str(folder if class_ else target), split)
    embed_missing(workspace, project)
    with workspace.database.read() as tx:
        return max(items.ids(tx, project.id))


def test_copies_with_different_labels_and_in_the_test_split_are_listed(workspace: Workspace, tmp_path: Path) -> None:
    project, _ = labelled_project(workspace, tmp_path)
    pool = pool_of(workspace, project)
    none = near_copies(workspace, project.id, SURE)
    assert (none.n_pairs, none.leaking, none.contradicting, none.n_compared) == (0, (), (), 36)
    leaked = stored_anew(workspace, project, pool[5].id, tmp_path / "more", Split.TEST, "leaked")
    found = near_copies(workspace, project.id, SURE)
    (one,) = found.leaking
    assert (one.first, one.second, one.splits) == (leaked, pool[5].id, (Split.TEST, Split.POOL))
    assert (found.n_test, found.learnt, found.n_compared, found.n_pairs) == (1, (leaked,), 37, 1)
    assert found.contradicting == ()
    assert one.likeness == pytest.approx(1, abs=1e-3)


def test_what_leaks_into_the_test_split_is_told_with_the_accuracy_without_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    project, _ = labelled_project(workspace, tmp_path, n_wrong=1)
    assert leak(workspace, project.id, SURE) == ""  # nothing is compared yet, and nobody waits for that
    compare_images(workspace, project.id)
    assert leak(workspace, project.id, SURE) == ""
    names = {one.id: one.name for one in project_classes(workspace, project.id)}
    (first, *_) = pool_of(workspace, project)
    leaked = stored_anew(workspace, project, first.id, tmp_path / "more", Split.TEST, "leaked", names[first.truth or 0])
    compare_images(workspace, project.id)
    known = evaluated(workspace, project.id)
    assert known is not None
    right, clean = known.correct[known.way("shown")], known.item_ids != leaked
    assert int((~clean).sum()) == 1
    told = leak(workspace, project.id, SURE)
    assert told.startswith(
        f"1 test image has a near copy in pool or target, 1 of them of a labelled image: without these the accuracy is "
        f"{right[clean].mean():.1%} and not {right.mean():.1%}. Look at them under Near copies"
    )
    report = read_report(workspace, project.id, pictures=False)
    assert report.images.leak == leak(workspace, project.id)


def test_a_label_decides_whether_two_copies_contradict(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path, budget=13)
    first = pool_of(workspace, project)[0].id
    copy = stored_anew(workspace, project, first, tmp_path / "more", Split.POOL, "copy")
    found = near_copies(workspace, project.id, SURE)
    assert (found.n_pairs, found.contradicting) == (1, ())  # what came with the images of the pool is kept hidden
    open_round(workspace, project.id)
    answer_wrongly(workspace, project, [copy])
    (one,) = near_copies(workspace, project.id, SURE).contradicting
    assert {one.first, one.second} == {first, copy}
    assert one.classes[0] != one.classes[1]


def test_new_images_are_compared_with_all_and_nothing_else_anew(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path)
    embed_missing(workspace, project)
    before = compare_images(workspace, project.id)
    pool = pool_of(workspace, project)
    stored_anew(workspace, project, pool[0].id, tmp_path / "more", Split.POOL, "later")
    grown = compare_images(workspace, project.id)
    assert torch.equal(grown["centre"], before["centre"])
    assert grown["item_ids"][: len(before["item_ids"])].equal(before["item_ids"])
    written = pairs(grown)
    assert len(written) == len(grown["first"]) > len(before["first"])
    for path in workspace.artifacts.list(f"projects/{project.id}/copies"):
        Path(workspace.artifacts.path(path)).unlink()
    whole = compare_images(Workspace.open(workspace.settings), project.id)  # from a centre that the new image moved
    assert {pair for pair, like in written.items() if like > LEAST + 0.03} <= pairs(whole).keys()


def pairs(found: Mapping[str, Tensor]) -> dict[frozenset[int], float]:
    every = zip(found["first"].tolist(), found["second"].tolist(), found["likeness"].tolist(), strict=True)
    return {frozenset((first, second)): like for first, second, like in every}


def test_nothing_embedded_and_too_many_are_said(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = colour_project(workspace, tmp_path)
    with pytest.raises(NotFoundError, match="no embedded image yet"):
        near_copies(workspace, project.id)
    embed_missing(workspace, project)
    monkeypatch.setattr(module, "MOST_IMAGES", 10)
    with pytest.raises(ConflictError, match="36 embedded images"):
        near_copies(workspace, project.id)
