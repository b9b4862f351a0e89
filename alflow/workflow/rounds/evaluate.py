"""Evaluate a model on the test split and on the control slice, and close the round."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bootstrap import all_metrics
from alflow.domain.images import Split
from alflow.domain.messages import Event
from alflow.domain.projects import Project
from alflow.domain.rounds import Evaluation, Round, RoundState
from alflow.embeddings import Embeddings
from alflow.errors import ConflictError
from alflow.ids import ClassId, ProjectId, RoundId
from alflow.progress import Detail, untold
from alflow.store.rounds import evaluations, reasons, rounds
from alflow.workflow.model.model import ProjectModel, load_rows, model_of
from alflow.workflow.projects.settings import require_usable
from alflow.workflow.projects.states import require_active
from alflow.workflow.rounds.fit import fit_round
from alflow.workflow.rounds.hindrances import reason_to_stop
from alflow.workflow.rounds.moment import Moment, look
from alflow.workflow.rounds.reasons import realised_gains
from alflow.workspace import Workspace

_log = logging.getLogger(__name__)


def close_round(
    workspace: Workspace, project_id: ProjectId, round_id: RoundId, *, early: bool = False, detail: Detail = untold
) -> Round:
    """Fit, evaluate, and close; a round that is closed already is returned as it is.

    Args:
        early: close a round whose queue is not answered yet, with the labels that there are.
        detail: takes what of it is done now.

    Raises:
        ConflictError: the queue is not answered yet (and not `early`), an answer changed meanwhile, or the project is
            stopped.
    """
    with workspace.database.read() as tx:
        now, known = look(tx, project_id), reasons.of_round(tx, round_id)
        done, total = rounds.answered(tx, round_id)
    project, round_ = now.project, now.round(round_id)
    if round_.state is RoundState.CLOSED:
        return round_
    require_usable(project)
    require_active(project)
    complete = round_.held and done == total
    if round_.state is RoundState.OPEN and not early and not complete:
        raise ConflictError(
            f"round {round_.number} of project '{project.name}' is still being labelled: "
            "wait for the queue, or close it early (`alflow round close --early`)"
        )
    if round_.state is RoundState.OPEN:
        with workspace.database.begin() as tx:
            rounds.set_state(tx, round_id, RoundState.LABELLED)
        with workspace.database.read() as tx:  # read again: answers may have arrived until now
            now = look(tx, project_id)
        round_ = now.round(round_id)
    detail("images are read (1 of 3)")
    zero_shot = model_of(workspace, project, now.classes)
    groups = (now.support(zero_shot.class_ids), now.judges(zero_shot.class_ids))
    support, test = load_rows(workspace, project, zero_shot, *map(list, groups))
    detail("the model is fitted (2 of 3)")
    model = fit_round(workspace, now, round_, zero_shot, support)
    detail("the model is evaluated (3 of 3)")
    found = [evaluate_test(now, model, test, round_.number, len(now.settled)), evaluate_control(now, round_)]
    gains = realised_gains(workspace, now, round_, known)
    with workspace.database.begin() as tx:
        if (found_now := rounds.lock(tx, round_id)).state is RoundState.CLOSED:  # by another run, or dropped meanwhile
            return found_now
        reasons.realise(tx, round_id, gains)
        for evaluation in found:
            if evaluation is not None:
                evaluations.add(tx, evaluation)
        rounds.add_hashes(tx, round_id, {name: made for name, made in model.hashes.items() if name == "fit"})
        closed = rounds.set_state(tx, round_id, RoundState.CLOSED, labelled_at=round_.labelled_at)
        why = reason_to_stop(tx, project)
        closed = rounds.note_stop(tx, closed, why)
        if why is not None:
            rounds.tell(tx, closed, Event.STOP, f"No further round is opened: {why.partition(': ')[2]}.")
    _log.info("closed a round", extra={"project": project.id, "round": closed.number})
    return closed


def evaluate_zero_shot(workspace: Workspace, now: Moment, model: ProjectModel, test: Embeddings) -> None:
    """Round 0: the model before any label, on the rows of the test split (if there are any)."""
    evaluation = evaluate_test(now, model, test, round_number=0, n_labels=0)
    if evaluation is not None:
        with workspace.database.begin() as tx:
            evaluations.add(tx, evaluation)


def evaluate_test(
    now: Moment, model: ProjectModel, test: Embeddings, round_number: int, n_labels: int
) -> Evaluation | None:
    """Metrics of the predictions for the rows of test items whose class is known; None where there are none."""
    if not len(test):
        return None
    known = predicted_test(now, model, test, model.believe(test.activations).probabilities)
    return _evaluation(now.project, round_number, Split.TEST.value, n_labels, known)


def evaluate_control(now: Moment, round_: Round) -> Evaluation | None:
    """Metrics on every control item so far, by the probabilities stored before its label was known.

    An unbiased look at the pool: the items were drawn at random, and no model saw the answer it is judged by. The
    probabilities of each round are those of the model before that round.
    """
    known = predicted_control(now, round_)
    if known is None:
        return None
    return _evaluation(now.project, round_.number, "control", int(round_.configuration["n_labels"]), known)


@dataclass(frozen=True)
class Predicted:
    """Images whose class is known, and what was predicted of them.

    Attributes:
        item_ids: once each.
        class_ids: in the order of the columns.
        probabilities: rows sum to one.
        labels: the known classes, as columns.
    """

    item_ids: Int64[Tensor, " N"]
    class_ids: tuple[ClassId, ...]
    probabilities: Float[Tensor, "N C"]
    labels: Int64[Tensor, " N"]


def predicted_test(
    now: Moment, model: ProjectModel, test: Embeddings, probabilities: Float[Tensor, "N C"]
) -> Predicted:
    """The rows of test items whose class is known, with these predictions."""
    known = model.columns([now.truths[item] for item in test.item_ids.tolist()])
    return Predicted(test.item_ids, model.class_ids, probabilities, known)


def predicted_control(now: Moment, round_: Round) -> Predicted | None:
    """The control items of all rounds until this one that are settled, by the probabilities that were stored.

    An item that is asked about again counts once, as it was drawn. Of classes that a round did not know, there are no
    probabilities: its items do not count once a later round has more classes. None where no item counts.
    """
    until = {one.id for one in now.rounds if one.number <= round_.number}
    drawn = {c.item_id: c for c in now.controls if c.round_id in until}.values()
    class_ids = tuple(round_.configuration["class_ids"])
    known = [c for c in drawn if now.settled.get(c.item_id) in class_ids and set(class_ids) <= set(c.probabilities)]
    if not known:
        return None
    return Predicted(
        torch.tensor([c.item_id for c in known]),
        class_ids,
        torch.tensor([[c.probabilities[class_id] for class_id in class_ids] for c in known]),
        torch.tensor([class_ids.index(now.settled[c.item_id]) for c in known]),
    )


def _evaluation(project: Project, round_number: int, split: str, n_labels: int, known: Predicted) -> Evaluation:
    metrics = all_metrics(known.probabilities, known.labels, resampling(project))
    return Evaluation(project.id, round_number, split, n_labels, len(known.labels), dict(metrics), datetime.now(UTC))


def resampling(project: Project) -> torch.Generator:
    """What the intervals of a project's metrics are drawn with: the same for all, so that they can be compared."""
    return torch.Generator().manual_seed(project.settings.seed)
