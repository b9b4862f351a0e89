"""What the map is coloured by, against the same read one image at a time."""

import numpy as np
import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.store.answers import outcomes
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.map import make_map
from alflow.workflow.insight.marks import NOBODY, SEVERAL, Marks, Opinion, marks, version
from alflow.workflow.insight.slices import make_slice
from alflow.workflow.model.kept import outlook
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import answer, paint

pytestmark = pytest.mark.slow


def seen(workspace: Workspace, project: Project) -> Marks:
    found = marks(workspace, project.id)
    assert found is not None
    return found


def say(workspace: Workspace, project: Project, who: str, item: int, verdict: Verdict, class_id: int | None) -> None:
    by = sign_in(workspace, who).id
    given = NewLabel(project.id, item, None, None, by, verdict, class_id, project.created_at, 1.0, f"{who} {item}", {})
    with workspace.database.begin() as tx:
        labels.submit(tx, given)


def test_without_a_map_there_are_none(workspace: Workspace, project: Project) -> None:
    assert marks(workspace, project.id) is None


def test_each_column_says_what_the_store_says(workspace: Workspace, project: Project) -> None:
    make_map(workspace, project.id)
    opened = open_round(workspace, project.id)
    answer(workspace, project)
    close_round(workspace, project.id, opened.id)
    with workspace.database.read() as tx:
        every, classes = items.list_(tx, project.id), [one.id for one in projects.classes(tx, project.id)]
        settled, asked = outcomes.settled(tx, project.id), items.asked(tx, opened.id)
    make_slice(workspace, project.id, sign_in(workspace, "eve").id, "some", [every[4].id, every[1].id])
    found, believed = seen(workspace, project), outlook(workspace, project.id)
    assert found.layout.item_ids.tolist() == [one.id for one in every]
    assert (found.number, found.unpredicted, found.classes, found.annotators) == (1, "", ("red", "blue"), ("tester",))
    for row, item in enumerate(every):
        assert items.SPLITS[found.splits[row]] is item.split
        known = item.truth if item.split is Split.TEST else settled.get(item.id)
        assert found.labels[row] == (NOBODY if known is None else classes.index(known))
        probabilities = believed.probabilities[row]
        assert found.predictions[row] == int(probabilities.argmax())
        assert found.total[row] == pytest.approx(float(believed.total[row]))
        assert found.epistemic[row] == pytest.approx(float(believed.epistemic[row]))
        assert found.rounds[row] == int(item.id in asked)
        assert found.people[row] == (0 if item.id in asked else NOBODY)
        right = item.id in settled and classes[found.predictions[row]] == settled[item.id]
        wanted = Opinion.SILENT if item.id not in settled else Opinion.AGREED if right else Opinion.DIFFERS
        assert found.opinions[row] == wanted
    ((one, rows),) = found.slices.items()
    assert (one.name, rows.tolist()) == ("some", [1, 4])


def test_people_who_differ_reject_or_abstain(workspace: Workspace, project: Project) -> None:
    make_map(workspace, project.id)
    with workspace.database.read() as tx:
        pool, (red, blue) = items.ids(tx, project.id, Split.POOL), [one.id for one in projects.classes(tx, project.id)]
    said = {
        pool[0]: [(Verdict.CLASS, red), (Verdict.CLASS, blue)],
        pool[1]: [(Verdict.BAD, None)],
        pool[2]: [(Verdict.NONE, None), (Verdict.CLASS, red)],
        pool[3]: [(Verdict.SKIP, None), (Verdict.UNSURE, None)],
        pool[4]: [(Verdict.NONE, None), (Verdict.NONE, None)],
    }
    for item, given in said.items():
        for who, (verdict, class_id) in zip(("ada", "bo"), given, strict=False):
            say(workspace, project, who, item, verdict, class_id)
    found = seen(workspace, project)
    rows = {item: row for row, item in enumerate(found.layout.item_ids.tolist())}
    wanted = [Opinion.DISPUTED, Opinion.REJECTED, Opinion.DISPUTED, Opinion.SILENT, Opinion.REJECTED]
    assert [found.opinions[rows[item]] for item in said] == wanted
    assert [found.people[rows[item]] for item in said] == [SEVERAL, 0, SEVERAL, SEVERAL, SEVERAL]
    assert found.annotators == ("ada", "bo")


def test_a_project_that_cannot_predict_yet_has_a_map_all_the_same(workspace: Workspace, project: Project) -> None:
    """No posterior: the reason is told, and every other column is there."""
    with workspace.database.begin() as tx:
        projects.set_posterior(tx, project.id, None)
    make_map(workspace, project.id)
    found = seen(workspace, project)
    assert found.number is None
    assert "has no posterior yet" in found.unpredicted
    assert (found.predictions == NOBODY).all()
    assert np.isnan(found.total).all()
    assert len(found) == 36


def test_the_version_changes_with_what_is_shown_and_with_nothing_else(
    workspace: Workspace, project: Project, tmp_path: object
) -> None:
    make_map(workspace, project.id)
    before = version(workspace, project.id)
    assert version(workspace, project.id) == before
    with workspace.database.read() as tx:
        pool, (red, _) = items.ids(tx, project.id, Split.POOL), [one.id for one in projects.classes(tx, project.id)]

    def more() -> None:
        import_items(workspace, project, str(paint(tmp_path / "more", 1, 9)), Split.POOL)  # type: ignore[operator]
        embed_missing(workspace, project)

    changes = [
        lambda: say(workspace, project, "ada", pool[0], Verdict.CLASS, red),
        lambda: make_slice(workspace, project.id, sign_in(workspace, "eve").id, "some", pool[:2]),
        lambda: open_round(workspace, project.id),
        more,
    ]
    found = [before]
    for change in changes:
        change()
        found.append(version(workspace, project.id))
    assert len(set(found)) == len(found)
