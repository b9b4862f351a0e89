"""Six images with hard names, and answers that agree, differ, abstain and were withdrawn; no model is needed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item, Split
from alflow.domain.projects import Project
from alflow.ids import ClassId
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.workflow.answers.dataset import Exported, export_dataset
from alflow.workflow.images.pool import import_items
from alflow.workspace import Workspace
from tests import tiny

NAMES: Final = ("a/x.png", "b/x.png", 'Häß & "q" <i>.png', "=1+1.png", "目標.png", "last test.png")
ANN: Final = 'Zoë & "co"'
START: Final = datetime(2026, 11, 28, 12, 30, 15, 250_000, tzinfo=UTC)


@dataclass(frozen=True)
class Voted:
    """The project and its images: four of the pool, one target, one of the test split whose class came with it."""

    workspace: Workspace
    project: Project
    items: list[Item]

    def export(self, folder: str | Path, layout: str, *, unlabelled: bool = False) -> Exported:
        """Write the data set."""
        return export_dataset(self.workspace, self.project.id, folder, layout, unlabelled=unlabelled)


def voted(workspace: Workspace, project: Project, folder: Path) -> Voted:
    """The images, and the answers: cat + dog; dog (withdrawn), then cat; skip + none; nothing; nothing; nothing."""
    splits = [Split.POOL] * 4 + [Split.TARGET, Split.TEST]
    for seed, (name, split) in enumerate(zip(NAMES, splits, strict=True)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tiny.write_picture(folder / name, seed)
        import_items(workspace, project, str(folder / name), split)
    with workspace.database.begin() as tx:
        cat, dog = (one.id for one in projects.classes(tx, project.id)[:2])
        found = items.list_(tx, project.id)
        items.change(tx, [replace(found[5], truth=dog)])
        answers: list[tuple[int, str, Verdict, ClassId | None, str]] = [
            (0, ANN, Verdict.CLASS, cat, "clear\nto me"),
            (0, "bob", Verdict.CLASS, dog, ""),
            (1, ANN, Verdict.CLASS, dog, ""),
            (1, ANN, Verdict.CLASS, cat, ""),
            (2, ANN, Verdict.SKIP, None, ""),
            (2, "bob", Verdict.NONE, None, ""),
        ]
        for number, (place, name, verdict, class_id, comment) in enumerate(answers):
            who, at = annotators.get_or_create(tx, name).id, START + timedelta(minutes=number)
            new = NewLabel(
                project_id=project.id,
                item_id=found[place].id,
                candidate_id=None,
                round_id=None,
                annotator_id=who,
                verdict=verdict,
                class_id=class_id,
                at=at,
                seconds=1.5,
                token=f"voted {number}",
                shown={},
                comment=comment,
                proposed_class="fox" if verdict is Verdict.NONE else "",
            )
            label = labels.submit(tx, new)
            if number == 2:
                labels.withdraw(tx, label.id, at)
        return Voted(workspace, project, items.list_(tx, project.id))
