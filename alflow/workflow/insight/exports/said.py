"""What a strategy and a model said of images, as tables: the scores of a round, the predictions after one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from alflow.domain.images import Item
from alflow.domain.rounds import Candidate, Round
from alflow.errors import NotFoundError
from alflow.ids import ItemId, ProjectId
from alflow.outside import new_file
from alflow.row_files import check_ending, write_batches, write_rows
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.tensors import take
from alflow.workflow.images.threads import groups
from alflow.workflow.model.kept import Outlook, outlook
from alflow.workflow.rounds.record import record_path
from alflow.workspace import Workspace

_PAGE: Final = 5_000  # images in memory at once
_SCORES: Final = pa.schema([
    ("item_id", pa.int64()),
    ("uri", pa.string()),
    ("sha256", pa.string()),
    ("round", pa.int64()),
    ("strategy", pa.string()),
    ("score", pa.float64()),
    ("rank", pa.int64()),
    ("origin", pa.string()),
    ("score_when_picked", pa.float64()),
])


def export_scores(
    workspace: Workspace, project_id: ProjectId, path: str, number: int | None = None, *, force: bool = False
) -> int:
    """Write the strategy's score of each pool image when a round, the newest by default, was opened; returns how many.

    `score` is that before any pick, empty where there is none: of the control slice, which chance draws first, and
    where a strategy rates only some. `rank` and `origin` are those of the
    candidates of the round, `score_when_picked` is theirs in view of the images that were picked before.

    Raises:
        InvalidInputError: the ending is none of .csv, .jsonl, .parquet, or the file cannot be written.
        ConflictError: there is such a file already.
        NotFoundError: there is no such round, or its scores were lost.
    """
    suffix = check_ending("scores", Path(path).suffix.lower())
    with workspace.database.read() as tx:
        project, past = projects.by_id(tx, project_id), rounds.all_(tx, project_id)
        if not past:
            raise NotFoundError(f"project '{project.name}' has no round yet: open one (`alflow round open`)")
        round_ = past[-1] if number is None else rounds.by_number(tx, project_id, number)
        queue = {one.item_id: one for one in candidates.of_round(tx, round_.id)}
    name = round_.hashes.get("scores")
    artifact = record_path(project_id, name or "")
    if not workspace.artifacts.exists(artifact):
        raise NotFoundError(f"the scores of round {round_.number} were lost: name another with --round")
    tensors, _ = workspace.artifacts.read_tensors(artifact)
    ids, scores = take(tensors, "item_ids", artifact, 1, "int"), take(tensors, "scores", artifact, 1)
    rated = zip(ids.tolist(), scores.double().tolist(), strict=True)
    with new_file(path, force=force) as file:
        write_rows(file, suffix, _SCORES, _scored(workspace, round_, queue, rated))
    return len(ids)


def export_predictions(
    workspace: Workspace, project_id: ProjectId, path: str, number: int | None = None, *, force: bool = False
) -> int:
    """Write what the model after a round (0: the zero-shot model; the newest by default) says of embedded images.

    The probability of the class robin is in the column `p(robin)`. Returns how many images there are.

    Raises:
        InvalidInputError: the ending is none of .csv, .jsonl, .parquet, or the file cannot be written.
        ConflictError: there is such a file already, or the project has fewer than two classes.
        NotFoundError: there is no such closed round, nothing is embedded, or there is no posterior yet.
    """
    suffix = check_ending("predictions", Path(path).suffix.lower())
    found = outlook(workspace, project_id, number)
    with workspace.database.read() as tx:
        names = {one.id: one.name for one in projects.classes(tx, project_id)}
    classes = [names[class_id] for class_id in found.class_ids]
    schema = pa.schema(
        [("item_id", pa.int64()), *((name, pa.string()) for name in ("uri", "sha256", "split", "predicted"))]
        + [(name, pa.float32()) for name in ("confidence", *_PARTS, *(f"p({name})" for name in classes))]
    )
    with new_file(path, force=force) as file:
        write_batches(file, suffix, schema, _predicted(workspace, found, classes, schema))
    return len(found)


_PARTS: Final = ("total", "aleatoric", "epistemic", "novelty")


def _scored(
    workspace: Workspace, round_: Round, queue: dict[ItemId, Candidate], rated: Iterator[tuple[ItemId, float]]
) -> Iterator[dict[str, Any]]:
    for page in groups(rated, _PAGE):
        for item, (_, score) in zip(_items(workspace, [one for one, _ in page]), page, strict=True):
            asked = queue.get(item.id)
            yield {
                "item_id": item.id,
                "uri": item.uri,
                "sha256": item.content_hash,
                "round": round_.number,
                "strategy": round_.strategy,
                "score": score if np.isfinite(score) else None,
                "rank": asked and asked.rank,
                "origin": asked and asked.origin.value,
                "score_when_picked": asked and asked.score,
            }


def _predicted(
    workspace: Workspace, found: Outlook, classes: Sequence[str], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    names = np.array(classes, dtype=object)
    for start in range(0, len(found), _PAGE):
        rows = slice(start, start + _PAGE)
        ids, p = found.item_ids[rows], found.probabilities[rows].numpy()
        about = _items(workspace, [ItemId(item) for item in ids.tolist()])
        columns = [
            pa.array(ids.numpy()),
            *(pa.array(one) for one in zip(*((i.uri, i.content_hash, i.split.value) for i in about), strict=True)),
            pa.array(names[p.argmax(axis=1)]),
            pa.array(p.max(axis=1)),
            *(pa.array(getattr(found, name)[rows].float().numpy()) for name in _PARTS),
            *(pa.array(np.ascontiguousarray(column)) for column in p.T),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _items(workspace: Workspace, item_ids: Sequence[ItemId]) -> list[Item]:
    with workspace.database.read() as tx:
        return items.by_ids(tx, item_ids)
