"""Judge a model on the test split and on the control slice, and close the round."""

from collections.abc import Sequence
from datetime import UTC, datetime

import torch

from alflow.domain import Candidate, Evaluation, Origin, Project, Round, RoundState, Split
from alflow.errors import ConflictError
from alflow.metrics import all_metrics
from alflow.store.answers import outcomes
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embed import load_embeddings
from alflow.workflow.model.model import ProjectModel
from alflow.workflow.projects.settings import require_usable
from alflow.workflow.rounds.fit import fit_round
from alflow.workspace import Workspace


def close_round(workspace: Workspace, project_id: int, round_id: int, *, early: bool = False) -> Round:
    """Fit, evaluate, and close; a round that is closed already is returned as it is.

    Args:
        early: close a round whose queue is not answered yet, with the labels that there are.

    Raises:
        ConflictError: the queue is not answered yet (and not `early`), or an answer changed meanwhile.
    """
    with workspace.database.read() as tx:
        project, round_ = projects.by_id(tx, project_id), rounds.by_id(tx, round_id)
        n_labels = len(outcomes.settled(tx, project_id))
    if round_.state is RoundState.CLOSED:
        return round_
    require_usable(project)
    if round_.state is RoundState.OPEN and not early:
        raise ConflictError(
            f"round {round_.number} of project '{project.name}' is still being labelled: "
            "wait for the queue, or close it early (`alflow round close --early`)"
        )
    if round_.state is RoundState.OPEN:
        with workspace.database.begin() as tx:
            round_ = rounds.set_state(tx, round_id, RoundState.LABELLED)
    model = fit_round(workspace, project, round_)
    found = [evaluate_test(workspace, project, model, round_.number, n_labels)]
    found.append(evaluate_control(workspace, project, round_))
    with workspace.database.begin() as tx:
        for evaluation in found:
            if evaluation is not None:
                rounds.add_evaluation(tx, evaluation)
        rounds.add_hashes(tx, round_id, {name: made for name, made in model.hashes.items() if name == "fit"})
        return rounds.set_state(tx, round_id, RoundState.CLOSED, labelled_at=round_.labelled_at)


def evaluate_zero_shot(workspace: Workspace, project: Project, model: ProjectModel) -> None:
    """Round 0: the model before any label, on the test split (if there is one)."""
    evaluation = evaluate_test(workspace, project, model, round_number=0, n_labels=0)
    if evaluation is not None:
        with workspace.database.begin() as tx:
            rounds.add_evaluation(tx, evaluation)


def evaluate_test(
    workspace: Workspace, project: Project, model: ProjectModel, round_number: int, n_labels: int
) -> Evaluation | None:
    """Metrics of the posterior predictive on the test items whose class is known; None where there are none."""
    with workspace.database.read() as tx:
        truths = items.truths(tx, project.id, Split.TEST)
    truths = {item: truth for item, truth in truths.items() if truth in model.class_ids}
    rows = load_embeddings(workspace, project, sorted(truths))
    if not len(rows):
        return None
    known = model.columns([truths[item] for item in rows.item_ids.tolist()])
    probabilities = model.believe(rows.activations).probabilities
    return _evaluation(project, round_number, Split.TEST.value, n_labels, probabilities, known)


def evaluate_control(workspace: Workspace, project: Project, round_: Round) -> Evaluation | None:
    """Metrics on every control item so far, by the probabilities stored before its label was known.

    An unbiased look at the pool: the items were drawn at random, and no model saw the answer it is judged by. The
    probabilities of each round are those of the model before that round. An item that is asked about again counts once,
    as it was drawn.
    """
    with workspace.database.read() as tx:
        settled = outcomes.settled(tx, project.id)
        past = [done for done in rounds.all_(tx, project.id) if done.number <= round_.number]
        newest_first = [c for done in reversed(past) for c in rounds.candidates(tx, done.id)]
    drawn = {c.item_id: c for c in newest_first if c.origin is Origin.CONTROL}.values()
    class_ids = tuple(round_.configuration["class_ids"])
    judged = [c for c in drawn if settled.get(c.item_id) in class_ids and set(class_ids) <= set(c.probabilities)]
    if not judged:
        return None
    known = torch.tensor([class_ids.index(settled[c.item_id]) for c in judged])
    n_before = int(round_.configuration["n_labels"])
    return _evaluation(project, round_.number, "control", n_before, _stored(judged, class_ids), known)


def _stored(candidates: Sequence[Candidate], class_ids: Sequence[int]) -> torch.Tensor:
    return torch.tensor([[c.probabilities[class_id] for class_id in class_ids] for c in candidates])


def _evaluation(
    project: Project, round_number: int, split: str, n_labels: int, probabilities: torch.Tensor, known: torch.Tensor
) -> Evaluation:
    generator = torch.Generator().manual_seed(project.settings.seed)
    metrics = all_metrics(probabilities, known, generator)
    return Evaluation(project.id, round_number, split, n_labels, len(known), dict(metrics), datetime.now(UTC))
