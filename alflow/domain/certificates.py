"""Certificates: why the model's word may stand for some images, until a person gives another."""

from dataclasses import dataclass
from datetime import datetime

from alflow.ids import AnnotatorId, CertificateId, ClassId, ProjectId


@dataclass(frozen=True)
class Part:
    """One threshold of a certificate.

    Attributes:
        class_id: whose predictions it is for; None where it is for all.
        threshold: accepted are predictions at least so probable.
        seen, wrong: images of the random slice that are as probable, and how many of them are wrong.
        accepted: images.
        p_value: of "more of them than the bound are wrong", at most `level`.
        level: this threshold's share of delta.
    """

    class_id: ClassId | None
    threshold: float
    seen: int
    wrong: int
    accepted: int
    p_value: float
    level: float


@dataclass(frozen=True)
class Certificate:
    """Images accepted as the model says, and why: of these, or of each class of them, at most `bound` are wrong.

    With probability at least 1 - delta over the random slice. One stands at a time; a new one withdraws it.

    Attributes:
        round_number: of the newest round whose labels the model knew.
        model: hash of the model, which saw no label of the slice.
        per_class: whether the bound holds for each class, with all of them together at 1 - delta.
        parts: its thresholds.
        n_slice: answered images of the random slice.
        n_left: images of the pool that could have been accepted.
        n_accepted: those that were.
        drift: p-value of "the slice is a random part of the pool".
        annotator_id: who accepted them.
    """

    id: CertificateId
    project_id: ProjectId
    round_number: int
    model: str
    bound: float
    delta: float
    per_class: bool
    parts: tuple[Part, ...]
    n_slice: int
    n_left: int
    n_accepted: int
    drift: float
    annotator_id: AnnotatorId
    at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: AnnotatorId | None = None
    withdrawn_why: str | None = None


@dataclass(frozen=True)
class Accepted:
    """An image's class as the model says, and how probable it was; it stands while no person has answered."""

    certificate_id: CertificateId
    class_id: ClassId
    probability: float
