"""The newest fit once more, equal to the one that was lost: the same labels, prompts, posterior, frame and seed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from alflow.domain.projects import Project
from alflow.domain.rounds import Round, RoundState
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.workflow.model.model import fit_support, load_rows, model_of, save_fit
from alflow.workflow.model.source import last_fit
from alflow.workflow.rounds.moment import Moment, look
from alflow.workflow.rounds.record import Record, read_record
from alflow.workspace import Workspace


def fit_again(workspace: Workspace, project_id: ProjectId) -> bool:
    """Fit the newest fit again and keep it, where what it was made of is known; whether it was.

    A fit is named by the hash of its labels and of what it starts from: so labels that were changed or taken back since
    count as they stood when it was made, and what cannot be told any more is not guessed.

    Raises:
        AlflowError: something that it is made of cannot be read.
    """
    with workspace.database.read() as tx:
        now = look(tx, project_id)
    fit = last_fit(now.rounds)
    if fit is None:
        return False
    lost = next(one for one in now.rounds if one.state is RoundState.CLOSED and one.hashes.get("fit") == fit)
    after = next((one for one in now.rounds if one.number > lost.number), None)
    known = None if after is None else _record(workspace, now.project, after)
    project, classes = now.project, now.classes
    if after is not None:  # it was planned with that fit, in the same moment or the next
        settings = project.settings
        if known is not None and known.known is not None:
            settings = replace(settings, pretraining_weight=known.known.pretraining_weight)
        project = replace(project, posterior=after.hashes["posterior"], settings=settings)
        classes = [one for one in classes if one.id in after.configuration["class_ids"]]
    zero_shot = model_of(workspace, project, classes)
    for labels in _labels(workspace, now, lost):
        support = replace(now, settled=labels).support(zero_shot.class_ids)
        (rows,) = load_rows(workspace, project, zero_shot, list(support))
        support = {item: support[item] for item in rows.item_ids.tolist()}
        if digest(hashes=zero_shot.hashes, support=list(support.items()), seed=lost.seed) == fit:
            break
    else:
        return False
    if known is not None and known.known is not None and known.fit == fit:
        zero_shot = replace(zero_shot, model=replace(zero_shot.model, frame=known.known.frame))
    fitted = fit_support(zero_shot, rows, list(support.values()), lost.seed)
    save_fit(workspace, project, fit, fitted, support, lost.seed)
    return True


def _labels(workspace: Workspace, now: Moment, lost: Round) -> Iterator[Mapping[ItemId, ClassId]]:
    """Those of now, and as they stood when its queue was answered and when it was closed."""
    yield now.settled
    for moment in (lost.learned_until, lost.closed_at):
        with workspace.database.read() as tx:
            yield outcomes.evidence(tx, now.project.id, moment)


def _record(workspace: Workspace, project: Project, round_: Round) -> Record | None:
    try:
        return read_record(workspace, project, round_)
    except (InvalidInputError, NotFoundError):
        return None
