"""Why nothing is accepted: the pool has drifted from its random slice, or the slice is too small or too often wrong."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from alflow.drift import Drift, drift
from alflow.embeddings import gather
from alflow.guarantees import Needed, needed
from alflow.store.artifacts import digest
from alflow.workflow.answers.asking import Asking
from alflow.workflow.answers.certifying import LEFT, SLICE, TAKEN, Certifying, evidence_of
from alflow.workflow.images.shards import encoder_in_use, shards
from alflow.workspace import Workspace

_COMPARED: Final = 2000  # images of a group at most
_CLASSES: Final = 20


def drift_of(workspace: Workspace, asking: Asking, said: Certifying) -> Drift:
    """Compare the slice with all else that it was drawn from: images that are left, and those that a strategy took."""
    mine, left = (np.flatnonzero(said.group == group) for group in (SLICE, LEFT))
    name = digest(drift=2, model=said.hash, slice=said.item_ids[mine].tolist(), left=said.item_ids[left].tolist())
    return workspace.keep(f"drift {name}", lambda: _kept_drift(workspace, asking, said, name))


def _kept_drift(workspace: Workspace, asking: Asking, said: Certifying, name: str) -> Drift:
    path = f"projects/{asking.project.id}/drift/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        generator = np.random.default_rng(int(name[:12], 16))
        groups = [
            generator.permutation(each)
            for each in (np.flatnonzero(said.group == SLICE), _others(asking, said, generator))
        ]
        points = [_embeddings(workspace, asking, said.item_ids[each[:_COMPARED]]) for each in groups]
        sure = [said.confidence[each] for each in groups]
        found = drift(sure[0], sure[1], points[0], points[1], generator)
        both = torch.tensor([found.confidence, found.embeddings], dtype=torch.float64)
        workspace.artifacts.write_tensors(path, {"p_values": both})
    p_values = workspace.artifacts.read_tensors(path)[0]["p_values"].tolist()
    return Drift(*p_values)


def _others(asking: Asking, said: Certifying, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows left, and of those taken the share that was still there when the slice was drawn, round by round."""
    number = {one.id: one.number for one in asking.rounds}
    sizes = {number[key]: len(each) for key, each in asking.slices().items()}
    total = max(1, sum(sizes.values()))
    first: dict[int, int] = {}
    for one in asking.asked:
        first.setdefault(one.item_id, number[one.round_id])
    taken = np.flatnonzero(said.group == TAKEN)
    until = [sum(n for each, n in sizes.items() if each <= first[item]) for item in said.item_ids[taken].tolist()]
    there = generator.random(len(taken)) < np.array(until, dtype=np.float64) / total
    return np.concatenate([np.flatnonzero(said.group == LEFT), taken[there]])


def _embeddings(workspace: Workspace, asking: Asking, item_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    encoder = encoder_in_use(workspace, asking.project)
    every = shards(workspace, asking.project, encoder.hash)
    (rows,) = gather(every, [item_ids.tolist()], encoder.layers.image_weight.shape[1])
    embedded = normalize(rows.activations.embed(encoder.layers.image_weight), dim=1)
    return np.asarray(embedded.double().numpy())


def why_not(
    asking: Asking, said: Certifying, found: Drift, bound: float, delta: float, *, per_class: bool
) -> tuple[str, Needed | None]:
    """Why nothing can be accepted, and the further random labels that would help."""
    if not said.count(LEFT):
        return "no embedded image of the pool is without a label: there is nothing to accept", None
    if found.found:
        return (
            f"the pool is no longer like the random slice (p = {found.p_value:.2g}): what holds for the slice does not "
            "hold for these images; let further rounds draw random images of the pool as it is now",
            None,
        )
    further = _needed(said, bound, delta, per_class=per_class)
    slice_ = said.group == SLICE
    seen, wrong = int(slice_.sum()), int(said.wrong[slice_].sum())
    so_far = f"{wrong} of {seen} random labels say that the model is wrong" if seen else "there is no random label yet"
    what = "any class" if per_class else "any image"
    return f"{so_far}, too little to accept {what} with at most {bound:.1%} wrong: {_remedy(asking, further)}", further


def _remedy(asking: Asking, further: Needed) -> str:
    if further.least is None:
        return "too few images are left for random labels to show it; import more, or allow a larger share"
    if further.likely is None:
        return (
            f"{further.least} further random labels would do if they were all right, but as the model errs no number "
            "is expected to; label more for it to learn from, or allow more"
        )
    range_ = f"{further.least}" if further.least == further.likely else f"{further.least} to {further.likely}"
    budget = asking.project.settings.budget
    return (
        f"about {range_} further random labels would do; with control_fraction=1 a round of {budget} is random "
        "(`alflow settings control_fraction=1`)"
    )


def _needed(said: Certifying, bound: float, delta: float, *, per_class: bool) -> Needed:
    """Further labels, drawn out of the whole pool that is left, until something is accepted."""
    total = said.count(LEFT)
    if not per_class:
        return needed(evidence_of(said), bound, delta)
    counts = np.bincount(said.predicted[said.group == LEFT], minlength=len(said.class_ids))
    most = np.argsort(-counts, kind="stable")[:_CLASSES].tolist()  # the first to pass is among the largest
    each = [needed(evidence_of(said, column), bound, delta, total) for column in most]
    least = [one.least for one in each if one.least is not None]
    likely = [one.likely for one in each if one.likely is not None]
    return Needed(min(least, default=None), min(likely, default=None))
