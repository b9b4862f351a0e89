"""Export labels with their provenance, and what they taught the model."""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from enum import Enum
from math import exp
from pathlib import Path
from typing import Any

import pyarrow as pa

from alflow.errors import ConflictError
from alflow.ids import LabelId, ProjectId
from alflow.outside import new_file
from alflow.row_files import check_ending, write_rows
from alflow.store.answers import adjudications, outcomes, provenance
from alflow.store.answers.provenance import Provenance, Wanted
from alflow.store.database import Transaction
from alflow.store.people import annotators
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.model.model import load_model
from alflow.workflow.model.source import last_fit
from alflow.workspace import Workspace

__all__ = ["LabelRow", "Wanted", "encode_labels", "export_head", "export_labels", "label_page", "label_rows"]


@dataclass(frozen=True)
class LabelRow(Provenance):
    """One answer with what led to it and what became of its item.

    Attributes:
        settled_class: class of the item as fits use it, whatever this answer says; None while it has none.
        settled_by: "votes", or the name of the reviewer whose decision stands.
    """

    settled_class: str | None
    settled_by: str | None


def export_labels(workspace: Workspace, project_id: ProjectId, path: str, *, force: bool = False) -> int:
    """Write every answer, withdrawn ones marked, with what led to it; returns how many.

    Args:
        workspace: where.
        project_id: whose.
        path: file or fsspec URL; its ending, .csv, .jsonl or .parquet, says the format.
        force: replace a file that is there.

    Raises:
        InvalidInputError: the ending is none of these, or the file cannot be written.
        ConflictError: there is such a file already.
    """
    suffix, count = check_ending("labels", Path(path).suffix.lower()), Counter[str]()

    def counted(rows: Iterable[LabelRow]) -> Iterator[dict[str, Any]]:
        for row in rows:
            count["rows"] += 1
            yield _plain(row)

    with new_file(path, force=force) as file, workspace.database.read() as tx:
        write_rows(file, suffix, _SCHEMA, counted(_rows(tx, project_id)))
    return count["rows"]


def label_rows(workspace: Workspace, project_id: ProjectId) -> list[LabelRow]:
    """Every answer of the project with its provenance, oldest first."""
    with workspace.database.read() as tx:
        return list(_rows(tx, project_id))


def label_page(
    workspace: Workspace, project_id: ProjectId, wanted: Wanted, after: LabelId | None, limit: int
) -> list[tuple[LabelId, Provenance]]:
    """The first of the answers that are wanted, oldest first; the next page starts `after` the last id of this one."""
    with workspace.database.read() as tx:
        return provenance.page(tx, project_id, wanted, after, limit)


def encode_labels(rows: list[LabelRow], suffix: str) -> bytes:
    """The rows as a file of this ending.

    Raises:
        InvalidInputError: the ending is none of .csv, .jsonl, .parquet.
    """
    file = io.BytesIO()
    write_rows(file, check_ending("labels", suffix), _SCHEMA, map(_plain, rows))
    return file.getvalue()


def export_head(workspace: Workspace, project_id: ProjectId, path: str, *, force: bool = False) -> str:
    """Write what the labels of the closed rounds added to the logits, as safetensors; returns the hash of the fit.

    The logit of a class is scale * cos(g, h) + weight . phi + bias: g and h are the embeddings of image and class,
    phi the activations before the image tower's last layer. The metadata name the classes, in the order of the rows.

    Raises:
        ConflictError: no round is closed yet, or there is such a file already (and not `force`).
        InvalidInputError: the file cannot be written.
    """
    import torch  # noqa: PLC0415 - takes seconds; labels do not need it
    from safetensors.torch import save  # noqa: PLC0415

    with workspace.database.read() as tx:
        project, fit = projects.by_id(tx, project_id), last_fit(rounds.all_(tx, project_id))
        names = {label.id: label.name for label in projects.classes(tx, project_id)}
    if fit is None:
        raise ConflictError(f"project '{project.name}' has no fit yet: close a round first")
    loaded = load_model(workspace, project, fit)
    model = loaded.model
    weight, bias = model.linear
    scale = torch.tensor(model.layers.scale * exp(model.field.log_scale), dtype=torch.float64)
    tensors = {"weight": weight.contiguous(), "bias": bias.contiguous(), "scale": scale}
    about = loaded.hashes | {"model": project.model, "logit": "scale * cos(g, h) + weight . phi + bias"}
    classes = json.dumps([names[class_id] for class_id in loaded.class_ids], ensure_ascii=False)
    with new_file(path, force=force) as file:
        file.write(save(tensors, about | {"classes": classes}))
    return fit


def _rows(tx: Transaction, project_id: ProjectId) -> Iterator[LabelRow]:
    settled, decided = outcomes.settled(tx, project_id), adjudications.standing(tx, project_id)
    people = {one.id: one.name for one in annotators.all_(tx)}
    names = {one.id: one.name for one in projects.classes(tx, project_id)}
    reviewers = {item: people[one.annotator_id] for item, one in decided.items()}
    by = {item: reviewers.get(item, "votes") for item in settled} | reviewers
    classes = {item: names[class_id] for item, class_id in settled.items()}
    for row in provenance.of_project(tx, project_id):
        yield LabelRow(**vars(row), settled_class=classes.get(row.item_id), settled_by=by.get(row.item_id))


def _plain(row: LabelRow) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(row).items()}


_TYPES = {"item_id": pa.int64(), "round_number": pa.int64(), "rank": pa.int64()}
_TYPES |= {"seconds": pa.float64(), "score": pa.float64()}
_TYPES |= {"likewise": pa.bool_()}
_TYPES |= {"at": pa.timestamp("us", "UTC"), "withdrawn_at": pa.timestamp("us", "UTC")}
_SCHEMA = pa.schema([(field.name, _TYPES.get(field.name, pa.string())) for field in fields(LabelRow)])
