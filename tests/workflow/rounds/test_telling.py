"""What a run does is told while it goes on, and no longer; what somebody asks for is done by the next run, once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alflow.domain.projects import Project, ProjectState
from alflow.domain.rounds import RoundState
from alflow.domain.runs import Run, Step, Wish
from alflow.errors import AlflowError, ConflictError, StoppedError
from alflow.progress import Progress
from alflow.store.images import failures, items, watches
from alflow.store.projects import runs, troubles
from alflow.workflow.images.embed import EmbedReport, embed_missing
from alflow.workflow.images.embedded import due_ids
from alflow.workflow.images.watching import due_watches, watch
from alflow.workflow.projects.projects import change_settings, find_project
from alflow.workflow.projects.states import change_state
from alflow.workflow.rounds.activity import activity, time_left
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.due import Lookout
from alflow.workflow.rounds.review import round_summaries
from alflow.workflow.rounds.rollback import close_early, what_closing_does
from alflow.workflow.rounds.telling import SILENT, Telling, ask_for_run, telling
from alflow.workflow.rounds.waiting import awaited
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.counted import counted

pytestmark = pytest.mark.slow

LINK = "http://127.0.0.1:4200/runs/flow-run/1"


class Heard(Telling):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def step(self, step: Step, number: int | None = None) -> None:
        self.said.append(f"{step} {number}" if number else str(step))

    def detail(self, words: str) -> None:
        self.said.append(words)


@pytest.fixture
def project(each_workspace: Workspace, tmp_path: Path) -> Project:
    """Not embedded, and without a round."""
    return colour_project(each_workspace, tmp_path)


def told(workspace: Workspace, project: Project, run: Run, ago: timedelta = timedelta()) -> str:
    """What is said of a run that was heard of so long ago."""
    with workspace.database.begin() as tx:
        runs.tell(tx, project.id, run, datetime.now(UTC) - ago)
    now = activity(workspace, project.id)
    return ", ".join(filter(None, (now.words, now.left_in_words)))


def test_each_step_of_a_run_is_told(each_workspace: Workspace, project: Project) -> None:
    workspace, heard = each_workspace, Heard()
    advance(workspace, project.id, tell=heard)
    scored = ["images are scored (2 of 3)", "images are chosen (3 of 3)"]
    assert heard.said == ["take", "embed", "open 1", "the pretraining's posterior is estimated (1 of 3)", *scored]
    answer(workspace, project)
    heard.said.clear()
    advance(workspace, project.id, tell=heard)
    fitted = ["the model is fitted (2 of 3)", "the model is evaluated (3 of 3)"]
    assert heard.said == ["embed", "close 1", "images are read (1 of 3)", *fitted, "open 2", *scored]


def test_pages_hear_it_while_it_goes_on_and_no_longer(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace

    def embed(workspace: Workspace, project: Project, progress: Progress) -> EmbedReport:
        now = activity(workspace, project.id)
        assert (now.words, now.link) == ("Images are being embedded", LINK)
        assert awaited(workspace, project.id) == "the schedule: images are being embedded"
        return embed_missing(workspace, project, progress)

    assert activity(workspace, project.id).words == ""
    with telling(workspace, project.id, LINK) as tell:
        advance(workspace, project.id, embed=embed, tell=tell)
        assert activity(workspace, project.id).words == "Round 1 is being prepared: images are chosen (3 of 3)"
    with counted() as cost:
        ended = activity(workspace, project.id)
    assert (ended.words, ended.link, cost["statements"]) == ("", LINK, 1)


def test_how_far_it_is_and_how_long_it_takes_still(each_workspace: Workspace, project: Project) -> None:
    workspace, now = each_workspace, datetime.now(UTC)
    ago = now - timedelta(seconds=20)
    run = Run(Step.EMBED, None, "", 1_000, 3_000, ago, ago, None)
    assert told(workspace, project, run) == "Images are being embedded, 1,000 of 3,000, about 40 s left"
    assert told(workspace, project, replace(run, done=100)).endswith("100 of 3,000, about 10 minutes left")
    assert time_left(timedelta(hours=3, seconds=200)) == "about 3.1 hours left"
    assert told(workspace, project, replace(run, done=0)) == "Images are being embedded, 0 of 3,000"
    assert told(workspace, project, run, ago=SILENT + timedelta(seconds=1)) == ""  # it was killed
    closing = Run(Step.CLOSE, 3, "the model is fitted (2 of 3)", None, None, ago, now, None)
    assert told(workspace, project, closing) == "Round 3 is being closed: the model is fitted (2 of 3)"


def test_how_long_a_round_takes_is_known_from_those_before(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace
    for _ in range(2):
        advance(workspace, project.id)
        answer(workspace, project)
    advance(workspace, project.id)
    soon = datetime.now(UTC) + timedelta(seconds=1)  # as if the step was about to begin
    for step in (Step.CLOSE, Step.OPEN):
        assert told(workspace, project, Run(step, 3, "", None, None, soon, soon, None)).endswith("s left")


def test_a_run_ends_when_a_person_stops_the_project(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace
    with telling(workspace, project.id) as tell:
        tell.step(Step.EMBED)
        change_state(workspace, project.id, ProjectState.STOPPED)
        tell.progress(1, 2)  # not known yet
        with pytest.raises(StoppedError):
            tell.step(Step.CLOSE, 1)
        with pytest.raises(StoppedError):
            tell.progress(2, 2)
    assert activity(workspace, project.id).words == ""


def test_a_run_that_is_asked_for_waits_for_no_pause(each_workspace: Workspace, project: Project) -> None:
    workspace, now = each_workspace, datetime.now(UTC)
    advance(workspace, project.id)
    source = watch(workspace, project, str(workspace.settings.home / "colours/pool"))
    with workspace.database.begin() as tx:
        one = items.ids(tx, project.id)[0]
        failures.record(tx, {one: "it was away"}, now)
        watches.failed(tx, source.id, "it was away", now + timedelta(hours=1))
        troubles.record(tx, project.id, "the disk is full", now)
    lookout = Lookout(workspace)
    assert lookout.due() == []
    ask_for_run(workspace, project.id)
    first = lookout.due()
    assert [due.step for due in first] == [due.step for due in lookout.due()]  # until a run takes it
    assert first[0].step.startswith("run, as was asked for at ")
    assert [due.id for due in due_watches(workspace)] == [source.id]
    with workspace.database.read() as tx:
        assert failures.of_project(tx, project.id)[0].next_at <= datetime.now(UTC)
    assert due_ids(workspace, project) == []  # it has a row by now
    with telling(workspace, project.id) as tell:
        assert tell.wish is Wish.RUN
        advance(workspace, project.id, tell=tell)
    assert lookout.due() == []
    with telling(workspace, project.id) as tell:
        assert tell.wish is None
    ask_for_run(workspace, project.id)
    assert lookout.due()[0].step != first[0].step  # so that it is not taken for one that did nothing
    change_state(workspace, project.id, ProjectState.STOPPED)
    with pytest.raises(StoppedError):
        ask_for_run(workspace, project.id)


def test_a_round_is_opened_on_request_whatever_rule_stops_the_project(
    each_workspace: Workspace, project: Project
) -> None:
    workspace = each_workspace
    settings = replace(find_project(workspace, project.name).settings, max_labels=1)
    change_settings(workspace, project.id, settings)
    advance(workspace, project.id)
    answer(workspace, project)
    assert advance(workspace, project.id).done == ("closed round 1",)
    ask_for_run(workspace, project.id, Wish.OPEN)
    ask_for_run(workspace, project.id)  # which makes nobody forget the other
    with telling(workspace, project.id) as tell:
        assert advance(workspace, project.id, tell=tell).done == ("opened round 2",)


def test_a_round_is_closed_early_by_the_next_run(each_workspace: Workspace, project: Project) -> None:
    workspace = each_workspace
    with pytest.raises(AlflowError, match="no round yet"):
        what_closing_does(workspace, project.id)
    advance(workspace, project.id)
    said = what_closing_does(workspace, project.id, 1)
    assert said.startswith("round 1 is closed with the answers that there are, to 0 of its 4 images; the other 4 are")
    assert close_early(workspace, project.id, 1).state is RoundState.LABELLED
    assert close_early(workspace, project.id, 1).state is RoundState.LABELLED
    assert [due.step for due in Lookout(workspace).due()] == ["close round 1"]
    assert advance(workspace, project.id).done == ("closed round 1", "opened round 2")
    with pytest.raises(ConflictError, match="not the newest"):
        close_early(workspace, project.id, 1)
    asked = [summary.total for summary in round_summaries(workspace, project.id)]
    assert asked == [4, 4]  # other images
