"""What annotators read beside the image, guidelines and examples; and what they tell: comments, classes they miss."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alflow.domain import Split
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
    """The guidelines, with the newest items that people settled on as examples, and else labelled target items.

    Pool and test items whose class came with them are nobody's examples: they may be asked about, the test items to see
    how well people answer.

    Raises:
        NotFoundError: there is no such project.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
        settled = outcomes.settled(tx, project_id)
        known = items.truths(tx, project_id)
        targets = items.truths(tx, project_id, Split.TARGET)
    examples: defaultdict[ClassId, list[ItemId]] = defaultdict(list)
    people = [pair for pair in sorted(settled.items(), reverse=True) if pair[0] not in known]
    for item_id, class_id in [*people, *sorted(targets.items())]:
        if len(examples[class_id]) < EXAMPLES:
            examples[class_id].append(item_id)
    return Guidelines(project.guidelines, {class_id: tuple(found) for class_id, found in examples.items()})


@dataclass(frozen=True)
class Remarks:
    """What annotators tell: flagged images, comments, and the classes they miss with how often each was named."""

    remarks: Sequence[Remark]
    proposals: Mapping[str, int]


def remarks(workspace: Workspace, project_id: ProjectId, limit: int = 500) -> Remarks:
    """The newest remarks that stand; proposals that differ in capitals only count together."""
    with workspace.database.read() as tx:
        found = aside.remarks(tx, project_id, limit)
    counts = Counter(one.label.proposed_class.casefold() for one in found if one.label.proposed_class)
    return Remarks(found, dict(counts.most_common()))
