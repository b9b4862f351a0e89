"""What opening and closing a round read: the database in one look, the note of the encoder and every shard once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from torch import Tensor

from alflow.domain.answers import Verdict
from alflow.domain.projects import Project
from alflow.domain.rounds import RoundState
from alflow.store.artifacts import Artifacts
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images import embed
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.rounds import evaluate
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import learning_curve
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow


class Counted(Artifacts):
    """Artifacts that count what is read of them: the note of the encoder, shards, classes."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read_bytes(self, name: str) -> bytes:
        self.reads[name.rsplit("/", 1)[-1]] += 1
        return super().read_bytes(name)

    def read_tensors(
        self, name: str, *, check: bool = True, lengths: Mapping[str, int] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        self.reads[name.split("/")[-2] if "/embeddings/" not in name else "shards"] += 1
        return super().read_tensors(name, check=check, lengths=lengths)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Statements, those that read the classes, and transactions, of all databases."""
    counts: Counter[str] = Counter()

    def statement(_: Connection, __: Any, text: str, *___: Any) -> None:
        if not text.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            counts["statements"] += 1
            counts["classes"] += "FROM class_label" in text

    def begun(_: Connection) -> None:
        counts["transactions"] += 1

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "begin", begun)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "begin", begun)


@pytest.fixture
def watched(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, Project]:
    """A project of six shards, in a workspace that counts."""
    monkeypatch.setattr(embed, "SHARD_ITEMS", 6)
    small = replace(workspace, settings=workspace.settings.model_copy(update={"batch_size": 6}))
    project = colour_project(small, tmp_path)
    embed_missing(small, project)
    return replace(workspace, artifacts=Counted(workspace.settings.artifacts)), project


def reads(workspace: Workspace) -> dict[str, int]:
    """What was read since the last call, of the artifacts that grow with the project, and the note of the encoder."""
    assert isinstance(workspace.artifacts, Counted)
    seen = {name: workspace.artifacts.reads[name] for name in ("encoder.json", "shards", "classes")}
    workspace.artifacts.reads.clear()
    return seen


@pytest.mark.parametrize("held", [False, True], ids=["without towers", "with towers in memory"])
def test_a_round_reads_everything_once(watched: tuple[Workspace, Project], held: bool) -> None:
    workspace, project = watched
    once = {"encoder.json": 1, "shards": 6, "classes": 1}
    if not held:
        workspace = replace(workspace, _encoders={}, _kept={})
    for number in (1, 2):
        with counted() as asked:
            round_ = open_round(workspace, project.id)
        assert reads(workspace) == once | {"encoder.json": 2}  # once to see that no image of the pool is missing
        # Two looks, one write; at the first opening the zero-shot model is judged as well.
        # Reasons are written, and at the close read and written.
        assert (asked["transactions"], asked["classes"]) == (4 if number == 1 else 3, 1)
        assert asked["statements"] <= 23  # among them: what is accepted, the reserve, who is told
        answer(workspace, project)
        with counted() as asked:
            assert close_round(workspace, project.id, round_.id).state is RoundState.CLOSED
        assert reads(workspace) == once
        assert (asked["transactions"], asked["classes"]) == (2, 1)
        assert asked["statements"] <= 21  # among them: was it closed or dropped meanwhile, who is told


def test_an_early_close_fits_the_answers_that_came_until_nobody_was_asked_any_more(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_ = open_round(workspace, project.id)
    required = evaluate.require_usable

    def while_somebody_answers(project: Project) -> None:  # after the first look, before the round is marked
        required(project)
        annotator = sign_in(workspace, "tester")
        for entry in next_candidates(workspace, project.id, annotator.id)[:2]:
            one = entry.candidate.id
            submit(workspace, project.id, annotator.id, Submission(f"{one}", one, Verdict.CLASS, entry.item.truth, 1.0))

    monkeypatch.setattr(evaluate, "require_usable", while_somebody_answers)
    close_round(workspace, project.id, round_.id, early=True)
    after = next(
        each for each in learning_curve(workspace, project.id) if (each.round_number, each.split) == (1, "test")
    )
    assert after.n_labels == 2
