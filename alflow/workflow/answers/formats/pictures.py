"""What every format writes: images with their class and votes, read page by page, so that big projects fit."""

import io
import json
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from PIL import Image

from alflow.domain.images import Item, Split
from alflow.store.answers.provenance import Provenance

_STEM: Final = 40  # characters of the original's name that the name of a copy keeps
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Dataset:
    """The project as a whole: its name, its classes in their order, and the groups of those that have one."""

    name: str
    classes: tuple[str, ...]
    created: datetime
    groups: Mapping[str, str] = field(default_factory=dict)

    def index(self, picture: "Picture") -> int | None:
        """Place of the picture's class among the classes."""
        return None if picture.class_name is None else self.classes.index(picture.class_name)


@dataclass(frozen=True)
class Picture:
    """One image of a data set.

    Attributes:
        item: what the project knows of it.
        class_name: what was settled; where nothing was, the class that came with the image; None without either.
        class_from: "votes", the name of the reviewer whose decision stands, "import", or, where it is the model's word,
            "certificate 3" with the number of the certificate it was accepted with; None without a class.
        votes: the answers that were not withdrawn, oldest first.
        jpeg: the copy.
    """

    item: Item
    class_name: str | None
    class_from: str | None
    votes: tuple[Provenance, ...]
    jpeg: bytes

    @property
    def file_name(self) -> str:
        """A name that every file system takes, unique by the hash of the original's bytes; it has one dot."""
        return f"{safe_stem(self.item.uri)}-{self.item.content_hash[:16]}.jpg"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the copy, in pixels."""
        with Image.open(io.BytesIO(self.jpeg)) as image:
            return image.size

    def facts(self) -> dict[str, Any]:
        """Everything that is known of it, as JSON."""
        return {
            "label": self.class_name,
            "label_from": self.class_from,
            "alflow_split": self.item.split.value,
            "uri": self.item.uri,
            "sha256": self.item.content_hash,
            "votes": [vote_facts(vote) for vote in self.votes],
        }


def vote_facts(vote: Provenance) -> dict[str, Any]:
    """One answer as JSON, without what it says of the image."""
    known = {"item_id", "uri", "content_hash", "withdrawn_at"}
    return {name: _plain(value) for name, value in vars(vote).items() if name not in known}


def safe_stem(uri: str) -> str:
    """The name of a file, without its ending, in letters that nothing stumbles over."""
    stem = PurePosixPath(uri.partition("::")[0].partition("?")[0].replace("\\", "/")).stem
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return _NO_NAME.sub("-", plain)[:_STEM].strip("-") or "image"


def line(value: Mapping[str, Any]) -> str:
    """The value as one line of JSON."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def create(path: Path, data: bytes) -> None:
    """A new file, and its folder.

    Raises:
        FileExistsError: there is one of that name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)


class Parts:
    """Text files that grow side by side; made at their first piece."""

    def __init__(self, stack: ExitStack) -> None:
        """Keep files open until the stack closes."""
        self._stack, self._files = stack, dict[Path, IO[str]]()

    def add(self, path: Path, piece: str, between: str = "") -> None:
        """Append to the file, after `between` unless it is the first piece."""
        if path in self._files:
            self._files[path].write(between)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[path] = self._stack.enter_context(path.open("x", encoding="utf-8", newline="\n"))
        self._files[path].write(piece)


@contextmanager
def parts() -> Iterator[Parts]:
    """Text files that are closed together."""
    with ExitStack() as stack:
        yield Parts(stack)


def join(path: Path, *pieces: str | Path) -> None:
    """A new file of texts and of files, which are removed; a file that was never made counts as empty.

    Raises:
        FileExistsError: there is one of that name.
    """
    with path.open("x", encoding="utf-8", newline="\n") as whole:
        for piece in pieces:
            if isinstance(piece, str):
                whole.write(piece)
            elif piece.exists():
                with piece.open(encoding="utf-8", newline="\n") as part:
                    shutil.copyfileobj(part, whole)
                piece.unlink()


def by_split(pictures: Iterable[Picture], names: Mapping[Split, str]) -> Iterator[tuple[str, Picture]]:
    """Each picture with what the format calls its split."""
    return ((names[picture.item.split], picture) for picture in pictures)


OWN_NAMES: Final = {split: split.value for split in Split}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        return None  # JSON has no word for it
    return value.value if isinstance(value, Enum) else value
