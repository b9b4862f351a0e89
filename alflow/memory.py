"""How much memory this process may still take."""

from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/meminfo")
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_USED: Final = Path("/sys/fs/cgroup/memory.current")
_STATE: Final = Path("/sys/fs/cgroup/memory.stat")


def free_bytes() -> int | None:
    """What the machine and the container that this runs in have left; None where neither tells (not on Linux)."""
    found = [left for left in (_of_machine(), _of_container()) if left is not None]
    return min(found) if found else None


def in_words(n_bytes: float) -> str:
    """As `3.9 GB`."""
    if n_bytes >= 1e8:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"


def _of_machine() -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _of_container() -> int | None:
    """The limit less what is in use; files that it only keeps at hand do not count."""
    try:
        kept = dict(line.split() for line in _STATE.read_text().splitlines())
        return int(_LIMIT.read_text()) - int(_USED.read_text()) + int(kept.get("inactive_file", 0))
    except (OSError, ValueError):  # no such container, or no limit ("max")
        return None
