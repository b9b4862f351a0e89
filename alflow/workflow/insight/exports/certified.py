"""What was accepted by the model's word, as a table: one row an image and certificate, withdrawn ones too."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from alflow.domain.certificates import Accepted, Certificate
from alflow.ids import AnnotatorId, ClassId, ItemId, ProjectId
from alflow.outside import new_file
from alflow.row_files import check_ending, write_rows
from alflow.store.answers import certificates
from alflow.store.images import items
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.workflow.images.threads import groups
from alflow.workspace import Workspace

_PAGE: Final = 5_000  # images in memory at once
_SCHEMA: Final = pa.schema([
    ("item_id", pa.int64()),
    ("uri", pa.string()),
    ("sha256", pa.string()),
    ("class_name", pa.string()),
    ("probability", pa.float64()),
    ("stands", pa.bool_()),
    ("certificate", pa.int64()),
    ("bound", pa.float64()),
    ("delta", pa.float64()),
    ("per_class", pa.bool_()),
    ("parts", pa.string()),
    ("n_slice", pa.int64()),
    ("drift", pa.float64()),
    ("round", pa.int64()),
    ("model", pa.string()),
    ("accepted_by", pa.string()),
    ("accepted_at", pa.timestamp("us", "UTC")),
    ("withdrawn_by", pa.string()),
    ("withdrawn_at", pa.timestamp("us", "UTC")),
    ("withdrawn_why", pa.string()),
])


def export_certificates(workspace: Workspace, project_id: ProjectId, path: str, *, force: bool = False) -> int:
    """Write every accepted image with its certificate, the newest first; returns how many rows that is.

    `stands` says whether the model's word still does: its certificate was not withdrawn, and no person has answered.
    `parts` are the thresholds as JSON, by the name of their class (see `alflow.domain.certificates.Part`).

    Raises:
        InvalidInputError: the ending is none of .csv, .jsonl, .parquet, or the file cannot be written.
        ConflictError: there is such a file already.
        NotFoundError: there is no such project.
    """
    suffix, count = check_ending("certificates", Path(path).suffix.lower()), Counter[str]()
    with workspace.database.read() as tx:
        projects.by_id(tx, project_id)
        names = {one.id: one.name for one in projects.classes(tx, project_id)}
        people = {one.id: one.name for one in annotators.all_(tx)}
        every, standing = certificates.all_(tx, project_id), certificates.accepted(tx, project_id)

    def rows() -> Iterator[dict[str, Any]]:
        for certificate in every:
            about = _about(certificate, names, people)
            with workspace.database.read() as tx:
                accepted = certificates.labels_of(tx, certificate.id)
            for row in _images(workspace, accepted, names):
                count["rows"] += 1
                own = standing.get(ItemId(row["item_id"]))
                yield row | {"stands": own is not None and own.certificate_id == certificate.id} | about

    with new_file(path, force=force) as file:
        write_rows(file, suffix, _SCHEMA, rows())
    return count["rows"]


def _images(
    workspace: Workspace, accepted: Mapping[ItemId, Accepted], names: Mapping[ClassId, str]
) -> Iterator[dict[str, Any]]:
    for page in groups(accepted.items(), _PAGE):
        with workspace.database.read() as tx:
            found = items.by_ids(tx, [item_id for item_id, _ in page])
        for item, (_, own) in zip(found, page, strict=True):
            said = {"class_name": names.get(own.class_id), "probability": own.probability}
            yield {"item_id": item.id, "uri": item.uri, "sha256": item.content_hash} | said


def _about(certificate: Certificate, names: Mapping[ClassId, str], people: Mapping[AnnotatorId, str]) -> dict[str, Any]:
    parts = [
        {"class_name": None if part.class_id is None else names.get(part.class_id)}
        | {name: value for name, value in asdict(part).items() if name != "class_id"}
        for part in certificate.parts
    ]
    by = certificate.withdrawn_by
    return {
        "certificate": certificate.id,
        "bound": certificate.bound,
        "delta": certificate.delta,
        "per_class": certificate.per_class,
        "parts": json.dumps(parts, ensure_ascii=False),
        "n_slice": certificate.n_slice,
        "drift": certificate.drift,
        "round": certificate.round_number,
        "model": certificate.model,
        "accepted_by": people.get(certificate.annotator_id),
        "accepted_at": certificate.at,
        "withdrawn_by": None if by is None else people.get(by),
        "withdrawn_at": certificate.withdrawn_at,
        "withdrawn_why": certificate.withdrawn_why,
    }
