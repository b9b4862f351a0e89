"""Two projects to look at: `demo`, fresh with its first round open, and `demo-history`, five rounds on.

Both use the shipped model on rendered OpenMoji drawings; nothing comes from the network. Every step can be killed and
run again: what exists is left as it is.
"""

from pathlib import Path
from random import Random

from alflow.demo.captions import PROMPT
from alflow.demo.pool import CLASS_NAMES, write_pool
from alflow.domain.answers import Verdict
from alflow.domain.projects import ClassLabel, Project, ProjectSettings
from alflow.domain.rounds import RoundState
from alflow.errors import NotFoundError
from alflow.private import private_folder
from alflow.progress import Progress, silent
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import QueueEntry, next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, find_project, name_classes, project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace

FRESH, HISTORY = "demo", "demo-history"
ROUNDS = 5
ANNOTATOR = "simulated annotator"
ERROR_RATE = 0.05

_STEPS = 3 + ROUNDS


def prepare(workspace: Workspace, progress: Progress = silent) -> None:
    """Make both projects, or finish what an earlier run began.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    images = Path(workspace.settings.home) / "demo-images"
    private_folder(images)
    manifest = write_pool(images)
    progress(1, _STEPS)
    fresh, history = (_project(workspace, name, manifest) for name in (FRESH, HISTORY))
    progress(2, _STEPS)
    if not round_summaries(workspace, fresh.id):
        open_round(workspace, fresh.id)
    progress(3, _STEPS)
    for done in range(_closed_rounds(workspace, history), ROUNDS):
        _play_round(workspace, history)
        progress(4 + done, _STEPS)


def _project(workspace: Workspace, name: str, manifest: Path) -> Project:
    try:
        project = find_project(workspace, name)
    except NotFoundError:
        classes = name_classes(CLASS_NAMES, (PROMPT,))
        project = create_project(workspace, name, "demo", "fp32", classes, ProjectSettings())
    import_items(workspace, project, str(manifest))
    embed_missing(workspace, project)
    return project


def _closed_rounds(workspace: Workspace, project: Project) -> int:
    summaries = round_summaries(workspace, project.id)
    return sum(summary.round.state is RoundState.CLOSED for summary in summaries)


def _play_round(workspace: Workspace, project: Project) -> None:
    """Open a round, answer all of it as somebody who is wrong now and then, and close it."""
    opened = open_round(workspace, project.id)
    annotator = sign_in(workspace, ANNOTATOR)
    classes = project_classes(workspace, project.id)
    while queue := next_candidates(workspace, project.id, annotator.id):
        for entry in queue:
            submit(workspace, project.id, annotator.id, _answer(entry, classes))
    close_round(workspace, project.id, opened.id)


def _answer(entry: QueueEntry, classes: list[ClassLabel]) -> Submission:
    """The true class, or in one of twenty answers any other; the same for the same image in every run."""
    dice = Random(entry.item.content_hash)
    truth = entry.item.truth
    others = [label.id for label in classes if label.id != truth]
    answer = dice.choice(others) if truth is None or dice.random() < ERROR_RATE else truth
    return Submission(
        token=f"{ANNOTATOR} {entry.candidate.id}",
        candidate_id=entry.candidate.id,
        verdict=Verdict.CLASS,
        class_id=answer,
        seconds=round(dice.uniform(0.8, 3.5), 2),
        shown={"by": ANNOTATOR},
    )
