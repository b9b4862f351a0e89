"""A project whose first round is open: the smallest world in which people can label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from alflow.domain.answers import Annotator
from alflow.domain.images import Item, Split
from alflow.domain.projects import ClassLabel, NewClass, Project, ProjectSettings
from alflow.domain.rounds import Candidate, Origin, Round
from alflow.ids import RoundId
from alflow.store import tables
from alflow.store.database import Database, Transaction
from alflow.store.images import items
from alflow.store.images.items import NewItem
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates as queued
from alflow.store.rounds import rounds
from alflow.store.rounds.candidates import NewCandidate

CLASSES = (NewClass("cat", "Cat", ("a cat", "a kitten"), "c"), NewClass("dog", "Dog", ("a dog",)))


@dataclass(frozen=True)
class World:
    """What `open_queue` made; `candidates` in rank order, the reserve last."""

    project: Project
    classes: Sequence[ClassLabel]
    items: Sequence[Item]
    round: Round
    candidates: Sequence[Candidate]
    annotators: Sequence[Annotator]


def open_queue(
    database: Database,
    size: int,
    *,
    votes: int = 1,
    n_annotators: int = 1,
    name: str = "pets",
    lease_minutes: float = 5.0,
    reserve: int = 0,
) -> World:
    """A project of `size` pool items, all candidates of its open round, the last ones of its reserve; annotators."""
    settings = ProjectSettings(votes=votes, lease_minutes=lease_minutes)
    with database.begin() as tx:
        project = projects.create(tx, name, "demo", "float32", settings)
        classes = projects.put_classes(tx, project.id, CLASSES)
        stored = items.add(tx, project.id, [new_item(number) for number in range(size)])
        round_ = open_round(tx, project)
        new = [new_candidate(item, rank, classes, votes) for rank, item in enumerate(stored)]
        behind = [replace(one, origin=Origin.RESERVE) for one in new[size - reserve :]]
        queued.add(tx, round_.id, [*new[: size - reserve], *behind])
        candidates = all_candidates(tx, round_.id)
        people = [annotators.get_or_create(tx, f"annotator {number}") for number in range(n_annotators)]
    return World(project, classes, stored, round_, candidates, people)


def all_candidates(tx: Transaction, round_id: RoundId) -> list[Candidate]:
    """In rank order, with all of the reserve."""
    rows = select(tables.candidate).where(tables.candidate.c.round_id == round_id).order_by(tables.candidate.c.rank)
    return [queued.candidate_of(row) for row in tx.execute(rows).mappings()]


def new_item(number: int, split: Split = Split.POOL, truth: int | None = None) -> NewItem:
    """Item number so-and-so."""
    return NewItem(f"{number:064x}", f"/images/{number}.png", split, 640, 480, truth)


def new_candidate(item: Item, rank: int, classes: Sequence[ClassLabel], votes: int = 1) -> NewCandidate:
    """A candidate whose numbers follow from its rank."""
    first, second = classes[0].id, classes[1].id
    return NewCandidate(
        item.id, rank, Origin.STRATEGY, 1.0 / (rank + 1), first, {first: 0.75, second: 0.25}, 0.1, 0.5, votes
    )


def open_round(tx: Transaction, project: Project) -> Round:
    """The next round of the project."""
    return rounds.open_(
        tx, project.id, strategy="default", budget=20, seed=7, configuration={"votes": 1}, hashes={"posterior": "abc"}
    )
