"""What nobody else on this machine may read: folders of mode 0700 and files of mode 0600, whatever the umask."""

import os
import stat
from pathlib import Path

from alflow.disk import in_words
from alflow.errors import UnavailableError


def private_folder(folder: Path) -> None:
    """Make a folder for its owner alone; one that is there, and that others may enter, is closed to them.

    A folder that is somebody else's, that all share (as /tmp), or that is the person's own home is left as it is.

    Raises:
        UnavailableError: it cannot be made.
    """
    make_private(folder)
    if folder not in {Path(folder.anchor), *_own_homes()}:
        tighten(folder, 0o700)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone; one that is there stays as it is.

    Raises:
        UnavailableError: it cannot be made.
    """
    try:
        if not folder.is_dir():
            if not folder.parent.exists():
                make_private(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UnavailableError(in_words(error, f"the folder {folder}", "made")) from error


def private_file(path: Path) -> None:
    """Make an empty file for its owner alone, unless there is one.

    Raises:
        UnavailableError: it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise UnavailableError(in_words(error, f"the file {path}", "made")) from error


def private_opener(path: str, flags: int) -> int:
    """For `open(..., opener=private_opener)`: what is written is its owner's alone, also where the file was there."""
    descriptor = os.open(path, flags, 0o600)
    tighten(Path(path), 0o600)
    return descriptor


def tighten(path: Path, mode: int) -> None:
    """Take from others what they may do with a file or folder of ours; what is not ours stays as it is."""
    try:
        found = path.stat()
        ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
        if ours and stat.S_IMODE(found.st_mode) & ~mode:
            path.chmod(stat.S_IMODE(found.st_mode) & mode)
    except OSError:
        return  # gone meanwhile, or on a file system that is read-only or has no modes


def _own_homes() -> list[Path]:
    try:
        return [Path.home()]
    except RuntimeError:  # a user without one
        return []
