"""Which folders and addresses pages may name: those of the setting `ALFLOW_SOURCES`, and what is below them."""

import os
import posixpath

from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.workflow.images.addresses import LOCAL, Address, is_below, parse


def allowed(settings: Settings, root: str, below: str) -> str:
    """The address of what a page names: one of the allowed roots, and what is `below` it.

    Raises:
        InvalidInputError: the root is none of them, or it leads out of it.
    """
    if root not in settings.shown_sources:
        raise InvalidInputError(f"{root} is not among the sources that pages may name: ALFLOW_SOURCES lists them")
    wanted = f"{root.rstrip('/')}/{below.strip().strip('/')}" if below.strip().strip("/") else root
    base, address = parse(root), parse(wanted)
    if base.scheme != address.scheme or not is_below(_place(address), _place(base)):
        raise InvalidInputError(f"{below} leads out of {root}: name something below it")
    return str(address)


def _place(address: Address) -> str:
    """The path, with links and dots resolved as far as they can be seen from here."""
    if address.scheme == LOCAL:
        return os.path.realpath(address.path)
    return posixpath.normpath(address.path.replace("%2e", ".").replace("%2E", "."))
