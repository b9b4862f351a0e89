"""Which images of a project are embedded: known from the ids in its shards, without a model, a row or PyTorch.

Who looks every few seconds whether something is due imports this, and stays a small process.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import ItemId
from alflow.store.artifacts import Artifacts
from alflow.store.database import Transaction
from alflow.store.images import failures, items
from alflow.workspace import Workspace


def missing_ids(workspace: Workspace, project: Project) -> list[ItemId]:
    """The items that have no embedding yet, tried or not; loads no model."""
    known = known_ids(workspace, project)
    with workspace.database.read() as tx:
        return _missing(tx, project, known)


def due_ids(workspace: Workspace, project: Project) -> list[ItemId]:
    """The items that a schedule should try now; loads no model, so it may ask often.

    A failed item is due again after a pause that doubles with each failure.
    """
    now = datetime.now(UTC)
    known = known_ids(workspace, project)
    with workspace.database.read() as tx:
        missing = _missing(tx, project, known)
        failed = failures.of_project(tx, project.id)
    embedded = [one.item_id for one in failed if one.item_id in known]
    if embedded:  # by a run that was killed before it recorded them
        with workspace.database.begin() as tx:
            failures.forget(tx, embedded)
    waiting = {one.item_id for one in failed if one.next_at > now}
    return [item for item in missing if item not in waiting]


def known_ids(workspace: Workspace, project: Project) -> frozenset[ItemId]:
    """The items that have an embedding by the encoder that the project's model last meant; loads no model."""
    encoder_hash = remembered_encoder(workspace, project)
    return embedded_ids(workspace, project, encoder_hash) if encoder_hash else frozenset()


def embedded_ids(workspace: Workspace, project: Project, encoder_hash: str) -> frozenset[ItemId]:
    """The items that have a row in a shard of this encoder.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    return _all_ids(workspace.artifacts, tuple(names(workspace, project, encoder_hash)))


def embedded_among(
    workspace: Workspace, project: Project, encoder_hash: str, item_ids: Sequence[ItemId]
) -> set[ItemId]:
    """Those of these items that have a row in a shard of this encoder.

    Raises:
        InvalidInputError: a shard is damaged.
    """
    wanted = set(item_ids)
    every = names(workspace, project, encoder_hash) if wanted else []
    return {item for name in every for item in _item_ids(workspace.artifacts, name) if item in wanted}


def remembered_encoder(workspace: Workspace, project: Project) -> str | None:
    """Hash of the encoder that the project's items were last embedded with; None before.

    Raises:
        InvalidInputError: the file that names it is damaged.
    """
    name = f"projects/{project.id}/encoder.json"
    try:
        note = json.loads(workspace.artifacts.read_bytes(name))
        same = (note["model"], note["precision"]) == (project.model, project.precision)
        return str(note["hash"]) if same else None
    except NotFoundError:
        return None
    except (InvalidInputError, ValueError, KeyError, TypeError) as error:
        where = workspace.artifacts.path(name)
        raise InvalidInputError(f"the note {where} is damaged: delete it and run `alflow embed`") from error


def require_embedded(workspace: Workspace, project: Project) -> None:
    """Without this, asking for the encoder would load its towers.

    Raises:
        NotFoundError: nothing is embedded yet.
        InvalidInputError: the file that names the encoder is damaged.
    """
    if remembered_encoder(workspace, project) is None:
        raise NotFoundError(f"project '{project.name}' has no embedded image yet: run `alflow embed`")


def names(workspace: Workspace, project: Project, encoder_hash: str) -> list[str]:
    """The artifacts that are the shards of this encoder."""
    return workspace.artifacts.tables(folder(project, encoder_hash))


def folder(project: Project, encoder_hash: str) -> str:
    """The folder of this encoder's shards."""
    return f"projects/{project.id}/embeddings/{encoder_hash}"


def damaged(artifacts: Artifacts, name: str) -> str:
    """What to say of a shard that cannot be read."""
    remedy = "delete that file and run `alflow embed`, which makes its rows anew"
    return f"the embeddings in {artifacts.path(name)} are damaged: {remedy}"


def _missing(tx: Transaction, project: Project, known: frozenset[ItemId]) -> list[ItemId]:
    """The items that are not known; where there are as many as are known, none is read."""
    if sum(items.counts(tx, project.id).values()) == len(known):
        return []
    return [item for item in items.ids(tx, project.id) if item not in known]


@lru_cache(maxsize=1)  # the set of a million ids takes longer to make than all else that a page asks
def _all_ids(artifacts: Artifacts, parts: tuple[str, ...]) -> frozenset[ItemId]:
    return frozenset(item for name in parts for item in _item_ids(artifacts, name))


@lru_cache(maxsize=4096)  # by name: a shard never changes, and who waits asks every few seconds
def _item_ids(artifacts: Artifacts, name: str) -> tuple[ItemId, ...]:
    """Of a file on another machine no more than the ids is read, for rows are a thousand times as many bytes.

    Raises:
        InvalidInputError: it is damaged; the message names the file.
    """
    try:
        ids = artifacts.read_array(name, "item_ids")
    except InvalidInputError as error:
        raise InvalidInputError(damaged(artifacts, name)) from error
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise InvalidInputError(damaged(artifacts, name))
    return tuple(ids.tolist())
