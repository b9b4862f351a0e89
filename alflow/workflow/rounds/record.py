"""What a round was planned from, kept beside its scores, so that `replay` can plan it once more.

projects/<id>/scores/<hash>.safetensors    item_ids [N], scores [N], target_ids [T], labelled_ids [L], spared_ids [S],
                                           centre [P], radius; metadata: hashes of the model, checksums, versions

Rounds of an older alflow have item_ids and scores alone. Axes: N pool rows, T targets, L labelled, S accepted images.
"""

import hashlib
import importlib.util
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

import alflow
from alflow.acquisition import plugins
from alflow.bayes.field import Frame
from alflow.domain.projects import ClassLabel, Project
from alflow.domain.rounds import Round
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import ItemId, ProjectId
from alflow.store.artifacts import digest
from alflow.tensors import take
from alflow.workflow.images.embed import class_rows_path
from alflow.workflow.images.embedded import names
from alflow.workflow.images.shards import layers_path
from alflow.workflow.model.model import ProjectModel
from alflow.workflow.model.source import fit_path, posterior_path
from alflow.workflow.rounds.plan import Plan
from alflow.workflow.rounds.question import Asked
from alflow.workspace import Workspace

_CODE: Final = ("acquisition", "bayes")
_PACKAGES: Final = ("alflow", "torch")


@dataclass(frozen=True)
class Inputs:
    """What a plan is made of.

    Attributes:
        project: with its settings.
        classes: of the model.
        model: whose beliefs decide.
        about: the question.
        accepted: items that the strategy leaves alone.
    """

    project: Project
    classes: Sequence[ClassLabel]
    model: ProjectModel
    about: Asked
    accepted: Collection[ItemId]


@dataclass(frozen=True)
class Known:
    """What rounds of an older alflow did not keep.

    Attributes:
        target_ids: the targets that were embedded.
        labelled_ids: the labelled images that were.
        spared_ids: accepted images.
        frame: where the project's images lay.
        pretraining_weight: of the project's settings.
        texts: hash of the prompts of each class, by column.
        checksums: SHA-256 of every artifact that was read, by name.
        made_by: versions of packages, and hashes of the code of strategies.
    """

    target_ids: Sequence[ItemId]
    labelled_ids: Sequence[ItemId]
    spared_ids: Sequence[ItemId]
    frame: Frame
    pretraining_weight: float
    texts: Sequence[str]
    checksums: Mapping[str, str]
    made_by: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """The record of a round.

    Attributes:
        item_ids: the pool.
        scores: of each of its images; NaN for those that the strategy did not see.
        fit: hash of the fit that the round was planned with; None of the zero-shot model.
        known: the rest; None of a round by an older alflow.
    """

    item_ids: Int64[Tensor, " N"]
    scores: Float[Tensor, " N"]
    fit: str | None
    known: Known | None


def keep_record(workspace: Workspace, made_of: Inputs, plan: Plan) -> str:
    """Keep the scores of a plan with what it was made of; returns the name, which the round has as a hash.

    Raises:
        UnavailableError: the disk is full, or an artifact may not be read.
    """
    project, model, about = made_of.project, made_of.model, made_of.about
    strategy = project.settings.strategy
    frame = model.model.frame
    tensors = {
        "item_ids": about.item_ids,
        "scores": plan.scores,
        "target_ids": about.every_target,
        "labelled_ids": about.labelled_ids,
        "spared_ids": torch.tensor(sorted(made_of.accepted), dtype=torch.int64),
        "centre": frame.centre,
        "radius": torch.tensor(frame.radius, dtype=torch.float64),
    }
    notes = model.hashes | {
        "pretraining_weight": repr(project.settings.pretraining_weight),
        "texts": json.dumps(model.texts),
        "checksums": json.dumps(checksums(workspace, project, model.hashes, made_of.classes)),
        "made_by": json.dumps(code_of(strategy)),
    }
    name = _name(tensors, notes)
    workspace.artifacts.write_tensors(record_path(project.id, name), tensors, notes)
    return name


