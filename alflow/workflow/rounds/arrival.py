"""How far the images of a project are: brought, embedded, asked about."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alflow.domain.projects import Project
from alflow.store.images import items, watches
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import known_ids
from alflow.workflow.rounds.waiting import waiting
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Arrival:
    """How far the images are.

    Attributes:
        here: images of the project.
        embedded: how many of them have an embedding.
        ready: files that wait to be taken.
        sending: whether somebody uploads.
        opened: whether a round was opened.
        waiting_for: whom or what the project waits for.
        version: changes with what pages show of sources and files that were left out.
    """

    here: int
    embedded: int
    ready: int
    sending: bool
    opened: bool
    waiting_for: str
    version: tuple[int, ...]

    @property
    def left(self) -> int:
        """Images and files that are not embedded yet."""
        return max(0, self.here - self.embedded) + self.ready


def arrival(workspace: Workspace, project: Project) -> Arrival:
    """How far the images of the project are now; loads no model, so pages may ask often."""
    with workspace.database.read() as tx:
        here = sum(items.counts(tx, project.id).values())
        ready, sending = watches.arrivals(tx, project.id, datetime.now(UTC))
        opened = rounds.last(tx, project.id) is not None
        listed = items.n_rejections(tx, project.id), *watches.version(tx, project.id)
    embedded = len(known_ids(workspace, project))
    words = waiting(workspace, project.id).words
    return Arrival(here, embedded, ready, sending, opened, words, (*listed, here > 0, opened))
