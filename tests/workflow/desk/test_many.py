"""Many annotators at once, and many answers."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from alflow.domain.answers import Verdict
from alflow.domain.rounds import RoundState
from alflow.settings import Settings
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace
from tests.at_desk import undo
from tests.hands import Hands
from tests.queues import open_queue
from tests.workflow.desk.answering import answer, ranks, standing, state

pytestmark = pytest.mark.slow


def cost(workspace: Workspace, work: Callable[[], Any]) -> tuple[list[Any], int]:
    """The statements that run, and on SQLite how many steps they take, in tens."""
    ran: list[Any] = []
    steps = count()

    def note(connection: Any, statement: Any, *_: Any) -> None:
        ran.append(statement)
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.set_progress_handler(lambda: next(steps) * 0, 10)

    event.listen(workspace.database._engine, "before_execute", note)
    work()
    event.remove(workspace.database._engine, "before_execute", note)
    return ran, next(steps)


def test_an_answer_costs_the_same_however_many_were_given(each_workspace: Workspace) -> None:
    """Every statement was built before, there are no more of them, and none passes what is answered."""
    world = open_queue(each_workspace.database, 400, votes=2, n_annotators=3)
    ada, bob, eve = (one.id for one in world.annotators)

    def give(who: int, rank: int) -> None:
        assert ranks(next_candidates(each_workspace, world.project.id, who, 3))[0] == rank
        submit(each_workspace, world.project.id, who, answer(world, rank, token=f"{who}-{rank}"))

    for rank in range(3):
        give(eve, rank)
    known, early = cost(each_workspace, lambda: give(eve, 3))
    with each_workspace.database.begin() as tx:
        for one in world.candidates[4:380]:
            for who in (ada, bob):
                ids = (world.project.id, one.item_id, one.id, world.round.id, who)
                labels.submit(tx, labels.NewLabel(*ids, Verdict.SKIP, None, datetime.now(UTC), 1.0, f"{ids}", {}))
    next_candidates(each_workspace, world.project.id, eve, 3)
    ran, late = cost(each_workspace, lambda: give(eve, 380))
    assert {id(one) for one in ran} <= {id(one) for one in known}
    assert len(ran) <= len(known)
    assert late <= 1.2 * early


def empty_the_queue(
    workspace: Workspace, project_id: int, annotator_id: int, seed: int, hands: Hands | None = None
) -> Iterator[tuple[int, str]]:
    """One annotator until nothing is left: (candidate, token) of each answer, after it was acknowledged."""
    random, numbers, hands = Random(seed), count(), hands or Hands(1_000)
    with workspace.database.read() as tx:
        classes = [one.id for one in projects.classes(tx, project_id)]
    idle = 0
    while idle < 3:
        hands.asks(annotator_id)
        entries = next_candidates(workspace, project_id, annotator_id, random.randint(1, 6))
        hands.gets(annotator_id, [entry.candidate.id for entry in entries])
        idle = 0 if entries else idle + 1
        for entry in entries[: random.randint(1, len(entries))] if entries else []:
            said = random.choice([*classes, None])
            verdict = Verdict.SKIP if said is None else Verdict.CLASS
            token = f"{annotator_id}-{next(numbers)}"
            hands.answers(annotator_id, entry.candidate.id)
            submit(workspace, project_id, annotator_id, Submission(token, entry.candidate.id, verdict, said, 0.5))
            yield entry.candidate.id, token
            if random.random() < 0.05:
                hands.takes_back(annotator_id, entry.candidate.id)
                undo(workspace, project_id, annotator_id, token)
                yield -entry.candidate.id, token


def acknowledged(answers: list[tuple[int, str]]) -> set[str]:
    """Tokens of the answers that were given and not taken back."""
    undone = {token for candidate, token in answers if candidate < 0}
    return {token for candidate, token in answers if candidate > 0 and token not in undone}


@pytest.mark.parametrize("votes", [1, 2])
def test_annotators_at_once_empty_the_queue_and_nothing_is_lost_or_twice(each_workspace: Workspace, votes: int) -> None:
    world = open_queue(each_workspace.database, 100, votes=votes, n_annotators=20)
    hands = Hands(votes)

    def work(number: int) -> list[tuple[int, str]]:
        return list(empty_the_queue(each_workspace, world.project.id, world.annotators[number].id, number, hands))

    with ThreadPoolExecutor(20) as pool:
        given = [one for answers in pool.map(work, range(20)) for one in answers]
    assert (hands.again, hands.crowded) == (0, 0)
    found = standing(each_workspace, world)
    assert {label.token for label in found} == acknowledged(given)
    per_candidate = Counter(label.candidate_id for label in found)
    assert per_candidate == {candidate.id: votes for candidate in world.candidates}
    assert len({(label.candidate_id, label.annotator_id) for label in found}) == len(found)
    assert state(each_workspace, world) is RoundState.LABELLED


def work_apart(home: str, url: str, project_id: int, annotator_id: int) -> list[tuple[int, str]]:
    workspace = Workspace.open(Settings(home=Path(home), database_url=url))
    return list(empty_the_queue(workspace, project_id, annotator_id, annotator_id))


def test_processes_at_once_empty_the_queue_too(each_workspace: Workspace, database_url: str, tmp_path: Path) -> None:
    world = open_queue(each_workspace.database, 120, votes=2, n_annotators=4)
    jobs = [(str(tmp_path), database_url, world.project.id, one.id) for one in world.annotators]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        given = [one for answers in pool.starmap(work_apart, jobs, chunksize=1) for one in answers]
    found = standing(each_workspace, world)
    assert {label.token for label in found} == acknowledged(given)
    assert Counter(label.candidate_id for label in found) == {one.id: 2 for one in world.candidates}
    assert state(each_workspace, world) is RoundState.LABELLED


def work_and_tell(home: str, url: str, project_id: int, annotator_id: int, told: Any) -> None:
    workspace = Workspace.open(Settings(home=Path(home), database_url=url))
    for _, token in empty_the_queue(workspace, project_id, annotator_id, 1):
        told.send(token)


def test_what_was_acknowledged_survives_a_killed_server(
    each_workspace: Workspace, database_url: str, tmp_path: Path
) -> None:
    world = open_queue(each_workspace.database, 500, n_annotators=2, lease_minutes=0.01)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    args = (str(tmp_path), database_url, world.project.id, world.annotators[0].id, sender)
    process = multiprocessing.get_context("spawn").Process(target=work_and_tell, args=args)
    process.start()
    told = {receiver.recv() for _ in range(50)}
    process.kill()
    process.join()
    while receiver.poll():
        told.add(receiver.recv())
    with each_workspace.database.read() as tx:
        stored = {label.token for label in labels.of_round(tx, world.round.id, withdrawn=True)}
    assert told <= stored
    assert len(stored) <= len(told) + 1  # one may have been stored and not told
    time.sleep(0.7)
    rest = list(empty_the_queue(each_workspace, world.project.id, world.annotators[1].id, 2))
    assert rest
    assert len(standing(each_workspace, world)) == 500
    assert state(each_workspace, world) is RoundState.LABELLED
