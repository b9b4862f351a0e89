"""What was on screen when somebody answered, kept so that every label can be traced to it.

What many answers share is a `Screen`: the page, its version, the class names with their keys, and whether any output of
the model was shown. It is kept once, under its hash. The page gives the hash to the browser, which sends it back with
each answer. The browser itself says what belongs to one answer: the image and its size. The hash of the JPEG that it
was given is added here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alflow.domain.images import Item
from alflow.domain.projects import ClassLabel
from alflow.ids import CandidateId
from alflow.store.answers import history
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.workflow.images.pool import rendition_hash
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Screen:
    """A page as an annotator saw it.

    Attributes:
        page: its name.
        version: changes whenever what the page draws changes.
        classes: what one could answer with, in order.
        suggestion: whether the model's most probable class was shown before the answer.
        probabilities: whether the model's probabilities were shown before the answer.
    """

    page: str
    version: str
    classes: Sequence[ClassLabel]
    suggestion: bool = False
    probabilities: bool = False

    def content(self) -> dict[str, Any]:
        """As it is kept."""
        classes = [
            {name: value for name, value in asdict(each).items() if name not in {"project_id", "position"}}
            for each in self.classes
        ]
        whole = {**vars(self), "classes": classes}
        return dict(json.loads(json.dumps(whole, sort_keys=True)))  # one spelling for one hash


def remember(workspace: Workspace, screen: Screen) -> str:
    """Keep a screen and return its hash; for one that is kept already the database is only read."""
    content = screen.content()
    name = digest(**content)
    with workspace.database.read() as tx:
        known = history.screens(tx, {name})
    if not known:
        with workspace.database.begin() as tx:
            history.add_screen(tx, name, content)
    return name


def images(tx: Transaction, shown: Iterable[tuple[CandidateId, Mapping[str, Any]]]) -> dict[CandidateId, Item]:
    """Candidate -> its item, for the candidates whose record of what was shown names an image."""
    named = [candidate for candidate, each in shown if _kind(each)]
    return items.of_candidates(tx, named) if named else {}


def with_rendition(workspace: Workspace, shown: Mapping[str, Any], item: Item | None) -> Mapping[str, Any]:
    """What was shown, with the hash of the JPEG that its `image` names.

    `image` is an address that ends in the kind of rendition. A record that names none, or one that is gone, stays as it
    is. This reads a file: do not call it within a transaction, for which others may wait.
    """
    hash_ = None if item is None else rendition_hash(workspace, item.content_hash, _kind(shown))
    return {**shown, "rendition": hash_} if hash_ else shown


def _kind(shown: Mapping[str, Any]) -> str:
    return str(shown.get("image") or "").rpartition("/")[2]
