"""What was predicted of the images that rounds asked about, as columns.

The database keeps it by image as JSON, which takes milliseconds to read where there are a thousand classes.

projects/<id>/asked/<hash>.safetensors    item_ids [N], class_ids [C], probabilities [N C]: of one round

Axes: N images of a round, C classes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from alflow.embeddings import places
from alflow.ids import ClassId, ItemId, ProjectId, RoundId
from alflow.store.artifacts import digest
from alflow.store.rounds import candidates
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Predictions:
    """Predictions of the time when the images were asked about.

    Attributes:
        item_ids: ascending.
        class_ids: ascending: every class that one of them had a probability of.
        probabilities: zero where there was no such class yet.
    """

    item_ids: Int64[Tensor, " N"]
    class_ids: Int64[Tensor, " C"]
    probabilities: Float[Tensor, "N C"]

    def of(self, item_ids: Sequence[ItemId], class_ids: Sequence[ClassId]) -> NDArray[np.float64]:
        """Of these images, all of the round, and these classes; zero for one that there was not yet."""
        rows, _ = places(self.item_ids, torch.tensor(item_ids))
        columns, known = places(self.class_ids, torch.tensor(class_ids))
        found = torch.zeros(len(item_ids), len(class_ids), dtype=torch.float64)
        found[:, known] = self.probabilities[rows][:, columns].double()
        return found.numpy()


def predictions(
    workspace: Workspace, project_id: ProjectId, round_id: RoundId, item_ids: Collection[ItemId]
) -> Predictions:
    """Of the images that a round asked about; made once for those that it has by now.

    Raises:
        InvalidInputError: what is kept is damaged.
    """
    path = f"projects/{project_id}/asked/{digest(round=round_id, asked=sorted(item_ids))}.safetensors"
    if not workspace.artifacts.exists(path):
        workspace.artifacts.write_tensors(path, _columns(workspace, round_id))
    return Predictions(**workspace.artifacts.read_tensors(path)[0])


def _columns(workspace: Workspace, round_id: RoundId) -> dict[str, Tensor]:
    with workspace.database.read() as tx:
        queue = sorted(candidates.of_round(tx, round_id), key=lambda one: one.item_id)
    class_ids = sorted({class_id for one in queue for class_id in one.probabilities})
    rows = [[one.probabilities.get(class_id, 0.0) for class_id in class_ids] for one in queue]
    return {
        "item_ids": torch.tensor([one.item_id for one in queue], dtype=torch.int64),
        "class_ids": torch.tensor(class_ids, dtype=torch.int64),
        "probabilities": torch.tensor(rows, dtype=torch.float32).reshape(len(queue), len(class_ids)),
    }
