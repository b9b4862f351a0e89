"""Imports that programs far away ask for: of the public web, and of bounded size, since one request waits for each."""

from collections.abc import Sequence
from typing import Final

from alflow.domain.images import Split
from alflow.errors import InvalidInputError
from alflow.ids import ProjectId
from alflow.store.projects import projects
from alflow.workflow.images.imported import ImportReport
from alflow.workflow.images.manifests import Row
from alflow.workflow.images.pool import import_found
from alflow.workflow.images.reach import public
from alflow.workflow.images.sources import Source, entries, named
from alflow.workspace import Workspace

MOST: Final = 1_000
"""Files of one import."""


def import_source(
    workspace: Workspace, project_id: ProjectId, source: str, split: Split, *, strict: bool = False
) -> ImportReport:
    """Import what an address of the web names, with the accounting of every import.

    Raises:
        InvalidInputError: it cannot be read, names too many files, or, with `strict`, something cannot be used.
        NotFoundError: there is no such project.
    """
    return _import(workspace, project_id, entries(source, reach=public), split, strict=strict)


def import_rows(
    workspace: Workspace, project_id: ProjectId, rows: Sequence[Row], split: Split, *, strict: bool = False
) -> ImportReport:
    """Import the rows of a manifest, each at an address of the web.

    Raises:
        InvalidInputError: there are too many, or, with `strict`, something cannot be used.
        NotFoundError: there is no such project.
    """
    return _import(workspace, project_id, named(rows, public), split, strict=strict)


def _import(workspace: Workspace, project_id: ProjectId, seen: Source, split: Split, *, strict: bool) -> ImportReport:
    if len(seen.entries) > MOST:
        raise InvalidInputError(
            f"it names {len(seen.entries):,} files, and one request imports {MOST:,}: send it in pieces, or use "
            "`alflow import` on the machine"
        )
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    return import_found(workspace, project, seen, split, strict=strict)
