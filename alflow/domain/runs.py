"""Runs of a project: what the one that goes on does, and what somebody asked the next one for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alflow.domain.projects import Trouble


class Step(StrEnum):
    """What a run does: take new images, embed, close a round, open one, bring up to date what pages show."""

    TAKE = "take"
    EMBED = "embed"
    CLOSE = "close"
    OPEN = "open"
    PREPARE = "prepare"


class Wish(StrEnum):
    """What somebody asks for: a run at once; or one that opens a round, whatever rule stops the project."""

    RUN = "run"
    OPEN = "open"


@dataclass(frozen=True)
class Asked:
    """A wish for the next run, and since when."""

    wish: Wish
    at: datetime


@dataclass(frozen=True)
class Run:
    """What a run does now.

    Attributes:
        step: what it does.
        number: of the round that this is about.
        detail: what of the step, in words.
        done: of the step; None while nothing is counted.
        total: how much that is; None while it is not known.
        began_at: when the run began.
        step_at: when the step began.
        link: where Prefect shows it, if that runs it.
    """

    step: Step
    number: int | None
    detail: str
    done: int | None
    total: int | None
    began_at: datetime
    step_at: datetime
    link: str | None


@dataclass(frozen=True)
class Activity:
    """What is known of the runs of a project.

    Attributes:
        run: what goes on; None if nothing does.
        trouble: why the last one failed; None if it did not.
        link: where Prefect shows the newest run, if that ran it.
    """

    run: Run | None
    trouble: Trouble | None
    link: str | None
