"""Which pairs of classes are taken for one another: by people, who answer differently, and by the model.

The model's confusions are those of fits that have not seen the label (`alflow.workflow.insight.doubts`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from alflow.domain.answers import Adjudication
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import adjudications, votes
from alflow.store.answers.votes import Answer
from alflow.workflow.insight.doubts import Doubts
from alflow.workspace import Workspace

EXAMPLES = 6
"""Images of each pair."""

Pair = tuple[ClassId, ClassId]
"""Two classes, the smaller id first."""


@dataclass(frozen=True)
class Confusion:
    """Two classes that are taken for one another.

    Attributes:
        pair: the classes.
        model: labels that name one of them where the model holds the other.
        people: images that people answered with both, or that a reviewer settled as the other one.
        item_ids: some of these images, those of people first, then the most doubtful.
    """

    pair: Pair
    model: int
    people: int
    item_ids: tuple[ItemId, ...]


def confusions(workspace: Workspace, project_id: ProjectId, found: Doubts) -> list[Confusion]:
    """The pairs, the most often confused first; `found` is what the model doubts."""
    with workspace.database.read() as tx:
        answers, decided = votes.standing(tx, project_id), adjudications.standing(tx, project_id)
    people, model = _of_people(answers, decided), _of_model(found)
    every = [
        Confusion(pair, len(model[pair]), len(people[pair]), _some(people[pair], model[pair]))
        for pair in {*people, *model}
    ]
    return sorted(every, key=lambda one: (-one.model - one.people, -one.people, one.pair))


def _of_people(answers: Iterable[Answer], decided: Mapping[ItemId, Adjudication]) -> defaultdict[Pair, list[ItemId]]:
    named: defaultdict[ItemId, set[ClassId]] = defaultdict(set)
    for answer in answers:
        if answer.class_id is not None and answer.follows is None:
            named[answer.item_id].add(answer.class_id)
    for item, one in decided.items():
        if one.class_id is not None:
            named[item].add(one.class_id)
    found: defaultdict[Pair, list[ItemId]] = defaultdict(list)
    for item, classes in sorted(named.items()):
        for pair in combinations(sorted(classes), 2):
            found[pair].append(item)
    return found


def _of_model(found: Doubts) -> defaultdict[Pair, list[ItemId]]:
    pairs: defaultdict[Pair, list[ItemId]] = defaultdict(list)
    against = found.where(found.odds < 0)
    for one in against.top(len(against)):
        first, second = sorted((one.given, one.held))
        pairs[first, second].append(one.item_id)
    return pairs


def _some(people: Sequence[ItemId], model: Sequence[ItemId]) -> tuple[ItemId, ...]:
    return tuple(Counter([*people, *model]))[:EXAMPLES]
