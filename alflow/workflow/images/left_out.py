"""What was left out, why, and what to do about it; with a picture where there is one to show."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from alflow.domain.images import Rejection
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.store.images import items
from alflow.vlm.images import MAX_BYTES, preview
from alflow.workflow.images.addresses import LOCAL, Address, parse
from alflow.workflow.images.archives import read
from alflow.workspace import Workspace

SIDE: Final = 160
"""Longer side of a picture, in pixels."""

_REMEDIES: Final = {  # by how reasons begin that say nothing of it themselves
    "the file is empty": "copy or download it again",
    "the file does not exist": "bring it to its place, and try again",
    "the file cannot be read": "let the user who runs alflow read it, and try again",
    "the archive": "pack it anew, or send the folder itself",
    "cannot be decoded": "copy or download it again, or save it anew as PNG or JPEG",
    "the folder cannot be read": "let the user who runs alflow read it",
    "not an image that can be read": "",
}
_OTHERWISE: Final = "leave it out, or bring it in another form"


@dataclass(frozen=True)
class LeftOut:
    """A file that was not taken.

    Attributes:
        uri: where it is, or was to be.
        why: the reason.
        remedy: what to do about it.
        picture: a small JPEG of it; None where there is none, and `unseen` says why.
        at: when it was tried last.
    """

    uri: str
    why: str
    remedy: str
    picture: bytes | None
    unseen: str
    at: datetime

    @property
    def name(self) -> str:
        """What people call it: of a member of an archive also which archive."""
        return " in ".join(part.rpartition("/")[2] for part in self.uri.split("::"))


def left_out(workspace: Workspace, project: Project, most: int) -> list[LeftOut]:
    """The newest files that were not taken; those on disks of this machine are opened for their pictures."""
    with workspace.database.read() as tx:
        newest = items.rejections(tx, project.id)[:most]
    return [_told(one) for one in newest]


def _told(one: Rejection) -> LeftOut:
    picture, unseen = _picture(one.uri, one.at)
    why, remedy = parted(one.reason)
    return LeftOut(one.uri, why, remedy, picture, unseen, one.at)


def parted(reason: str) -> tuple[str, str]:
    """Why, and what to do: most reasons say both."""
    for beginning, remedy in _REMEDIES.items():
        if reason.startswith(beginning) and remedy:
            return reason, remedy
    for mark in ("; ", ": "):
        why, found, remedy = reason.partition(mark)
        if found:
            return why, remedy
    return reason, _OTHERWISE


@lru_cache(maxsize=256)
def _picture(uri: str, at: datetime) -> tuple[bytes | None, str]:  # noqa: ARG001 - `at` is part of the key
    """A picture, or why there is none; a file that was tried again is looked at again."""
    try:
        address = parse(uri)
        if not _is_here(address):
            return None, "it is not on this machine"
        data = read(address, MAX_BYTES + 1)
    except InvalidInputError:
        return None, "it was not kept"
    made = preview(data, SIDE) if len(data) <= MAX_BYTES else None
    return made, "" if made else "it shows no picture"


def _is_here(address: Address) -> bool:
    while address.outer is not None:
        address = address.outer
    return address.scheme == LOCAL
