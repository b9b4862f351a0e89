"""What a fit changed, against a loop over two outlooks."""

from collections import Counter
from dataclasses import replace

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.workflow.insight.changes import Turn, changes
from alflow.workflow.model.kept import outlook
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


def written_out(workspace: Workspace, project: Project) -> dict[int, tuple[int, int, int]]:
    """Item -> its class before and after, and the known one, 0 for none, where the prediction turned."""
    before, after = outlook(workspace, project.id, 0), outlook(workspace, project.id, 2)
    with workspace.database.read() as tx:
        settled = outcomes.settled(tx, project.id)
        truths = items.truths(tx, project.id, Split.TEST)
    found = {}
    for row, item in enumerate(after.item_ids.tolist()):
        old, new = (one.class_ids[int(one.probabilities[row].argmax())] for one in (before, after))
        if old != new:
            found[item] = (old, new, settled.get(item, truths.get(item, 0)))
    return found


def kind(old: int, new: int, truth: int) -> Turn:
    if not truth:
        return Turn.UNKNOWN
    return Turn.FIXED if new == truth else Turn.BROKEN if old == truth else Turn.STILL_WRONG


def test_what_turned_is_what_turned(workspace: Workspace, after_two: Project) -> None:
    expected = written_out(workspace, after_two)
    assert expected  # a random model, taught two colours
    found = changes(workspace, after_two.id, 0, 2, limit=1_000)
    assert (found.n_images, found.n_turned) == (36, len(expected))
    assert {one.item_id: (one.before, one.after, one.class_id or 0) for one in found.images} == expected
    assert {one.item_id: one.turn for one in found.images} == {i: kind(*each) for i, each in expected.items()}
    assert found.counts == dict.fromkeys(Turn, 0) | Counter(kind(*each) for each in expected.values())
    assert {(a, b): n for a, b, n in found.moves} == Counter((old, new) for old, new, _ in expected.values())
    assert [one.p_after for one in found.images] == sorted((one.p_after for one in found.images), reverse=True)
    kept = outlook(workspace, after_two.id, 2)
    for one in found.images:
        assert one.p_after == pytest.approx(float(kept.probabilities[kept.rows([one.item_id])[0][0]].max()))


def test_a_part_is_a_part(workspace: Workspace, after_two: Project) -> None:
    whole = changes(workspace, after_two.id, 0, 2, limit=1_000)
    parts = [changes(workspace, after_two.id, 0, 2, split, limit=1_000) for split in Split]
    assert sum(part.n_turned for part in parts) == whole.n_turned
    for turn in Turn:
        found = changes(workspace, after_two.id, 0, 2, turn=turn, limit=1_000)
        assert [one.item_id for one in found.images] == [one.item_id for one in whole.images if one.turn is turn]
        assert (found.n_turned, found.counts) == (whole.n_turned, whole.counts)
    assert len(changes(workspace, after_two.id, 0, 2, limit=1).images) == 1


def test_between_a_round_and_itself_nothing_turns(workspace: Workspace, after_two: Project) -> None:
    found = changes(workspace, after_two.id, 2, 2)
    assert (found.n_images, found.n_turned, found.moves, found.images) == (36, 0, (), ())


def test_the_hidden_class_of_a_pool_image_stays_hidden(workspace: Workspace, after_two: Project) -> None:
    """It is there to answer back-tests with; annotators read this page too."""
    with workspace.database.read() as tx:
        settled = set(outcomes.settled(tx, after_two.id))
        hidden = {one.id for one in items.list_(tx, after_two.id, Split.POOL) if one.truth and one.id not in settled}
    found = changes(workspace, after_two.id, 0, 2, limit=1_000)
    assert all(one.class_id is None for one in found.images if one.item_id in hidden)
    with workspace.database.begin() as tx:
        items.change(tx, [replace(one, truth=None) for one in items.list_(tx, after_two.id, Split.TEST)])
    again = changes(workspace, after_two.id, 0, 2, limit=1_000)
    assert {one.item_id for one in again.images if one.class_id} <= settled
    assert all(one.is_labelled for one in again.images if one.class_id)
