"""A project of two colours whose whole pool is labelled, some of it wrongly."""

from collections.abc import Collection, Sequence
from pathlib import Path

from alflow.domain.answers import Verdict
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.ids import ItemId
from alflow.store.images import items
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import colour_project


def pool_of(workspace: Workspace, project: Project) -> Sequence[Item]:
    with workspace.database.read() as tx:
        return items.list_(tx, project.id, Split.POOL)


def answer_wrongly(workspace: Workspace, project: Project, wrong: Collection[ItemId]) -> int:
    """Answer everything that is asked, these images with the other class."""
    annotator = sign_in(workspace, "tester")
    class_ids = [one.id for one in project_classes(workspace, project.id)]
    done = 0
    while queue := next_candidates(workspace, project.id, annotator.id, extra=False):
        for entry in queue:
            truth = entry.item.truth
            other = next(one for one in class_ids if one != truth)
            said = other if entry.item.id in wrong else truth
            given = Submission(f"answer {entry.candidate.id}", entry.candidate.id, Verdict.CLASS, said, 1.0)
            submit(workspace, project.id, annotator.id, given)
            done += 1
    return done


def labelled_project(workspace: Workspace, folder: Path, n_wrong: int = 2) -> tuple[Project, list[ItemId]]:
    """Twelve labels in one closed round, of which the first so many of the pool are wrong; and these images."""
    project = colour_project(workspace, folder, budget=12)
    embed_missing(workspace, project)
    opened = open_round(workspace, project.id)
    wrong = [item.id for item in pool_of(workspace, project)][:n_wrong]
    assert answer_wrongly(workspace, project, wrong) == 12
    close_round(workspace, project.id, opened.id)
    return project, wrong
