"""What the map's component reads: all images in one binary answer, since 100,000 as JSON would take seconds.

An answer is a 32-bit length, a JSON head of that many bytes, and columns, whose places the head tells. Numbers are
little-endian, as the typed arrays of every browser's machine are; a column begins at a multiple of four bytes.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alflow.errors import NotFoundError
from alflow.ids import ProjectId
from alflow.workflow.insight.marks import NOBODY, SEVERAL, Marks, Opinion, marks
from alflow.workspace import Workspace

_SPLITS: Final = ("pool", "target", "test")
_GROUPS: Final = 6  # of about as many images each, by uncertainty
_SPAN: Final = 65_535  # a 16-bit step is a tenth of a pixel on the widest screen, zoomed in tenfold
_OPINIONS: Final = {
    Opinion.SILENT: "no vote",
    Opinion.AGREED: "label and model agree",
    Opinion.DIFFERS: "the model predicts another class",
    Opinion.DISPUTED: "people disagree",
    Opinion.REJECTED: "no class fits, or a bad image",
}

Columns = dict[str, NDArray[Any]]


def points(workspace: Workspace, project_id: ProjectId) -> bytes:
    """The map of the project.

    Raises:
        NotFoundError: there is no such project, nothing of it is embedded, or its map was not made.
        InvalidInputError: a shard or a kept plane is damaged.
    """
    found = marks(workspace, project_id)
    if found is None:
        raise NotFoundError("the map was not made yet: `alflow map`, or wait for the schedule")
    fields, codes = _fields(found)
    columns: Columns = {
        "ids": found.layout.item_ids.numpy().astype(np.int32),
        "x": _step(found.layout.points[:, 0].numpy()),
        "y": _step(found.layout.points[:, 1].numpy()),
        **codes,
        **{f"slice-{place}": rows for place, rows in enumerate(found.slices.values())},
    }
    head = {
        "count": len(found),
        "fields": fields,
        "slices": [one.name for one in found.slices],
        "words": f"{found.layout.words}, made of {found.layout.made_of:,} images",
    }
    return _packed(head, columns)


def _fields(found: Marks) -> tuple[list[dict[str, Any]], Columns]:
    """What the map can be coloured by, and the column of each: code 0 is "nothing known", the others follow."""
    after = f"after round {found.number}" if found.number else "before any label"
    values, numbers = np.unique(np.append(found.rounds, 0), return_inverse=True)
    named: dict[str, tuple[str, str, Sequence[str], NDArray[Any]]] = {
        "label": ("Class", "kinds", ["no label", *found.classes], found.labels + 1),
        "prediction": (f"Prediction {after}", "kinds", ["no prediction", *found.classes], found.predictions + 1),
    }
    if found.number is not None:
        for name, title, amount in (("total", "Uncertainty", found.total), ("epistemic", "Epistemic", found.epistemic)):
            named[name] = (f"{title} {after}, nats", "steps", *_groups(amount))
    named |= {
        "split": ("Split", "kinds", ["", *_SPLITS], found.splits + 1),
        "round": ("Round", "steps", ["not asked", *(f"round {one}" for one in values[1:])], numbers[:-1]),
        "person": ("Annotator", "kinds", ["no answer", "several people", *found.annotators], _people(found.people)),
        "opinion": ("Disagreement", "kinds", list(_OPINIONS.values()), found.opinions),
    }
    heads = [
        {"key": key, "title": title, "kind": kind, "names": names} for key, (title, kind, names, _) in named.items()
    ]
    return heads, {key: column.astype(np.uint16) for key, (*_, column) in named.items()}


def _people(people: NDArray[np.int16]) -> NDArray[np.int16]:
    codes = people + 2
    codes[people == NOBODY], codes[people == SEVERAL] = 0, 1
    return codes


def _groups(amount: NDArray[np.float32]) -> tuple[list[str], NDArray[np.int64]]:
    """Groups of about as many images, by amount; fewer where many images have the same."""
    known = np.isfinite(amount)
    if not known.any():
        return ["no prediction"], np.zeros(len(amount), dtype=np.int64)
    edges = np.unique(np.quantile(amount[known], np.linspace(0, 1, _GROUPS + 1)))
    inner = edges[1:-1]
    codes = np.where(known, 1 + np.searchsorted(inner, np.where(known, amount, 0), side="right"), 0)
    low, high = [edges[0], *inner], [*inner, edges[-1]]
    return ["no prediction", *(f"{one:.2g} to {two:.2g}" for one, two in zip(low, high, strict=True))], codes


def _step(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """From -1 to 1 in 16 bits."""
    return np.round((values.clip(-1, 1) + 1) / 2 * _SPAN).astype(np.uint16)


def _packed(head: Mapping[str, Any], columns: Columns) -> bytes:
    kinds = {"uint16": "u16", "int32": "i32"}
    body, places = bytearray(), {}
    for name, column in columns.items():
        places[name] = {"kind": kinds[str(column.dtype)], "at": len(body), "count": len(column)}
        body += column.astype(column.dtype.newbyteorder("<")).tobytes()
        body += bytes(-len(body) % 4)
    written = json.dumps({**head, "columns": places}, ensure_ascii=False).encode()
    written += b" " * (-len(written) % 4)
    return struct.pack("<I", len(written)) + written + bytes(body)
