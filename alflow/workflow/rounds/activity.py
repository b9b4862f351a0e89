"""What runs for a project, since when and how far, in one line; asked by every page, so it is one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from alflow.domain.projects import Trouble
from alflow.domain.rounds import Round
from alflow.domain.runs import Run, Step
from alflow.ids import ProjectId
from alflow.store.projects import runs
from alflow.store.rounds import rounds
from alflow.workflow.rounds.telling import SILENT
from alflow.workspace import Workspace

_WORDS: Final = {
    Step.TAKE: "New images are being taken",
    Step.EMBED: "Images are being embedded",
    Step.CLOSE: "Round {} is being closed",
    Step.OPEN: "Round {} is being prepared",
    Step.PREPARE: "Map and figures are being brought up to date",
}
_PAST: Final = 3  # rounds that tell how long the next one takes
_SURE: Final = timedelta(seconds=2)  # of a rate
_SECONDS: Final = 90  # from which on time is told in minutes
_HOURS: Final = 90 * 60  # from which on it is told in hours


@dataclass(frozen=True)
class Now:
    """What goes on.

    Attributes:
        words: what is done, and how far; empty if nothing is.
        since: when it began.
        left: about how long it takes still, if that can be told.
        trouble: why the last run failed, if it did.
        link: where Prefect shows the newest run, if that ran it.
    """

    words: str
    since: datetime | None
    left: timedelta | None
    trouble: Trouble | None
    link: str | None

    @property
    def left_in_words(self) -> str:
        """As `about 40 s left`, or nothing."""
        return time_left(self.left)


def time_left(left: timedelta | None) -> str:
    """As `about 40 s left`, in minutes or hours where it is long; nothing where it is not known."""
    if left is None:
        return ""
    seconds = max(5, 5 * round(left.total_seconds() / 5))
    if seconds < _SECONDS:
        return f"about {seconds} s left"
    return f"about {round(seconds / 60)} minutes left" if seconds < _HOURS else f"about {seconds / 3600:.1f} hours left"


def activity(workspace: Workspace, project_id: ProjectId) -> Now:
    """What runs now; nothing where there is no such project."""
    now = datetime.now(UTC)
    with workspace.database.read() as tx:
        found = runs.activity(tx, project_id, now - SILENT)
        past = [] if found.run is None else rounds.all_(tx, project_id)
    if found.run is None:
        return Now("", None, None, found.trouble, found.link)
    left = _left(found.run, past[-_PAST:], now)
    return Now(_words(found.run), found.run.step_at, left, found.trouble, found.link)


def _words(run: Run) -> str:
    words = _WORDS[run.step].format(run.number)
    if run.detail:
        words += f": {run.detail}"
    if run.done is not None and run.total:
        words += f", {run.done:,} of {run.total:,}"
    return words


def _left(run: Run, past: Sequence[Round], now: datetime) -> timedelta | None:
    """By the rate so far, or by how long it took in the rounds before; None where neither tells."""
    passed = now - run.step_at
    if run.done and run.total:
        return (run.total - run.done) * passed / run.done if passed > _SURE else None
    if run.step is Step.CLOSE:
        spans = [one.closed_at - one.labelled_at for one in past if one.closed_at and one.labelled_at]
    elif run.step is Step.OPEN:
        spans = [after.opened_at - before.closed_at for before, after in pairwise(past) if before.closed_at]
    else:
        return None
    left = min(spans) - passed if spans else timedelta()
    return left if left > timedelta() else None
