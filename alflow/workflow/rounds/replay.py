"""Plan a past round once more from what was kept with it, and compare picks, order and scores with what it asked about.

Nothing is written. Inputs whose bytes changed are refused by name; what cannot be known of a round by an older alflow
is said.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isclose
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Candidate, Origin, Round
from alflow.errors import ConflictError
from alflow.ids import ItemId, ProjectId
from alflow.store.answers import certificates, outcomes
from alflow.store.artifacts import Artifacts, digest
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.store.rounds.candidates import NewCandidate
from alflow.workflow.images.embedded import remembered_encoder
from alflow.workflow.model.model import ProjectModel, model_of
from alflow.workflow.model.source import fit_path, posterior_path
from alflow.workflow.rounds.plan import Plan, plan_round
from alflow.workflow.rounds.question import Groups, ask_about
from alflow.workflow.rounds.record import Record, checksums, code_of, read_record
from alflow.workspace import Workspace

RTOL: Final = 1e-4
"""Scores of two machines may differ by this much of the larger one."""

_NEAR_ZERO: Final = 1e-6
"""Scores that differ by less than this share of the largest one are the same: differences of large numbers."""


class Outcome(StrEnum):
    """Picks, order and scores bit for bit; the scores, and picks but for ties, within `RTOL`; or not."""

    IDENTICAL = "identical"
    CLOSE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Replay:
    """What a round asked about, against what it would ask about now.

    Attributes:
        round_number: which.
        outcome: in a word.
        n_picks: how many images it asked about by itself; those that a person sent to its queue, and those of its
            reserve, do not count.
        n_scores: images of its pool that have a score.
        gone: picked then and not now, in the order of the queue.
        new: picked now and not then.
        same_order: whether the queues are the same, image by image.
        ties: whether all that differs in picks and order are images whose scores tie within the tolerance.
        largest_difference: of two scores of an image.
        largest_relative: the same as a share of the larger of the two.
        reasons: what has changed since that may be why.
        unchecked: what is not known of the round's inputs, so that today's were used.
    """

    round_number: int
    outcome: Outcome
    n_picks: int
    n_scores: int
    gone: tuple[ItemId, ...]
    new: tuple[ItemId, ...]
    same_order: bool
    ties: bool
    largest_difference: float
    largest_relative: float
    reasons: tuple[str, ...]
    unchecked: tuple[str, ...]


@dataclass(frozen=True)
class _Past:
    """A round, its inputs, images that arrived in its pool since, and what of it is unknown or was made anew.

    Those of `paged` were on a page of the grid while it was planned, so that none of them became a control.
    """

    project: Project
    classes: Sequence[ClassLabel]
    round: Round
    record: Record
    queue: Sequence[Candidate]
    paged: Collection[ItemId]
    groups: Groups
    accepted: Sequence[ItemId]
    arrived: int
    unchecked: Sequence[str] = ()
    anew: Sequence[str] = ()


def replay(workspace: Workspace, project_id: ProjectId, number: int) -> Replay:
    """Plan the round of that number again, and say whether that is what it asked about.

    Raises:
        NotFoundError: there is no such round, or its record, fit or posterior was lost.
        ConflictError: an input is not what the round was planned from; the message names it.
        InvalidInputError: the record is damaged.
    """
    reading = replace(workspace, artifacts=Artifacts(workspace.settings.artifacts, read_only=True), _kept={})
    past = _past(reading, project_id, number)
    past = replace(past, anew=_require_same(reading, past))
    model = _model(reading, past)
    about = ask_about(reading, past.project, model, past.round.number - 1, past.groups)
    if missing := len(past.record.item_ids) - len(about.item_ids):
        raise ConflictError(
            _refusal(past, f"{missing} of the {len(past.record.item_ids)} images of its pool have no embedding now")
        )
    plan = plan_round(past.project, model, about, past.round.seed, past.accepted)
    return _compared(past, plan)


def _past(workspace: Workspace, project_id: ProjectId, number: int) -> _Past:
    with workspace.database.read() as tx:
        stored, classes = projects.by_id(tx, project_id), {one.id: one for one in projects.classes(tx, project_id)}
        round_ = rounds.by_number(tx, project_id, number)
        queue = candidates.of_round(tx, round_.id)
        target, settled = items.ids(tx, project_id, Split.TARGET), sorted(outcomes.evidence(tx, project_id))
        accepted = list(certificates.accepted(tx, project_id))
        asked = {each.number: items.asked(tx, each.id) for each in rounds.all_(tx, project_id)}
        pool = items.ids(tx, project_id, Split.POOL)
    if "dropped_at" in round_.configuration:
        raise ConflictError(
            f"round {number} cannot be replayed: it was dropped, and with it most of what it asked about"
        )
    record, configuration = read_record(workspace, stored, round_), round_.configuration
    known, of_pool = record.known, set(record.item_ids.tolist())
    later = [found for each, found in asked.items() if each >= number]
    newest = max(of_pool.union(*(found for each, found in asked.items() if each < number)), default=0)
    if gone := [one for one in configuration["class_ids"] if one not in classes]:
        raise ConflictError(f"round {number} cannot be replayed: {len(gone)} of its classes were removed since")
    settings = replace(
        stored.settings,
        strategy=round_.strategy,
        budget=round_.budget,
        reserve=0,
        control_fraction=configuration["control_fraction"],
        votes=configuration["votes"],
        pretraining_weight=stored.settings.pretraining_weight if known is None else known.pretraining_weight,
    )
    past = _Past(
        project=replace(stored, settings=settings, posterior=round_.hashes["posterior"]),
        classes=[classes[one] for one in configuration["class_ids"]],
        round=round_,
        record=record,
        queue=[one for one in queue if one.item_id in of_pool and one.origin in {Origin.STRATEGY, Origin.CONTROL}],
        paged={one.item_id for one in queue if one.origin is Origin.GRID},
        groups=Groups(
            record.item_ids.tolist(), target, [item for item in settled if not any(item in asked for asked in later)]
        ),
        accepted=accepted,
        arrived=sum(item > newest for item in pool),
    )
    if known is None:
        return replace(past, unchecked=_unknown(past))
    groups = replace(past.groups, target=known.target_ids, labelled=known.labelled_ids)
    return replace(past, groups=groups, accepted=known.spared_ids)


def _unknown(past: _Past) -> tuple[str, ...]:
    """What an older alflow did not keep of the round."""
    then, now = (past.round.configuration[name] for name in ("n_labels", "n_target")), past.groups
    counts = [
        f"{word}: it had {before}, and those of today are {len(each)}"
        for word, before, each in zip(("labelled images", "targets"), then, (now.labelled, now.target), strict=True)
    ]
    return (
        "the round was opened by an older alflow, which kept less of what it was planned from",
        *counts,
        "accepted images, the pretraining weight and where the images lay: those of today were used",
        "the bytes of embeddings and of the fit: they had no checksums",
        "versions of alflow and of the strategy: they were not kept",
    )


def _require_same(workspace: Workspace, past: _Past) -> list[str]:
    """Are the inputs those of the round, as far as that can be known? Returns the artifacts that were lost.

    Raises:
        ConflictError: one is not; the message names it.
    """
    hashes, known = past.round.hashes, past.record.known
    encoder = remembered_encoder(workspace, past.project)
    if encoder != hashes["encoder"]:
        which = f"({_short(encoder)}, then {_short(hashes['encoder'])})"
        raise ConflictError(_refusal(past, f"the images are embedded by another encoder {which}"))
    if digest(prompts=[list(one.prompts) for one in past.classes]) != hashes["prompts"]:
        texts = [digest(prompts=list(one.prompts))[:16] for one in past.classes]
        then = texts if known is None else known.texts
        changed = [one.display_name for one, now, was in zip(past.classes, texts, then, strict=True) if now != was]
        whose = f" ({', '.join(changed)})" if changed else ""
        raise ConflictError(_refusal(past, f"the prompts of its classes changed{whose}"))
    _require_kept(workspace, past)
    if known is None:
        return []
    found = checksums(workspace, past.project, _hashes(past), past.classes)
    changed = [name for name, was in known.checksums.items() if found.get(name, was) != was]
    if changed:
        name, more = changed[0], f" and of {len(changed) - 1} more" if len(changed) > 1 else ""
        sums = f"SHA-256 {_short(found[name])}, then {_short(known.checksums[name])}"
        where = workspace.artifacts.path(name)
        raise ConflictError(
            _refusal(past, f"the bytes of {where}{more} changed since ({sums}): bring the file back from a backup")
        )
    return [name for name in known.checksums if name not in found]


def _require_kept(workspace: Workspace, past: _Past) -> None:
    hashes = past.round.hashes
    fit = past.record.fit
    needed = {posterior_path(hashes["posterior"]): "its posterior"}
    needed |= {} if fit is None else {fit_path(past.project.id, fit): "the fit before it"}
    for name, what in needed.items():
        if not workspace.artifacts.exists(name):
            raise ConflictError(
                _refusal(past, f"{what} was lost: bring back {workspace.artifacts.path(name)} from a backup")
            )


def _hashes(past: _Past) -> dict[str, str]:
    """Of the model before the round; a closed round has the fit after it."""
    before = {name: past.round.hashes[name] for name in ("encoder", "prompts", "posterior")}
    return before | ({} if past.record.fit is None else {"fit": past.record.fit})


def _model(workspace: Workspace, past: _Past) -> ProjectModel:
    model, known = model_of(workspace, past.project, past.classes, past.record.fit), past.record.known
    if known is None or torch.equal(known.frame.centre, model.model.frame.centre):
        return model
    named = model.hashes | {"frame": digest(centre=known.frame.centre.tolist(), radius=known.frame.radius)}
    return replace(model, model=replace(model.model, frame=known.frame), hashes=named)


def _compared(past: _Past, plan: Plan) -> Replay:
    then, now = past.record.scores.double(), plan.scores.double()
    same, close, largest, relative = _scores(then, now)
    planned = [one for one in plan.candidates if one.origin is not Origin.CONTROL or one.item_id not in past.paged]
    was, is_ = [one.item_id for one in past.queue], [one.item_id for one in planned]
    same_order = was == is_ and [one.origin for one in past.queue] == [one.origin for one in planned]
    ties = same_order or _tie(past.queue, planned)
    outcome = Outcome.IDENTICAL if same and same_order else Outcome.CLOSE if close and ties else Outcome.DIFFERENT
    return Replay(
        past.round.number,
        outcome,
        len(was),
        int(then.isfinite().sum()),
        tuple(item for item in was if item not in set(is_)),
        tuple(item for item in is_ if item not in set(was)),
        same_order,
        ties and not same_order,
        largest,
        relative,
        (*_changes(past), *_left_out(len(plan.candidates) - len(planned))),
        tuple(past.unchecked),
    )


def _scores(then: Float[Tensor, " N"], now: Float[Tensor, " N"]) -> tuple[bool, bool, float, float]:
    """Are they equal, are they within the tolerance, and the largest difference, absolute and relative."""
    scored = then.isfinite() & now.isfinite()
    alike = torch.equal(then.isnan(), now.isnan()) and torch.equal(
        then[~scored].nan_to_num(), now[~scored].nan_to_num()
    )
    a, b = then[scored], now[scored]
    apart, size = (a - b).abs(), torch.maximum(a.abs(), b.abs())
    if not len(a):
        return alike, alike, 0.0, 0.0
    near = bool((apart <= RTOL * size + _NEAR_ZERO * size.max()).all())
    relative = float((apart / size.clamp_min(torch.finfo(size.dtype).tiny)).max())
    return alike and not float(apart.max()), alike and near, float(apart.max()), relative


def _tie(then: Sequence[Candidate], now: Sequence[NewCandidate]) -> bool:
    """Whether scores agree place by place and image by image, with the control images at the same places."""
    if [one.origin for one in then] != [one.origin for one in now]:
        return False
    score_of = {one.item_id: one.score for one in now}
    mine = [(was.score, score_of.get(was.item_id, was.score)) for was in then]
    at_place = [(was.score, is_.score) for was, is_ in zip(then, now, strict=True)]
    control = all(was.item_id == is_.item_id for was, is_ in zip(then, now, strict=True) if was.score is None)
    return control and all(_near(*pair) for pair in (*mine, *at_place))


def _near(was: float | None, is_: float | None) -> bool:
    return was == is_ or (was is not None and is_ is not None and isclose(was, is_, rel_tol=RTOL))


def _changes(past: _Past) -> Iterator[str]:
    """What is not as it was when the round opened, and is no reason to refuse."""
    known = past.record.known
    if known is not None:
        made_by = code_of(past.round.strategy)
        for name in sorted(known.made_by.keys() | made_by.keys()):
            was, is_ = known.made_by.get(name, "none"), made_by.get(name, "none")
            if was != is_:
                yield f"{name} changed: {_short(is_)} now, {_short(was)} then"
    if past.anew:
        yield f"artifacts that were lost and made anew, so that their bytes cannot be compared: {', '.join(past.anew)}"
    if past.arrived:
        yield f"images that arrived since are left out: {past.arrived:,}"


def _left_out(controls: int) -> Iterator[str]:
    if controls:
        yield f"drawn at random, and no control: {controls:,}, as somebody had them on a page of the grid meanwhile"


def _refusal(past: _Past, why: str) -> str:
    return f"round {past.round.number} cannot be replayed: {why}"


def _short(hash_: str | None) -> str:
    return "none" if hash_ is None else hash_ if len(hash_) <= 20 else f"{hash_[:12]}..."
