"""One module, one page: ask the workflow, show the answer."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module

from alflow.accounts import Role
from alflow.domain.projects import Project
from alflow.ui.door import access
from alflow.ui.parts.navigation import Show


def load() -> Mapping[str, Show]:
    """What draws each page of `alflow.ui.door.access.PAGES`, by path; a page is imported when it is drawn first.

    Many compute with PyTorch, which takes half a gigabyte: a server that nobody asks for them does not hold it.
    """
    return {path: partial(_show, page.module) for path, page in access.PAGES.items()}


def load_small() -> None:
    """Import the pages of annotators, which need no PyTorch: the server does it at the start, so that nobody waits."""
    for page in access.PAGES.values():
        if page.role is Role.ANNOTATOR:
            import_module(page.module)


def _show(module: str, project: Project) -> None:
    import_module(module).show(project)