def read_record(workspace: Workspace, project: Project, round_: Round) -> Record:
    """The record of a round.

    Raises:
        NotFoundError: it was lost.
        InvalidInputError: it is damaged, or was changed.
    """
    path = record_path(project.id, round_.hashes.get("scores", ""))
    if not workspace.artifacts.exists(path):
        raise NotFoundError(
            f"the scores of round {round_.number} were lost, and with them which images its pool had: "
            f"bring back {workspace.artifacts.path(path)} from a backup"
        )
    tensors, notes = workspace.artifacts.read_tensors(path)
    item_ids, scores = take(tensors, "item_ids", path, 1, "int"), take(tensors, "scores", path, 1)
    if "made_by" in notes and _name(tensors, notes) != round_.hashes["scores"]:
        raise InvalidInputError(
            f"the record of round {round_.number} was changed: "
            f"bring back {workspace.artifacts.path(path)} from a backup"
        )
    return Record(item_ids, scores, notes.get("fit"), _known(tensors, notes) if "made_by" in notes else None)


def checksums(
    workspace: Workspace, project: Project, hashes: Mapping[str, str], classes: Sequence[ClassLabel]
) -> dict[str, str]:
    """SHA-256 of each artifact that a model of these hashes and its beliefs are made of, by name.

    Raises:
        UnavailableError: one may not be read.
    """
    encoder, fit = hashes["encoder"], hashes.get("fit")
    wanted = [
        *names(workspace, project, encoder),
        layers_path(project, encoder),
        class_rows_path(project, encoder, classes),
        posterior_path(hashes["posterior"]),
        *([] if fit is None else [fit_path(project.id, fit)]),
    ]
    return {name: workspace.artifacts.checksum(name) for name in wanted if workspace.artifacts.exists(name)}


def code_of(strategy: str) -> dict[str, str]:
    """What computes: versions of packages, and a hash of the code of alflow's mathematics and of each other package's.

    Args:
        strategy: a name, or a combination of names.
    """
    found = {name: _version(name) for name in _PACKAGES} | {"alflow's strategies": _own_code()}
    for name in sorted(set(re.findall(r"[a-z][a-z0-9-]*", strategy)) & plugins.offered().keys()):
        for point in plugins.offered()[name]:
            package = point.dist.name if point.dist is not None else point.module
            found[f"the strategy '{name}' of {package}"] = f"{_version(package)} {_source(point.module)}"
    return found


@cache
def _own_code() -> str:
    root = Path(alflow.__file__).parent
    files = sorted(path for part in _CODE for path in (root / part).glob("*.py"))
    return digest(**{f"{path.parent.name}/{path.name}": _sha256(path) for path in files})


def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return "unknown"
    path = Path(spec.origin) if spec is not None and spec.origin else None
    return _sha256(path) if path is not None and path.is_file() else "unknown"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _name(tensors: Mapping[str, Tensor], notes: Mapping[str, str]) -> str:
    """Hash of all that the record says."""
    contents = {key: hashlib.sha256(each.contiguous().numpy().tobytes()).hexdigest() for key, each in tensors.items()}
    return digest(tensors=contents, notes=dict(notes))


def _known(tensors: dict[str, Tensor], notes: Mapping[str, str]) -> Known:
    target, labelled, spared = (tensors[f"{name}_ids"].tolist() for name in ("target", "labelled", "spared"))
    return Known(
        target,
        labelled,
        spared,
        Frame(tensors["centre"], float(tensors["radius"])),
        float(notes["pretraining_weight"]),
        tuple(json.loads(notes["texts"])),
        json.loads(notes["checksums"]),
        json.loads(notes["made_by"]),
    )


def record_path(project_id: ProjectId, name: str) -> str:
    """Where the record of that hash lies among the artifacts."""
    return f"projects/{project_id}/scores/{name}.safetensors"
