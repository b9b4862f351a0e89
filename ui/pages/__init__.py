"""One module, one page: ask the workflow, show the answer."""

from collections.abc import Mapping
from importlib import import_module

from ui.door import access
from ui.parts.navigation import Show


def load() -> Mapping[str, Show]:
    """What draws each page of `ui.door.access.PAGES`, by path.

    The server calls this when it starts: the imports take seconds, which nobody should wait for at a first visit.
    """
    return {path: import_module(page.module).show for path, page in access.PAGES.items()}
