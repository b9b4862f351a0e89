"""Accept images by the model's word: propose a certificate, accept, audit, withdraw.

The guarantee is `alflow.guarantees`: it rests on the random slice alone, and on no assumption about the model. It
holds for a bound and a delta that were chosen before looking; whoever tries many and keeps the best has less. Control
images are drawn from the whole pool in every round, accepted ones included: those are the audit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alflow.domain.certificates import Certificate, Part
from alflow.domain.rounds import Origin
from alflow.drift import Drift
from alflow.errors import ConflictError, InvalidInputError
from alflow.estimates import clopper_pearson
from alflow.guarantees import Examined, Needed, examine, examine_classes
from alflow.ids import AnnotatorId, CertificateId, ClassId, ItemId, ProjectId
from alflow.store.answers import certificates
from alflow.store.answers.certificates import NewCertificate
from alflow.store.projects import projects
from alflow.text import clean_reason
from alflow.workflow.answers.asking import read_asking
from alflow.workflow.answers.certifying import LEFT, SLICE, Certifying, certifying_of, evidence_of
from alflow.workflow.answers.refusal import drift_of, why_not
from alflow.workspace import Workspace

BOUND: Final = 0.02
DELTA: Final = 0.05


@dataclass(frozen=True)
class Proposal:
    """What would be accepted, or why nothing is.

    Attributes:
        said: what the model says of the pool.
        bound: share of the accepted that may be wrong.
        delta: the chance that more are.
        per_class: whether the bound is to hold for each class.
        parts: thresholds that passed, one for all or one a class.
        item_ids, columns, probabilities: of the images that would be accepted, the least sure first.
        drift: of the slice from the pool.
        examined: every threshold for all classes together, for the chart; None without any.
        refusal: why nothing is accepted, in one line; None where something is.
        needed: how many further random labels would help, where something is refused for want of them.
    """

    said: Certifying
    bound: float
    delta: float
    per_class: bool
    parts: tuple[Part, ...]
    item_ids: NDArray[np.int64]
    columns: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    drift: Drift
    examined: Examined | None
    refusal: str | None
    needed: Needed | None

    def labels(self) -> dict[ItemId, tuple[ClassId, float]]:
        """Item -> class and probability."""
        of = self.said.class_ids
        return {
            ItemId(item): (of[column], probability)
            for item, column, probability in zip(
                self.item_ids.tolist(), self.columns.tolist(), self.probabilities.tolist(), strict=True
            )
        }


def propose(
    workspace: Workspace, project_id: ProjectId, bound: float = BOUND, delta: float = DELTA, *, per_class: bool = False
) -> Proposal:
    """Look for the most images that can be accepted with at most `bound` wrong among them, at confidence 1 - delta.

    Raises:
        InvalidInputError: the bound or delta is not between 0 and 1.
        NotFoundError: there is no such project, nothing is embedded, or there is no model yet.
        ConflictError: the project has fewer than two classes.
    """
    _check(bound, delta)
    with workspace.database.read() as tx:
        asking = read_asking(tx, project_id)
    said = certifying_of(workspace, asking)
    found = drift_of(workspace, asking, said)
    tested = _parts(said, bound, delta, per_class=per_class)
    rows = _accepted_rows(said, tested) if not found.found else np.empty(0, dtype=np.int64)
    rows = rows[np.argsort(said.confidence[rows], kind="stable")]
    refusal, further = (None, None) if len(rows) else why_not(asking, said, found, bound, delta, per_class=per_class)
    everything = evidence_of(said)
    return Proposal(
        said,
        bound,
        delta,
        per_class,
        tuple(tested) if len(rows) else (),
        said.item_ids[rows],
        said.predicted[rows],
        said.confidence[rows],
        found,
        examine(everything, bound, delta) if len(everything.slice_confidence) else None,
        refusal,
        further,
    )


def accept(
    workspace: Workspace,
    project_id: ProjectId,
    by: AnnotatorId,
    bound: float = BOUND,
    delta: float = DELTA,
    *,
    per_class: bool = False,
) -> Certificate:
    """Accept what `propose` finds now; the certificate that stood until now is withdrawn.

    Raises:
        InvalidInputError: the bound or delta is not between 0 and 1.
        NotFoundError: there is no such project or annotator, nothing is embedded, or there is no model yet.
        ConflictError: nothing can be accepted; the message says why.
    """
    proposal = propose(workspace, project_id, bound, delta, per_class=per_class)
    if proposal.refusal is not None:
        raise ConflictError(proposal.refusal)
    now = datetime.now(UTC)
    new = NewCertificate(
        project_id=project_id,
        round_number=proposal.said.round_number,
        model=proposal.said.hash,
        bound=bound,
        delta=delta,
        per_class=per_class,
        parts=proposal.parts,
        n_slice=proposal.said.count(SLICE),
        n_left=proposal.said.count(LEFT),
        n_accepted=len(proposal.item_ids),
        drift=proposal.drift.p_value,
        annotator_id=by,
        at=now,
    )
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        if (before := certificates.standing(tx, project_id)) is not None:
            certificates.withdraw(tx, by, before, "a newer certificate takes its place", now)
        return certificates.add(tx, new, proposal.labels())


def withdraw(
    workspace: Workspace, project_id: ProjectId, by: AnnotatorId, why: str, seen: CertificateId | None = None
) -> Certificate:
    """Withdraw the certificate that stands: nothing is accepted any longer, and people are asked again.

    Raises:
        InvalidInputError: no reason is given.
        ConflictError: no certificate stands, or another one than was `seen`.
    """
    why = clean_reason(why)
    with workspace.database.begin() as tx:
        standing = certificates.standing(tx, project_id)
        if standing is None:
            raise ConflictError("no certificate stands: there is nothing to withdraw")
        if seen not in {None, standing.id}:
            raise ConflictError(
                f"nothing was withdrawn, for certificate {standing.id} has taken the place of certificate {seen}: "
                "look at it first"
            )
        return certificates.withdraw(tx, by, standing, why, datetime.now(UTC))


@dataclass(frozen=True)
class Audit:
    """What people said of accepted images that were drawn at random since.

    Attributes:
        seen: answered ones.
        wrong: those whose class is another, or none.
        due: those that wait for an answer.
        low, high: 95% interval of the share that is wrong.
        alarm: whether the answers refute the bound: it lies below the interval of 95%.
    """

    seen: int
    wrong: int
    due: int
    low: float
    high: float
    alarm: bool


def audit_of(workspace: Workspace, project_id: ProjectId, certificate: Certificate) -> Audit:
    """The audit of a certificate so far, by the control images of rounds that were opened since."""
    with workspace.database.read() as tx:
        asking = read_asking(tx, project_id)
        since = {one.id for one in asking.rounds if one.opened_at > certificate.at}
        drawn = [one for one in asking.asked if one.origin is Origin.CONTROL and one.round_id in since]
        labels = certificates.labels_of(tx, certificate.id, [one.item_id for one in drawn])
    mine = [one.item_id for one in drawn if one.item_id in labels]
    seen = [item for item in mine if item in asking.labelled or item in asking.settled]
    wrong = sum(asking.settled.get(item) != labels[item].class_id for item in seen)
    low, high = (float(end) for end in clopper_pearson(wrong, len(seen))) if seen else (0.0, 1.0)
    return Audit(len(seen), wrong, len(mine) - len(seen), low, high, low > certificate.bound)


def interval_of(wrong: NDArray[np.int64], seen: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95% interval of each share by itself, for a chart."""
    return clopper_pearson(wrong, seen)


