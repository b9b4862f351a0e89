"""A project to read in a notebook: `alflow.open("birds")`. Everything is as it stands at the moment of each call.

It writes nothing: no row, no file, no migration. What would be kept for later is held in memory, and no lock and no
connection is kept between two calls, so that it can stay open beside a running `alflow up`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from alflow.domain.images import Item, Split
from alflow.domain.projects import ClassLabel, Project
from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.workflow.answers.export import LabelRow, label_rows
from alflow.workflow.model import predictions as model
from alflow.workflow.projects.projects import find_project, project_classes
from alflow.workflow.rounds.review import find_round, learning_curve, round_candidates, round_summaries
from alflow.workspace import Workspace

_OF_ROUND = ("number", "state", "strategy", "budget", "seed", "opened_at", "labelled_at", "closed_at")
_OF_SUMMARY = ("answered", "total", "skipped", "corrected")
_OF_CANDIDATE = ("rank", "origin", "score", "epistemic", "aleatoric", "answers", "votes_needed", "reason")


@dataclass(frozen=True)
class Embedded:
    """Embeddings of images, of length 1 [N D], and the ids of their items [N]."""

    item_ids: NDArray[np.int64]
    values: Tensor

    def torch(self) -> Tensor:
        """As a tensor [N D]."""
        return self.values

    def numpy(self) -> NDArray[np.float32]:
        """As an array [N D]."""
        return np.asarray(self.values)

    def frame(self) -> pd.DataFrame:
        """As a table: one row an item, by its id, and one column a dimension."""
        return pd.DataFrame(self.numpy(), index=pd.Index(self.item_ids, name="item_id"))


@dataclass(frozen=True)
class OpenProject:
    """A project, to read only. A method that takes a split knows "pool", "target" and "test", or None for all."""

    _workspace: Workspace
    _project: Project

    def __repr__(self) -> str:
        return f"<project {self._project.name!r} of alflow, to read only>"

    def classes(self) -> pd.DataFrame:
        """The classes in their order, by id: name, display_name, prompts, hot_key, group."""
        rows = _frame(ClassLabel, project_classes(self._workspace, self._project.id))
        return rows.drop(columns=["project_id", "position"]).set_index("id")

    def labels(self) -> pd.DataFrame:
        """Every answer, oldest first, withdrawn ones too (`withdrawn_at`), with its provenance, as `alflow export`.

        `settled_class` is the class of the item as fits use it, by all its answers and decisions.
        """
        return _frame(LabelRow, label_rows(self._workspace, self._project.id))

    def rounds(self) -> pd.DataFrame:
        """The rounds by number: how each was asked for, when, and how far it is."""
        rows = [
            {name: _plain(getattr(one.round, name)) for name in _OF_ROUND}
            | {name: getattr(one, name) for name in _OF_SUMMARY}
            for one in round_summaries(self._workspace, self._project.id)
        ]
        return pd.DataFrame(rows, columns=[*_OF_ROUND, *_OF_SUMMARY]).set_index("number")

    def candidates(self, number: int) -> pd.DataFrame:
        """What a round asks, by item and in the order of its queue: why, what was predicted, what it settled on.

        Raises:
            NotFoundError: there is no round of that number.
        """
        round_ = find_round(self._workspace, self._project.id, number)
        names = self.classes()["name"].to_dict()
        rows = [
            {"item_id": one.item.id, "uri": one.item.uri}
            | {name: _plain(getattr(one.candidate, name)) for name in _OF_CANDIDATE}
            | {"predicted": names.get(one.candidate.predicted_class_id), "settled": names.get(one.settled_class_id)}
            for one in round_candidates(self._workspace, round_.id)
        ]
        columns = ["item_id", "uri", *_OF_CANDIDATE, "predicted", "settled"]
        return pd.DataFrame(rows, columns=columns).set_index("item_id")

    def evaluations(self) -> pd.DataFrame:
        """The learning curve: one row for each round (0: zero-shot), split and metric, with its 95% interval."""
        rows = [
            (one.round_number, one.split, metric, *values, one.n_labels, one.n_items, one.at)
            for one in learning_curve(self._workspace, self._project.id)
            for metric, values in one.metrics.items()
        ]
        names = ["round", "split", "metric", "value", "low", "high", "n_labels", "n_items", "at"]
        return pd.DataFrame(rows, columns=names)

    def predictions(self, split: str | None = None) -> pd.DataFrame:
        """What the newest model says of embedded images, by item: class, confidence, parts in nats, every probability.

        The probability of the class robin is in the column `p(robin)`.

        Raises:
            InvalidInputError: there is no such split.
            NotFoundError: nothing is embedded, or there is no posterior yet.
            ConflictError: there are fewer than two classes.
        """
        found = model.predictions(self._workspace, self._project.id, _split(split))
        names, p = np.array([label.name for label in found.classes], dtype=object), np.asarray(found.probabilities)
        rows = _items(found.items)
        rows["predicted"], rows["confidence"] = names[p.argmax(axis=1)], p.max(axis=1)
        for name, part in found.parts._asdict().items():
            rows[name] = np.asarray(part)
        rows["novelty"] = np.asarray(found.novelty)
        return rows.join(pd.DataFrame(p, index=rows.index, columns=[f"p({name})" for name in names]))

    def embeddings(self, split: str | None = None) -> Embedded:
        """Embeddings of images where those of the classes are, too.

        Raises:
            InvalidInputError: there is no such split.
            NotFoundError: nothing is embedded.
        """
        ids, values = model.image_embeddings(self._workspace, self._project.id, _split(split))
        return Embedded(np.array(ids, dtype=np.int64), values)

    def class_embeddings(self) -> NDArray[np.float32]:
        """Embeddings of the classes, of length 1, in the order of `classes` [C D].

        Where their prompts were not embedded yet, the model is loaded to do so.

        Raises:
            NotFoundError: nothing is embedded.
        """
        return np.asarray(model.class_embeddings(self._workspace, self._project.id))


def open_(name: str, home: str | Path | None = None) -> OpenProject:
    """Open a project to read it, in a notebook or a script.

    Args:
        name: of the project.
        home: the folder that alflow keeps everything in; by default as the command line finds it (`ALFLOW_HOME`, a
            line of `.env`, or `.alflow`), as are all other settings.

    Raises:
        NotFoundError: there is no such database or project; the message lists the projects that there are.
        UnavailableError: the database is of another version of alflow; one that is older is not migrated.
    """
    workspace = Workspace.open_to_read(Settings() if home is None else Settings(home=Path(home)))
    return OpenProject(workspace, find_project(workspace, name))


def _split(name: str | None) -> Split | None:
    if name is None:
        return None
    if name not in set(Split):
        raise InvalidInputError(f"there is no split {name!r}: choose one of {', '.join(Split)}, or None for all")
    return Split(name)


def _items(items: Sequence[Item]) -> pd.DataFrame:
    rows = [(item.id, item.uri, item.split.value) for item in items]
    return pd.DataFrame(rows, columns=["item_id", "uri", "split"]).set_index("item_id")


def _frame(kind: type[Any], rows: Iterable[Any]) -> pd.DataFrame:
    names = [field.name for field in fields(kind)]
    return pd.DataFrame([{name: _plain(value) for name, value in asdict(row).items()} for row in rows], columns=names)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
