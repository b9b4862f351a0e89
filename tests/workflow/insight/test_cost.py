"""What labels cost, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from alflow.domain.projects import Project
from alflow.store import tables
from alflow.workflow.insight.cost import cost
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace


@pytest.mark.slow
def test_answers_and_hours_by_round_and_person(workspace: Workspace, after_two: Project) -> None:
    with workspace.database.begin() as tx:
        first = tx.execute(tables.label.select().order_by(tables.label.c.id)).mappings().first()
        assert first is not None
        changed = {"seconds": 3599.0, "withdrawn_at": datetime.now(UTC)}
        tx.execute(update(tables.label).where(tables.label.c.id == first["id"]).values(changed))
    found = cost(workspace, after_two.id)
    assert found.settled == 7
    assert (found.total.answers, found.total.standing, found.total.seconds) == (8, 7, 3606)
    assert [(one.name, one.answers, one.seconds) for one in found.rounds] == [("1", 4, 3602), ("2", 4, 4)]
    assert [(one.name, one.answers, one.hours) for one in found.people] == [("tester", 8, pytest.approx(3606 / 3600))]
    until = cost(workspace, after_two.id, until=1)
    assert (until.total.answers, until.total.seconds) == (4, 3602)
    assert cost(workspace, after_two.id, until=0).total.answers == 0


def test_without_answers_nothing_was_spent(each_workspace: Workspace) -> None:
    project = create_project(each_workspace, "empty", "demo", "fp32", name_classes(["a", "b"]))
    found = cost(each_workspace, project.id)
    assert (found.settled, found.total.answers, found.total.seconds, found.rounds, found.people) == (0, 0, 0, (), ())