def all_certificates(workspace: Workspace, project_id: ProjectId) -> list[Certificate]:
    """Every certificate of the project, newest first; the one that stands is not withdrawn."""
    with workspace.database.read() as tx:
        return certificates.all_(tx, project_id)


def _parts(said: Certifying, bound: float, delta: float, *, per_class: bool) -> list[Part]:
    if not per_class:
        evidence = evidence_of(said)
        tested = {None: examine(evidence, bound, delta)} if len(evidence.slice_confidence) else {}
    else:
        present = np.unique(said.predicted[said.group == SLICE]).tolist()
        found = examine_classes([evidence_of(said, column) for column in present], bound, delta)
        tested = {said.class_ids[present[place]]: one for place, one in found.items()}
    return [_part(class_id, one, one.best) for class_id, one in tested.items() if one.best is not None]


def _part(class_id: ClassId | None, tested: Examined, best: int) -> Part:
    return Part(
        class_id,
        float(tested.thresholds[best]),
        int(tested.seen[best]),
        int(tested.wrong[best]),
        int(tested.left[best]),
        float(tested.p_values[best]),
        float(tested.levels[best]),
    )


def _accepted_rows(said: Certifying, parts: Sequence[Part]) -> NDArray[np.int64]:
    mine = np.zeros(len(said.item_ids), dtype=bool)
    for part in parts:
        sure = said.confidence >= part.threshold
        mine |= sure if part.class_id is None else sure & (said.predicted == said.class_ids.index(part.class_id))
    return np.flatnonzero(mine & (said.group == LEFT))


def _check(bound: float, delta: float) -> None:
    for name, value in (("the bound", bound), ("delta", delta)):
        if not 0 < value < 1:
            raise InvalidInputError(f"{name} is a share between 0 and 1, not {value:g}: 0.02 means 2%")
