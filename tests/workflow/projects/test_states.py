"""While a project is stopped or archived, nothing runs for it and nobody is asked; what was answered is stored."""

from pathlib import Path

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project, ProjectState
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, StoppedError
from alflow.progress import Progress
from alflow.store.images import watches
from alflow.workflow.desk.exchange import exchange
from alflow.workflow.desk.grid_exchange import grid_exchange
from alflow.workflow.desk.messages import Answer, Wish
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import EmbedReport, embed_missing
from alflow.workflow.images.watching import due_watches, watch
from alflow.workflow.operating.health import health
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import find_project, list_projects, listed_projects
from alflow.workflow.projects.states import change_state
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.due import Lookout, due
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import round_summaries
from alflow.workflow.rounds.waiting import awaited, waiting
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow

NOT_ACTIVE = pytest.mark.parametrize("state", [ProjectState.STOPPED, ProjectState.ARCHIVED])


@pytest.fixture
def project(each_workspace: Workspace, tmp_path: Path) -> Project:
    """Not embedded, and without a round."""
    return colour_project(each_workspace, tmp_path)


@NOT_ACTIVE
def test_no_run_is_due_and_none_does_anything(each_workspace: Workspace, project: Project, state: ProjectState) -> None:
    workspace = each_workspace
    source = watch(workspace, project, str(workspace.settings.home / "colours/pool"))
    with workspace.database.begin() as tx:
        watches.failed(tx, source.id, "it was away", source.added_at)
    lookout = Lookout(workspace)
    assert [one.project.id for one in lookout.due()] == [project.id]
    stopped = change_state(workspace, project.id, state)
    assert (stopped, find_project(workspace, project.name)) == (stopped, stopped)
    assert (lookout.due(), due(workspace), lookout.seen) == ([], [], ())
    with pytest.raises(ConflictError, match=rf"'colours' is {state}: let it go on first \(`alflow project resume`\)"):
        advance(workspace, project.id)
    with pytest.raises(ConflictError, match=f"is {state}"):
        open_round(workspace, project.id)
    found = waiting(workspace, project.id)
    assert (found.words.partition(" (")[0], found.trouble) == (f"nobody: the project is {state}", None)
    assert due_watches(workspace) == []
    assert health(workspace).schedule  # nothing has to look
    assert [one.id for one in list_projects(workspace)] == [project.id]
    assert bool(listed_projects(workspace)) == (state is ProjectState.STOPPED)
    change_state(workspace, project.id, ProjectState.ACTIVE)
    assert [one.project.id for one in lookout.due()] == [project.id]
    assert len(due_watches(workspace)) == 1


def test_nobody_is_asked_and_answers_on_their_way_are_stored(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace
    advance(workspace, project.id)
    ada = sign_in(workspace, "Ada").id
    on_screen, *_ = next_candidates(workspace, project.id, ada)
    change_state(workspace, project.id, ProjectState.STOPPED)
    given = Submission("t", on_screen.candidate.id, Verdict.CLASS, on_screen.item.truth, 1.0)
    reply = exchange(workspace, project.id, ada, [Answer("t", given)], Wish())
    assert (reply.acknowledgements[0].refusal, reply.queue, reply.project.is_active) == (None, [], False)
    assert exchange(workspace, project.id, ada, [], Wish(queue=Verdict.SKIP)).queue == []
    assert next_candidates(workspace, project.id, ada) == []
    grid = grid_exchange(workspace, project.id, ada, None)
    assert (grid.page, grid.waiting, grid.is_stopped) == (None, {}, True)
    assert [one.answered for one in round_summaries(workspace, project.id)] == [1]
    change_state(workspace, project.id, ProjectState.ACTIVE)
    assert len(next_candidates(workspace, project.id, ada, extra=False)) == 3
    assert not grid_exchange(workspace, project.id, ada, None).is_stopped


def test_a_run_that_goes_on_ends_before_its_next_step_and_is_no_trouble(
    each_workspace: Workspace, project: Project
) -> None:
    workspace = each_workspace

    def embed(workspace: Workspace, project: Project, progress: Progress) -> EmbedReport:
        change_state(workspace, project.id, ProjectState.STOPPED)
        return embed_missing(workspace, project, progress)

    with pytest.raises(StoppedError):
        advance(workspace, project.id, embed=embed)
    assert round_summaries(workspace, project.id) == []
    assert waiting(workspace, project.id).trouble is None
    change_state(workspace, project.id, ProjectState.ACTIVE)
    assert advance(workspace, project.id).done == ("opened round 1",)


def test_a_round_is_closed_once_the_project_goes_on(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace
    advance(workspace, project.id)
    answer(workspace, project)
    (summary,) = round_summaries(workspace, project.id)
    assert summary.round.state is RoundState.LABELLED
    change_state(workspace, project.id, ProjectState.STOPPED)
    assert due(workspace) == []
    assert str(awaited(workspace, project.id)).startswith("nobody: the project is stopped")
    with pytest.raises(ConflictError, match="is stopped"):
        close_round(workspace, project.id, summary.round.id)
    change_state(workspace, project.id, ProjectState.ACTIVE)
    assert "closed round 1" in advance(workspace, project.id).done
