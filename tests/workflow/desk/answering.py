"""Short ways to give an answer, and to look at what became of it."""

from alflow.domain.answers import Label, Verdict
from alflow.domain.rounds import RoundState
from alflow.store.desk import labels
from alflow.store.rounds import rounds
from alflow.workflow.desk.queue import QueueEntry
from alflow.workflow.desk.submission import Submission
from alflow.workspace import Workspace
from tests.queues import World


def answer(world: World, rank: int, class_: int | None = 0, token: str = "") -> Submission:
    """The answer to the candidate at `rank`: class number `class_`, or None for a skip."""
    return Submission(
        token=token or f"token-{rank}",
        candidate_id=world.candidates[rank].id,
        verdict=Verdict.SKIP if class_ is None else Verdict.CLASS,
        class_id=None if class_ is None else world.classes[class_].id,
        seconds=1.25,
        shown={"suggestion": None},
    )


def state(workspace: Workspace, world: World) -> RoundState:
    with workspace.database.read() as tx:
        return rounds.by_id(tx, world.round.id).state


def standing(workspace: Workspace, world: World) -> list[Label]:
    with workspace.database.read() as tx:
        return labels.of_round(tx, world.round.id)


def close(workspace: Workspace, world: World) -> None:
    with workspace.database.begin() as tx:
        for step in (RoundState.LABELLED, RoundState.CLOSED):
            rounds.set_state(tx, world.round.id, step)


def ranks(entries: list[QueueEntry]) -> list[int]:
    return [entry.candidate.rank for entry in entries]
