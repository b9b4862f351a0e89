"""The composition root: Settings -> Workspace(database, artifacts, encoders)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from alflow.disk import check_writable
from alflow.domain.projects import Project
from alflow.errors import UnavailableError
from alflow.private import private_folder, tighten
from alflow.progress import Progress, silent
from alflow.settings import Settings
from alflow.store.artifacts import Artifacts
from alflow.store.database import Database

if TYPE_CHECKING:
    from alflow.vlm.encoder import Encoder

T = TypeVar("T")
R = TypeVar("R")

_KEPT: Final = 8  # a posterior of CLIP's size has some 50 megabytes


class Elsewhere(Protocol):
    """Does the work of each unit on other threads, processes or machines; gives what came of it in order."""

    def __call__(
        self,
        work: "Callable[[Workspace, Sequence[T], Progress], R]",
        units: Sequence[Sequence[T]],
        progress: Progress,
    ) -> Iterator[R]:
        """`work` is a function of a module, or a partial one, so that it can be sent; so can its results."""
        ...


@dataclass(frozen=True)
class Workspace:
    """Everything a use case needs from the world, joined once."""

    settings: Settings
    database: Database
    artifacts: Artifacts
    read_only: bool = False
    elsewhere: Elsewhere | None = field(default=None, repr=False)
    """Where the work of `each` is done, if not in this process."""
    _encoders: dict[tuple[str, str], "Encoder"] = field(default_factory=dict, repr=False)
    _loading: Lock = field(default_factory=Lock, repr=False)
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)
    _keeping: RLock = field(default_factory=RLock, repr=False)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Connect to the database (created when missing, checked to be of this version) and the artifacts.

        Raises:
            UnavailableError: the database belongs to another version of alflow, cannot be reached, or was lost while
                files of its projects are there; or the home cannot be made.
        """
        settings = settings or Settings()
        _close_home(settings)
        artifacts = Artifacts(settings.artifacts, private=not settings.artifacts_url)
        return cls(settings, Database.open(settings.database, partial(_require_none_lost, artifacts)), artifacts)

    @classmethod
    def open_to_read(cls, settings: Settings | None = None) -> Self:
        """Connect to what is there, to read only: nothing is made, migrated, written, locked or kept open.

        Raises:
            NotFoundError: there is no database yet.
            UnavailableError: it belongs to another version of alflow, or cannot be reached.
        """
        settings = settings or Settings()
        artifacts = Artifacts(settings.artifacts, read_only=True)
        return cls(settings, Database.open_to_read(settings.database), artifacts, read_only=True)

    def __reduce__(self) -> tuple[Callable[[Settings], Self], tuple[Settings]]:
        """Sent to another process, it is opened there anew."""
        return type(self).open_to_read if self.read_only else type(self).open, (self.settings,)

    @staticmethod
    def upgrade(settings: Settings | None = None) -> str:
        """Bring the database to the version of this alflow; returns its revision.

        Raises:
            UnavailableError: it belongs to a newer alflow, or cannot be reached.
        """
        settings = settings or Settings()
        artifacts = Artifacts(settings.artifacts, read_only=True)
        return Database.upgrade(settings.database, partial(_require_none_lost, artifacts))

    def check_writable(self) -> None:
        """Would a write succeed now, in the home, the database and the artifacts, as far as a glance can tell?

        Raises:
            UnavailableError: a disk is full, or may not be written.
        """
        check_writable(self.settings.home.resolve())
        self.database.check_writable()
        self.artifacts.check_writable()

    def encoder(self, project: Project) -> "Encoder":
        """The project's encoder, loaded once (open_clip takes seconds to import, so not before it is asked for)."""
        from alflow.vlm.encoder import load_encoder  # noqa: PLC0415

        key = (project.model, project.precision)
        with self._loading:  # two pages may ask at once
            if key not in self._encoders:
                settings = self.settings
                self._encoders[key] = load_encoder(*key, device=settings.device, batch_size=settings.batch_size)
            return self._encoders[key]

    def holds_encoder(self, project: Project) -> bool:
        """Whether the project's encoder is loaded, so that asking for it takes no time."""
        return (project.model, project.precision) in self._encoders

    def each(
        self,
        work: "Callable[[Workspace, Sequence[T], Progress], R]",
        units: Sequence[Sequence[T]],
        progress: Progress = silent,
    ) -> Iterator[R]:
        """What `work` makes of each unit, in order: in this process, or elsewhere, where the workspace is opened anew.

        Args:
            work: a function of a module, or a partial one.
            units: names or ids, about as much work each.
            progress: counts what is in the units.
        """
        if self.elsewhere is not None:
            return self.elsewhere(work, units, progress)
        return self._here(work, units, progress)

    def _here(
        self,
        work: "Callable[[Workspace, Sequence[T], Progress], R]",
        units: Sequence[Sequence[T]],
        progress: Progress,
    ) -> Iterator[R]:
        total, before = sum(map(len, units)), 0

        def tell(done: int, _: int | None) -> None:
            progress(before + done, total)

        progress(0, total)
        for unit in units:
            yield work(self, unit, tell)
            before += len(unit)

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """What takes long to make and never changes: made once, as long as it is among the last few asked for.

        `name` is the hash of all that it is made of (`alflow.store.artifacts.digest`), as for an artifact.
        """
        with self._keeping:
            found: T = self._kept.pop(name) if name in self._kept else make()
            self._kept[name] = found  # last again
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
            return found


def _require_none_lost(artifacts: Artifacts) -> None:
    """A new database would number its projects and images anew, and take these files for theirs.

    Raises:
        UnavailableError: there are files of projects.
    """
    if artifacts.list("projects"):
        raise UnavailableError(
            f"there is no database, but files of its projects are in {artifacts.path('projects')}: bring back a backup "
            "(`alflow restore`), or the file of the database; to begin anew, set ALFLOW_HOME to another folder"
        )


def _close_home(settings: Settings) -> None:
    """The home is its owner's alone, as is the database in it; nothing is made where nothing is kept in it."""
    home = settings.home.resolve()
    if settings.database_url and settings.artifacts_url and not home.exists():
        return
    private_folder(home)
    for database in home.glob("alflow.db*"):
        tighten(database, 0o600)
