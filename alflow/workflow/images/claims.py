"""Embedding by several processes at once: each claims the items of a shard in the database before it embeds them.

A claim ends with the block that took it. If its process dies, others of the same machine see that at once, those of
other machines when it was not renewed for `LEASE`: their clocks may differ by less than that.
"""

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Final
from uuid import uuid4

from alflow.errors import AlflowError, ConflictError
from alflow.ids import ItemId
from alflow.store.artifacts import digest
from alflow.store.images import claims
from alflow.workspace import Workspace

LEASE: Final = timedelta(minutes=1)
"""How long a claim holds without being renewed."""

_RENEWALS: Final = 4  # in the time of a lease


@dataclass(frozen=True)
class Claim:
    """Items that are this process's to embed, in the order asked for.

    Attributes:
        workspace: where.
        holder: who holds them: machine, process, and a number of its own.
        item_ids: the items.
        held: those of the items asked for that somebody else is embedding.
    """

    workspace: Workspace
    holder: str
    item_ids: tuple[ItemId, ...]
    held: tuple[ItemId, ...]

    def confirm(self) -> None:
        """Renew the claim before what was made is stored.

        Raises:
            ConflictError: the process stood still for so long that others took an item over.
        """
        with self.workspace.database.begin() as tx:
            n_held = claims.renew(tx, self.holder, datetime.now(UTC) + LEASE)
        if n_held != len(self.item_ids):
            raise ConflictError("this process stood still while it embedded, and another took over: run it again")


@contextmanager
def claimed(workspace: Workspace, item_ids: Sequence[ItemId]) -> Iterator[Claim]:
    """Claim those of these items that nobody else is embedding, while the block runs.

    Raises:
        UnavailableError: the database does not answer, or cannot store anything.
    """
    holder, now = f"{_machine()}/{os.getpid()}/{uuid4().hex[:16]}", datetime.now(UTC)
    with workspace.database.begin() as tx:
        for gone in filter(_is_gone, claims.holders(tx, item_ids)):
            claims.release(tx, gone)
        ours = claims.take(tx, item_ids, holder, now, now + LEASE)
    mine, held = ([item for item in item_ids if (item in ours) is wanted] for wanted in (True, False))
    try:
        with _renewing(workspace, holder):
            yield Claim(workspace, holder, tuple(mine), tuple(held))
    finally:
        with suppress(AlflowError), workspace.database.begin() as tx:  # on a full disk it ends with the lease
            claims.release(tx, holder)


@contextmanager
def _renewing(workspace: Workspace, holder: str) -> Iterator[None]:
    ended = Event()

    def renew() -> None:
        while not ended.wait(LEASE.total_seconds() / _RENEWALS):
            with suppress(AlflowError), workspace.database.begin() as tx:  # tried again, and confirmed at the end
                claims.renew(tx, holder, datetime.now(UTC) + LEASE)

    thread = Thread(target=renew, name="claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_gone(holder: str) -> bool:
    """Whether the process of a claim has ended, as far as this machine can tell: of another it cannot."""
    machine, process, _ = holder.split("/")
    if machine != _machine():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's: it lives
        pass
    return False


@cache
def _machine() -> str:
    """Names what can see our processes by their numbers: this machine since it was started, or this container."""
    if sys.platform != "linux":
        return digest(name=socket.gethostname())[:16]
    started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return digest(started=started, numbers=str(Path("/proc/self/ns/pid").readlink()))[:16]
