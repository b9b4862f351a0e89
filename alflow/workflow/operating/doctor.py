"""What is wrong with an installation, or soon will be: one line for each thing, with the remedy. Changes nothing."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from alflow.disk import check_writable
from alflow.leftovers import leftovers, sweep
from alflow.memory import in_words
from alflow.settings import Settings
from alflow.store.artifacts import Artifacts
from alflow.store.projects import projects, troubles
from alflow.vlm.devices import device_named
from alflow.workflow.operating import packages, project
from alflow.workflow.operating.checks import Check, error, looked, ok, warning
from alflow.workflow.operating.damage import damaged, damaged_of_all, repair
from alflow.workflow.operating.deleting import finish_deletions, unfinished_deletions
from alflow.workflow.rounds.waiting import in_time, is_missed
from alflow.workspace import Workspace

_UNFINISHED: Final = "alflow.db.*.tmp"  # of a restore
_LITTLE: Final = 10**9  # bytes; a round of 100,000 images writes some hundred megabytes
_ASTRAY: Final = timedelta(seconds=5)  # of clocks
_WRONG: Final = timedelta(minutes=1)


def mend(settings: Settings) -> list[str]:
    """Make anew what is damaged and can be made anew, in every project; returns where that was.

    Raises:
        NotFoundError: there is no database.
        UnavailableError: it cannot be used, or nothing can be written.
    """
    Workspace.open_to_read(settings).database.close()  # to mend makes no new home
    workspace = Workspace.open(settings)
    try:
        workspace.check_writable()
        with workspace.database.read() as tx:
            every = projects.all_(tx)
        mended = [one for each in every for one in repair(workspace, each, damaged(workspace, each))]
        return [one.path for one in [*mended, *repair(workspace, None, damaged_of_all(workspace))]]
    finally:
        workspace.database.close()


def finish(settings: Settings) -> list[str]:
    """Remove what is left of deleted projects; returns of which ones something was.

    Raises:
        NotFoundError: there is no database.
        UnavailableError: it cannot be used, or the files cannot be removed.
    """
    Workspace.open_to_read(settings).database.close()
    workspace = Workspace.open(settings)
    try:
        return [f"the deleted project {one}" for one in finish_deletions(workspace)]
    finally:
        workspace.database.close()


def tidy(settings: Settings) -> list[str]:
    """Remove what writers that were killed left unfinished, once it is old; returns what is gone.

    Raises:
        UnavailableError: the artifacts are on another machine that cannot be reached.
    """
    gone = sweep(settings.home.resolve(), _UNFINISHED)
    return [*map(str, gone), *Artifacts(settings.artifacts).sweep()]


def examine(settings: Settings, *, files: bool = True) -> list[Check]:
    """Look at everything that can be looked at, whatever is broken; nothing is made or changed.

    Args:
        settings: of the installation.
        files: read every stored file from its first bit to its last too, which takes long where there are many.
    """
    found = [
        *looked("Python", packages.python),
        *looked("packages", packages.packages),
        *looked("settings", partial(_settings, settings)),
        *looked("home", partial(_home, settings)),
        *looked("disk", partial(_disk, settings)),
        *looked("artifacts", partial(_artifacts, settings)),
        *looked("device", partial(_device, settings)),
    ]
    if files:
        found += looked("leftovers", partial(_leftovers, settings))
    opened: list[Workspace] = []
    found += looked("database", lambda: _reached(settings, opened))
    for workspace in opened:
        try:
            found += _inside(workspace, files=files)
        finally:
            workspace.database.close()
    return found


def _inside(workspace: Workspace, *, files: bool) -> Iterator[Check]:
    """What the rows of the database tell."""
    yield from looked("integrity", partial(_integrity, workspace))
    yield from looked("clocks", partial(_clocks, workspace))
    yield from looked("schedule", partial(_schedule, workspace))
    yield from looked("deleted projects", partial(_deleted, workspace))
    with workspace.database.read() as tx:
        every = projects.all_(tx)
    for one in every:
        yield from project.examine(workspace, one, files=files)
    if files:
        name = "files of all projects"
        yield from looked(name, lambda: project.told(name, damaged_of_all(workspace)))


def _settings(settings: Settings) -> Check:
    if strange := settings.strange():
        return warning(
            "settings", f"{', '.join(strange)}: no setting has that name; `alflow settings --machine` lists all"
        )
    return ok("settings", "each variable that begins with ALFLOW_ is one")


def _home(settings: Settings) -> Check:
    home = settings.home.resolve()
    if not home.exists() and not (settings.database_url and settings.artifacts_url):
        return error(
            "home",
            f"there is no folder {home}: set ALFLOW_HOME to the folder of your projects, or make a project there "
            "with `alflow init`",
        )
    check_writable(home)
    return ok("home", f"{home} may be written")


def _disk(settings: Settings) -> Check:
    home = settings.home.resolve()
    place = next(each for each in (home, *home.parents) if each.exists())
    left = shutil.disk_usage(place)
    words = f"{in_words(left.free)} of {in_words(left.total)} are free at {place}"
    return warning("disk", f"{words}: make room before it is full") if left.free < _LITTLE else ok("disk", words)


def _device(settings: Settings) -> Check:
    return ok("device", f"{device_named(settings.device)} computes")


def _artifacts(settings: Settings) -> Check:
    artifacts = Artifacts(settings.artifacts, read_only=True)
    artifacts.check_writable()
    if artifacts.is_there():
        return ok("artifacts", f"{artifacts.path('')} answers")
    return warning(
        "artifacts",
        f"there is nothing at {artifacts.path('')}: if there should be, look whether its disk is mounted; else the "
        "first import makes it",
    )


def _leftovers(settings: Settings) -> Check:
    found = [
        *leftovers(settings.home.resolve(), _UNFINISHED),
        *Artifacts(settings.artifacts, read_only=True).leftovers(),
    ]
    if not found:
        return ok("leftovers", "no writer that was killed left a file behind")
    files = "an unfinished file" if len(found) == 1 else f"{len(found):,} unfinished files"
    return warning(
        "leftovers", f"writers that were killed left {files}, such as {found[0]}: `alflow doctor --repair` removes them"
    )


def _reached(settings: Settings, opened: list[Workspace]) -> Iterator[Check]:
    """Open the database to read only, and say which revision it has; it is added to `opened`."""
    workspace = Workspace.open_to_read(settings)
    revision = workspace.database.revision()
    opened.append(workspace)
    yield ok("database", f"it answers, at revision {revision}, which is that of this alflow")
    workspace.database.check_writable()


def _integrity(workspace: Workspace) -> Check:
    if found := workspace.database.complaints():
        said = "; ".join(" ".join(each.split()) for each in found)
        return error("integrity", f"the database file is damaged ({said}): bring it back from a copy")
    return ok("integrity", "the database finds nothing wrong with its pages")


def _clocks(workspace: Workspace) -> Check:
    theirs, now = workspace.database.clock(), datetime.now(UTC)
    with workspace.database.read() as tx:
        stored = troubles.last_look(tx)
    if stored is not None and stored - now > _WRONG:
        return error(
            "clocks",
            f"the schedule last looked {in_time(stored - now)} in the future: set the clock of this machine, or of the "
            "one that keeps the schedule; where both are right, its next look corrects that (`alflow up`)",
        )
    if theirs is None:
        return ok("clocks", "the database has none of its own")
    apart = abs(theirs - now)
    words = f"that of the database and ours are {apart.total_seconds():.1f} s apart"
    if apart > _ASTRAY:
        return (error if apart > _WRONG else warning)("clocks", f"{words}: let both machines follow a time server")
    return ok("clocks", words)


def _deleted(workspace: Workspace) -> Check:
    if not (left := unfinished_deletions(workspace)):
        return ok("deleted projects", "nothing is left of any")
    which = ", ".join(map(str, left))
    return warning(
        "deleted projects",
        f"something is left of {which}, by number: the schedule removes it, or `alflow doctor --repair`",
    )


def _schedule(workspace: Workspace) -> Check:
    with workspace.database.read() as tx:
        at, any_active = troubles.last_look(tx), projects.any_active(tx)
    if not any_active:
        return ok("schedule", "there is no active project for it to look at")
    if not is_missed(workspace, at):
        return ok("schedule", "it looked a moment ago")
    ago = "it has never looked" if at is None else f"it last looked at {at:%Y-%m-%d %H:%M} UTC"
    return warning("schedule", f"{ago}: start `alflow up`, or run `alflow advance` for each step")
