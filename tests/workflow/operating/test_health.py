"""The parts of an installation: each is told on its own, whatever the others do."""

from datetime import UTC, datetime, timedelta
from shutil import rmtree

import pytest

from alflow.domain.projects import Project
from alflow.store.projects import troubles
from alflow.workflow.operating.figures import figures
from alflow.workflow.operating.health import Health, health
from alflow.workflow.projects.projects import create_project
from alflow.workflow.rounds.acquire import open_round
from alflow.workspace import Workspace
from tests.workflow.rounds.test_reasons import answer

WHOLE = Health(database=True, artifacts=True, schedule=True)


def test_the_schedule_counts_once_there_is_a_project(each_workspace: Workspace) -> None:
    assert health(each_workspace) == WHOLE
    project = create_project(each_workspace, "birds", "demo", "fp32")
    assert health(each_workspace) == Health(database=True, artifacts=True, schedule=False)
    for ago, works in ((timedelta(0), True), (timedelta(hours=1), False)):
        with each_workspace.database.begin() as tx:
            troubles.look(tx, project.id, datetime.now(UTC) - ago)
        assert health(each_workspace).schedule is works


def test_each_part_fails_alone(workspace: Workspace) -> None:
    home = workspace.settings.home
    (home / "artifacts").write_text("a file")
    assert health(workspace) == Health(database=True, artifacts=False, schedule=True)
    (home / "artifacts").unlink()
    workspace.database.close()
    for path in home.glob("alflow.db*"):
        path.unlink()
    (home / "alflow.db").write_text("no database" * 1000)
    assert health(workspace) == Health(database=False, artifacts=True, schedule=False)
    rmtree(home)
    assert not health(workspace).is_ok
    home.mkdir()


@pytest.mark.slow
def test_figures_count_what_is_asked_and_answered(workspace: Workspace, project: Project) -> None:
    (before,) = figures(workspace)
    assert (before.totals.answers, before.totals.votes_missing, before.lag) == (0, 0, None)
    open_round(workspace, project.id)
    (asked,) = figures(workspace)
    assert (asked.totals.answers, asked.totals.votes_missing) == (0, 4)
    assert {state.value: n for state, n in asked.totals.rounds.items()} == {"open": 1, "labelled": 0, "closed": 0}
    answer(workspace, project)
    (answered,) = figures(workspace)
    assert (answered.totals.answers, answered.totals.votes_missing) == (4, 0)
    assert {state.value: n for state, n in answered.totals.rounds.items()} == {"open": 0, "labelled": 1, "closed": 0}
