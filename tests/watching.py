"""Time for tests of watched sources: what was seen, was seen long ago."""

from dataclasses import replace
from datetime import timedelta

from alflow.domain.watches import Watch
from alflow.store.images import watches
from alflow.workspace import Workspace


def an_hour_later(workspace: Workspace, one: Watch) -> None:
    """As if an hour had passed since all that is known of the source's files."""
    with workspace.database.begin() as tx:
        past = [replace(file, at=file.at - timedelta(hours=1)) for file in watches.files(tx, one.id)]
        watches.keep(tx, one.id, past)
