"""Guidelines and examples, which annotators read beside the image; and their remarks: comments, classes they miss."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alflow.domain.images import Split
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.desk import aside
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workspace import Workspace

EXAMPLES = 4
"""Images of each class."""

Remark = aside.Remark


@dataclass(frozen=True)
class Guidelines:
    """Markdown, and class id -> ids of items that show the class."""

    text: str
    examples: Mapping[ClassId, tuple[ItemId, ...]]


def guidelines(workspace: Workspace, project_id: ProjectId) -> Guidelines:
    """The guidelines, with examples of each class: the newest items that people have settled, then target items.

    Pool and test items that were imported with a class are no examples, because annotators may be asked about them: a
    test item may be a check.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        settled = outcomes.evidence(tx, project_id)  # near copies would show the same picture again
        known = items.truths(tx, project_id)
        targets = items.truths(tx, project_id, Split.TARGET)
    examples: defaultdict[ClassId, list[ItemId]] = defaultdict(list)
    people = [pair for pair in sorted(settled.items(), reverse=True) if pair[0] not in known]
    for item_id, class_id in [*people, *sorted(targets.items())]:
        if len(examples[class_id]) < EXAMPLES:
            examples[class_id].append(item_id)
    return Guidelines(project.guidelines, {class_id: tuple(ids) for class_id, ids in examples.items()})


@dataclass(frozen=True)
class Remarks:
    """What annotators report: flagged images, comments, and the classes they miss, each with how often it was named."""

    remarks: Sequence[Remark]
    proposals: Mapping[str, int]


def remarks(workspace: Workspace, project_id: ProjectId, limit: int = 500) -> Remarks:
    """The newest remarks that stand; proposed names that differ only in upper and lower case count as one."""
    with workspace.database.read() as tx:
        newest = aside.remarks(tx, project_id, limit)
    counts = Counter(one.label.proposed_class.casefold() for one in newest if one.label.proposed_class)
    return Remarks(newest, dict(counts.most_common()))
