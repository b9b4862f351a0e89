"""Many images answered at once: all or a reason for each, one token, taken back in one step."""

from dataclasses import replace

import pytest

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.store.answers import outcomes
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.answers.together import answer_together, take_back_together
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def by(workspace: Workspace) -> int:
    return sign_in(workspace, "eve").id


@pytest.fixture
def world(workspace: Workspace, project: Project) -> tuple[list[int], list[int]]:
    """Pool items, and classes."""
    with workspace.database.read() as tx:
        return items.ids(tx, project.id, Split.POOL), [one.id for one in projects.classes(tx, project.id)]


def settled(workspace: Workspace, project: Project) -> dict[int, int]:
    with workspace.database.read() as tx:
        return dict(outcomes.settled(tx, project.id))


def test_the_pool_is_answered_and_what_is_elsewhere_or_asked_stays(
    workspace: Workspace, project: Project, by: int, world: tuple[list[int], list[int]]
) -> None:
    pool, (red, blue) = world
    opened = open_round(workspace, project.id)
    with workspace.database.read() as tx:
        asked, target = items.asked(tx, opened.id), items.ids(tx, project.id, Split.TARGET)
        free = sorted(set(pool) - asked)
    first = answer_together(workspace, project.id, by, [free[0], free[0], free[1]], red)
    assert first.answered == (free[0], free[1])
    second = answer_together(workspace, project.id, by, [free[0], free[2], min(asked), target[0]], blue)
    assert second.answered == (free[2],)
    assert second.refused == {
        free[0]: "has an answer: change it on its History page",
        min(asked): "is in the open round: answer it on the desk",
        target[0]: "belongs to the target split: only images of the pool are answered",
    }
    assert settled(workspace, project) == {free[0]: red, free[1]: red, free[2]: blue}
    with workspace.database.read() as tx:
        given = {one.item_id: one for one in labels.of_project(tx, project.id)}
    assert given[free[0]].shown == {"image": "thumbnail", "together": 2}
    assert {one.annotator_id for one in given.values()} == {by}
    assert take_back_together(workspace, project.id, sign_in(workspace, "bo").id, first.token, first.answered) == 0
    assert take_back_together(workspace, project.id, by, first.token, first.answered) == 2
    assert take_back_together(workspace, project.id, by, first.token, first.answered) == 0
    assert settled(workspace, project) == {free[2]: blue}
    assert answer_together(workspace, project.id, by, free[:1], blue).answered == (free[0],)


def test_what_cannot_be_answered_at_once_says_why(
    workspace: Workspace, project: Project, by: int, world: tuple[list[int], list[int]]
) -> None:
    pool, (red, _) = world
    cases: list[tuple[list[int], int, type[AlflowError], str]] = [
        ([], red, InvalidInputError, "no image is selected"),
        (list(range(1, 202)), red, InvalidInputError, "200 images at most are answered at once: select fewer"),
        (pool[:1], 10**6, InvalidInputError, "no such class: reload the page"),
        ([10**9], red, NotFoundError, "no image has the number"),
    ]
    for ids, class_id, kind, words in cases:
        with pytest.raises(kind, match=words):
            answer_together(workspace, project.id, by, ids, class_id)
    change_settings(workspace, project.id, replace(project.settings, votes=2))
    with pytest.raises(ConflictError, match="wants 2 votes for an image: send them to the queue"):
        answer_together(workspace, project.id, by, pool[:1], red)
    assert settled(workspace, project) == {}
