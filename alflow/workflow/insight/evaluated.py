"""What the model after a round said of images whose class is known, in three ways: made once, kept as an artifact.

    raw          softmax of the pretrained model at its own scale: no labels, no posterior, the same at every round
    temperature  the logits of the round's model over one temperature that is fitted to the labels of these very images,
                 in five folds, so that no image is judged by a temperature that saw its label
    shown        what the project shows and acts on

The test split is predicted by the model after the round. The control slice is what the rounds until then drew at
random: each image by the probabilities that were stored before its label was known (their logarithms are the logits of
the second way). The metrics of the third way are those of `alflow.workflow.rounds.evaluate`, number for number.

projects/<id>/evaluated/<hash>.safetensors

Axes: N images, C classes, W ways.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from alflow.bootstrap import Interval, all_metrics
from alflow.domain.images import Split
from alflow.domain.rounds import Origin, Round, RoundState
from alflow.errors import NotFoundError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.temperature import cross_fitted
from alflow.workflow.images.embedded import names, remembered_encoder, require_embedded
from alflow.workflow.model.kept import outlook
from alflow.workflow.model.model import load_model, load_rows
from alflow.workflow.model.source import last_fit
from alflow.workflow.rounds.evaluate import Predicted, predicted_control, predicted_test, resampling
from alflow.workflow.rounds.moment import look
from alflow.workspace import Workspace

KnownSplit = Literal["test", "control"]
WAYS: Final = ("raw", "temperature", "shown")
BESIDES: Final = ("accuracy", "nlpd", "ece", "brier", "aurc")
"""Metrics of the other two ways; of what is shown there are all."""

_COLUMNS: Final = ("item_ids", "labels", "predicted", "confidence", "density")
_LEAST: Final = 1e-30


@dataclass(frozen=True)
class Evaluated:
    """Images whose class is known, and what was predicted of them.

    Attributes:
        number: of the round; 0 is before any label.
        split: which images.
        class_ids: in the order of the columns.
        ways: those of `WAYS` that there are.
        temperature: geometric mean over the folds; None where there is none.
        metrics: of each way, with 95% intervals.
        item_ids: once each.
        labels: the known class of each, as a column.
        predicted: the most probable class, as a column.
        confidence: its probability.
        density: the probability of the known class.
    """

    number: int
    split: KnownSplit
    class_ids: tuple[ClassId, ...]
    ways: tuple[str, ...]
    temperature: float | None
    metrics: Mapping[str, Mapping[str, Interval]]
    item_ids: Int64[Tensor, " N"]
    labels: Int64[Tensor, " N"]
    predicted: Int64[Tensor, "W N"]
    confidence: Float[Tensor, "W N"]
    density: Float[Tensor, "W N"]

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def correct(self) -> Float[Tensor, "W N"]:
        """1 where the most probable class is the known one."""
        return (self.predicted == self.labels).to(self.confidence.dtype)

    def way(self, name: str) -> int:
        """Its row."""
        return self.ways.index(name)


def closed_rounds(workspace: Workspace, project_id: ProjectId) -> list[int]:
    """Numbers of the rounds whose model there is, the newest first; 0, the zero-shot model, is the last."""
    with workspace.database.read() as tx:
        past = rounds.all_(tx, project_id)
    return [done.number for done in reversed(past) if done.state is RoundState.CLOSED] + [0]


def evaluated(
    workspace: Workspace, project_id: ProjectId, number: int | None = None, split: KnownSplit = "test"
) -> Evaluated | None:
    """The images of a split whose class is known, as the model after that round sees them; None where there are none.

    Made where it is not kept yet: of 10,000 images and 1,000 classes it takes a minute, else a second or two.

    Args:
        workspace: where.
        project_id: the project.
        number: 0 asks for the zero-shot model, of which there is no control slice; None for the newest.
        split: which images.

    Raises:
        NotFoundError: there is no such project or closed round, or nothing is embedded.
        ConflictError: the project has fewer than two classes.
    """
    with workspace.database.read() as tx:
        project, past = projects.by_id(tx, project_id), rounds.all_(tx, project_id)
        require_embedded(workspace, project)
        done = _until(past, number)
        about = _of_test(tx, project_id) if split == "test" else _of_control(tx, project_id, done)
        prompts = [[one.id, *one.prompts] for one in projects.classes(tx, project_id)]
    if not about:
        return None
    encoder = remembered_encoder(workspace, project) or ""
    made_of: dict[str, Any] = {
        "encoder": encoder,
        "posterior": project.posterior,
        "prompts": prompts,
        "fit": last_fit(done),
    }
    made_of |= {"split": split, "about": about, "seed": project.settings.seed}
    name = digest(evaluated=1, shards=names(workspace, project, encoder), **made_of)
    path = f"projects/{project_id}/evaluated/{name}.safetensors"
    if not workspace.artifacts.exists(path):
        make = _make_test if split == "test" else _make_control
        if (made := make(workspace, project_id, done)) is None:
            return None
        workspace.artifacts.write_tensors(path, *made)
    tensors, notes = workspace.artifacts.read_tensors(path)
    told = json.loads(notes["told"])
    metrics = {way: {name: Interval(*found) for name, found in of.items()} for way, of in told["metrics"].items()}
    return Evaluated(
        done[-1].number if done else 0, split, tuple(told["class_ids"]), tuple(told["ways"]), told["temperature"],
        metrics, *(tensors[name] for name in _COLUMNS),
    )  # fmt: skip


def prepare_evaluated(workspace: Workspace, project_id: ProjectId) -> None:
    """Both splits by the newest model, and the test split by the zero-shot one: what the Model page opens with.

    Raises:
        NotFoundError: nothing is embedded.
        ConflictError: the project has fewer than two classes.
    """
    newest = closed_rounds(workspace, project_id)[0]
    for number, split in ((newest, "test"), (newest, "control"), (0, "test")):
        evaluated(workspace, project_id, number, split)  # type: ignore[arg-type]
    outlook(workspace, project_id, 0)


def _until(past: Sequence[Round], number: int | None) -> list[Round]:
    """The closed rounds until that one.

    Raises:
        NotFoundError: there is no such closed round.
    """
    closed = [one for one in past if one.state is RoundState.CLOSED]
    if number and number not in {one.number for one in closed}:
        raise NotFoundError(f"there is no closed round {number}: see `alflow round list`")
    return closed if number is None else [one for one in closed if one.number <= number]


def _of_test(tx: Transaction, project_id: ProjectId) -> list[tuple[int, ...]]:
    return sorted(items.truths(tx, project_id, Split.TEST).items())


def _of_control(tx: Transaction, project_id: ProjectId, done: Sequence[Round]) -> list[tuple[int, ...]]:
    """Round, item and class of what was drawn and is settled, and the classes of the last round."""
    until = {one.id for one in done}
    drawn = [(round_, item) for round_, item in candidates.drawn(tx, project_id, Origin.CONTROL) if round_ in until]
    settled = outcomes.settled(tx, project_id) if drawn else {}
    known = [(round_, item, settled[item]) for round_, item in drawn if item in settled]
    return [tuple(done[-1].configuration["class_ids"]), *known] if known else []


Made = tuple[dict[str, Tensor], dict[str, str]]


def _make_test(workspace: Workspace, project_id: ProjectId, done: Sequence[Round]) -> Made | None:
    with workspace.database.read() as tx:
        now = look(tx, project_id)
    zero_shot = load_model(workspace, now.project)
    model = load_model(workspace, now.project, fit) if (fit := last_fit(done)) else zero_shot
    (rows,) = load_rows(workspace, now.project, zero_shot, list(now.judges(zero_shot.class_ids)))
    if not len(rows):
        return None
    beliefs, raw = model.believe(rows.activations), zero_shot.model.zero_shot_logits(rows.activations)
    known = predicted_test(now, model, rows, beliefs.probabilities)
    return _made(known, raw, beliefs.mean if fit else raw, resampling(now.project))


def _make_control(workspace: Workspace, project_id: ProjectId, done: Sequence[Round]) -> Made | None:
    with workspace.database.read() as tx:
        now = look(tx, project_id)
    known = predicted_control(now, done[-1])
    if known is None:
        return None
    zero_shot, raw = load_model(workspace, now.project), None
    if set(known.class_ids) <= set(zero_shot.class_ids):
        wanted: list[ItemId] = known.item_ids.tolist()
        (rows,) = load_rows(workspace, now.project, zero_shot, wanted)
        if len(rows) == len(wanted):  # else an embedding was lost
            logits = zero_shot.model.zero_shot_logits(rows.activations)
            raw = logits[:, zero_shot.columns(known.class_ids)]
    return _made(known, raw, known.probabilities.clamp_min(_LEAST).log(), resampling(now.project))


def _made(
    known: Predicted, raw: Float[Tensor, "N C"] | None, logits: Float[Tensor, "N C"], generator: torch.Generator
) -> Made:
    ways, temperature = {}, None
    if raw is not None:
        ways["raw"] = raw.double().softmax(dim=1)
    if len(known.labels) > 1:
        state = generator.get_state()
        ways["temperature"], temperature = cross_fitted(logits.double(), known.labels, generator)
        generator.set_state(state)
    ways["shown"] = known.probabilities
    metrics = {name: _metrics(name, p, known.labels, generator) for name, p in ways.items()}
    tensors = {
        "item_ids": known.item_ids,
        "labels": known.labels,
        "predicted": torch.stack([p.argmax(dim=1) for p in ways.values()]),
        "confidence": torch.stack([p.double().amax(dim=1) for p in ways.values()]),
        "density": torch.stack([p.double().gather(1, known.labels[:, None])[:, 0] for p in ways.values()]),
    }
    told = {"class_ids": known.class_ids, "ways": list(ways), "temperature": temperature, "metrics": metrics}
    return tensors, {"told": json.dumps(told)}


def _metrics(
    way: str, probabilities: Float[Tensor, "N C"], labels: Int64[Tensor, " N"], generator: torch.Generator
) -> dict[str, Interval]:
    """With the same resamples for every way."""
    state = generator.get_state()
    found = all_metrics(probabilities, labels, generator, names=None if way == "shown" else BESIDES)
    generator.set_state(state)
    return found
