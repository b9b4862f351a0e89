"""What the pages ask every few seconds, on projects that have grown: seconds, and whether they stay below .2 s.

A project is written as bulk rows: no model, no picture. Its images lie in shards of width 4, since nothing is read of
them but their ids.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project, ProjectSettings
from alflow.domain.rounds import Evaluation, Origin, RoundState
from alflow.embeddings import LastLayers
from alflow.ids import ItemId
from alflow.settings import Settings
from alflow.store.database import Transaction
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.images.items import NewItem
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import candidates, evaluations, rounds
from alflow.store.rounds.candidates import NewCandidate
from alflow.workflow.answers.relabel import advise
from alflow.workflow.images import shards
from alflow.workflow.insight.worth import worth
from alflow.workflow.rounds import review
from alflow.workspace import Workspace
from tests.bench.harness import Row, at_most, case, seconds, sized

ENCODER, SHARD = "0" * 64, 1024
REFRESH, ONCE = 0.2, 1.0


@case
def grown() -> Iterator[Row]:
    """A million images, 200 rounds of 50 candidates, 22 classes."""
    yield from _pages(sized(1_000_000), 22, sized(200), 50)


@case
def many_classes() -> Iterator[Row]:
    """A thousand classes, 100 rounds of 100 candidates."""
    yield from _pages(20_000, sized(1_000), sized(100), 100)


def _pages(n_items: int, n_classes: int, n_rounds: int, size: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Settings(home=Path(folder)))
        project = build(workspace, n_items, n_classes, n_rounds, size)
        about = f"{n_items:,} images, {n_classes:,} classes, {n_rounds} rounds"
        yield from measured(workspace, project, about)
        close(workspace, project)
        yield from measured(workspace, project, f"{about}, all closed")
        workspace.database.close()


def measured(workspace: Workspace, project: Project, about: str) -> Iterator[Row]:
    """Medians of five, after the first."""
    asked = {
        "overview": lambda: review.overview(workspace, project.id),
        "round summaries": lambda: review.round_summaries(workspace, project.id),
        "learning curve": lambda: review.learning_curve(workspace, project.id),
        "worth of labels": lambda: worth(workspace, project.id),
    }
    for name, ask in asked.items():
        first = seconds(ask)
        yield at_most(f"{name}: {about}", median(seconds(ask) for _ in range(5)), REFRESH)
        yield at_most(f"{name}, the first time: {about}", first, ONCE)
    advise(workspace, project.id, 100)  # as the run does that opens a round
    yield at_most(f"another vote or a new image: {about}", seconds(lambda: advise(workspace, project.id, 100)), ONCE)


def build(workspace: Workspace, n_items: int, n_classes: int, n_rounds: int, size: int) -> Project:
    """A project whose rounds are answered by one person, all closed but for the last, of which half is."""
    with workspace.database.begin() as tx:
        project = projects.create(tx, "grown", "demo", "fp32", ProjectSettings(budget=size))
        names = [NewClass(f"class-{number}", f"Class {number}", (f"a {number}",)) for number in range(n_classes)]
        class_ids = [one.id for one in projects.put_classes(tx, project.id, names)]
    layers = LastLayers(torch.eye(4), torch.eye(4), 1.0)
    shards.remember_encoder(workspace, project, ENCODER, layers)
    ids: list[ItemId] = []
    for start in range(0, n_items, SHARD):
        ids += _images(workspace, project, range(start, min(start + SHARD, n_items)), class_ids)
    with workspace.database.begin() as tx:
        who = annotators.get_or_create(tx, "bench").id
        for number in range(n_rounds):
            wanted = ids[4_000 + number * size : 4_000 + (number + 1) * size]
            _round(tx, project, wanted, class_ids, who, answered=size if number < n_rounds - 1 else size // 2)
    return project


def close(workspace: Workspace, project: Project) -> None:
    """Answer what is left of the last round, and close it."""
    with workspace.database.begin() as tx:
        current = rounds.current(tx, project.id)
        assert current is not None
        who = annotators.get_or_create(tx, "bench").id
        for one in candidates.of_round(tx, current.id):
            if not one.answers:
                _answer(tx, project, current.id, one.id, one.item_id, one.predicted_class_id, who)
        for state in (RoundState.LABELLED, RoundState.CLOSED):
            rounds.set_state(tx, current.id, state)


def _images(workspace: Workspace, project: Project, numbers: range, class_ids: list[int]) -> list[ItemId]:
    new = [
        NewItem(f"{n:064x}", f"bench/{n}.jpg", _split(n), 64, 64, class_ids[n % len(class_ids)] if n < 4_000 else None)
        for n in numbers
    ]
    with workspace.database.begin() as tx:
        ids = [one.id for one in items.add(tx, project.id, new)]
    name = f"{shards.folder(project, ENCODER)}/{numbers[0]:064x}.safetensors"
    workspace.artifacts.write_tensors(name, {"item_ids": torch.tensor(ids), "values": torch.zeros(len(ids), 4)})
    return ids


def _split(number: int) -> Split:
    return Split.TARGET if number < 2_000 else Split.TEST if number < 4_000 else Split.POOL


def _round(
    tx: Transaction, project: Project, ids: list[ItemId], class_ids: list[int], who: int, *, answered: int
) -> None:
    chances = {each: 1 / len(class_ids) for each in class_ids}
    configuration = {
        "votes": 1,
        "near_duplicates": 0,
        "novel_share": 0.1,
        "n_pool": len(ids),
        "class_ids": class_ids,
        "class_deviations": {str(each): 0.123456789 for each in class_ids},
        "novelty": {str(each): 1.23456789 for each in ids},
    }
    made = rounds.open_(
        tx, project.id, strategy="default", budget=len(ids), seed=1, configuration=configuration, hashes={}
    )
    new = [
        NewCandidate(
            each, rank, Origin.CONTROL if rank % 10 == 0 else Origin.STRATEGY, 1.0, class_ids[0], chances, 0.1, 0.5
        )
        for rank, each in enumerate(ids)
    ]
    candidates.add(tx, made.id, new)
    queue = candidates.of_round(tx, made.id)
    for one in queue[:answered]:
        _answer(tx, project, made.id, one.id, one.item_id, class_ids[one.id % len(class_ids)], who)
    if answered == len(queue):
        for state in (RoundState.LABELLED, RoundState.CLOSED):
            rounds.set_state(tx, made.id, state)
    for split in ("test", "control"):
        metrics = dict.fromkeys(("accuracy", "nlpd", "ece", "brier"), (0.5, 0.4, 0.6))
        evaluations.add(
            tx, Evaluation(project.id, made.number, split, made.number * len(ids), 100, metrics, datetime.now(UTC))
        )


def _answer(
    tx: Transaction, project: Project, round_id: int, candidate_id: int, item_id: int, class_id: int, who: int
) -> None:
    labels.submit(
        tx,
        labels.NewLabel(
            project_id=project.id,
            item_id=item_id,
            candidate_id=candidate_id,
            round_id=round_id,
            annotator_id=who,
            verdict=Verdict.CLASS,
            class_id=class_id,
            at=datetime.now(UTC),
            seconds=1.0,
            token=f"bench {candidate_id}",
            shown={},
        ),
    )
