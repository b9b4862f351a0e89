"""What the browser of an annotator sends to the desk, and what the desk replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alflow.domain.answers import Verdict
from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Round
from alflow.errors import AlflowError
from alflow.ids import CandidateId, CheckId, ItemId
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.label import PastAnswer
from alflow.workflow.desk.likewise import Follow, Followed, Offer
from alflow.workflow.desk.queue import QueueEntry
from alflow.workflow.desk.siblings import Group
from alflow.workflow.desk.submission import Submission
from alflow.workflow.desk.worth import Worth

AHEAD: Final = 40
"""How many items a deck may reserve, to go on without a connection: for two minutes, at three seconds an image."""

TODO: Final = "todo"
"""The queue of the open round."""

QUEUES: Final = frozenset({TODO, *Verdict} - {Verdict.CLASS})


@dataclass(frozen=True)
class Answer:
    """An answer about a candidate; `key` is the browser's name of the event."""

    key: str | None
    given: Submission


@dataclass(frozen=True)
class CheckAnswer:
    """An answer to the gold check of that id; the candidate in the submission is not used."""

    key: str | None
    check_id: CheckId
    given: Submission


@dataclass(frozen=True)
class Undo:
    """A request to take back the answer of that token."""

    key: str | None
    token: str


@dataclass(frozen=True)
class Likewise:
    """A request to label near copies as an answer."""

    key: str | None
    asked: Follow


Event = Answer | CheckAnswer | Likewise | Undo


@dataclass(frozen=True)
class Wish:
    """What a deck wants to show.

    Attributes:
        queue: one of `QUEUES`: "todo", or the verdict whose set-aside items are shown.
        ahead: how many items to reserve, `AHEAD` at most; 0 for a page that only sends what it has kept.
        showing: the candidate on screen, which stays reserved if possible.
        leave: the page is being closed: give back what is reserved.
    """

    queue: str = TODO
    ahead: int = AHEAD
    showing: CandidateId | None = None
    leave: bool = False


@dataclass(frozen=True)
class Acknowledgement:
    """What became of an event.

    Attributes:
        event: the event.
        feedback: what the answer was worth, whether the check was answered right, or how many near copies are labelled;
            None where nothing is said.
        offer: near copies that may be labelled as the answer.
        refusal: why the event is not stored; None where it is.
        retry: the event itself is in order: send it once more.
    """

    event: Event
    feedback: Worth | Outcome | Followed | None = None
    offer: Offer | None = None
    refusal: AlflowError | None = None
    retry: bool = False


@dataclass(frozen=True)
class CheckEntry:
    """A gold check in its place in the queue; `rank` is that of the item after it."""

    check_id: CheckId
    item: Item
    rank: int


@dataclass(frozen=True)
class RoundProgress:
    """The newest round, how many of its candidates have all their answers, and how many there are."""

    round: Round
    answered: int
    total: int


@dataclass(frozen=True)
class DeskState:
    """What the desk of an annotator shows.

    Attributes:
        project: whose desk it is.
        acknowledgements: one for every event, in order.
        queue: what is reserved, in the order to show it, with the check that is due in its place.
        set_aside: verdict -> how many items people have set aside with it.
        progress: how far the newest round is; None before the first.
        checks: once the queue is empty, how many gold checks were answered right, of how many; else None.
        recent: this annotator's last answers, newest first.
        groups: item -> the images of its group, for those of the queue and the last answers that are in one.
    """

    project: Project
    acknowledgements: Sequence[Acknowledgement]
    queue: Sequence[QueueEntry | CheckEntry]
    set_aside: Mapping[Verdict, int]
    progress: RoundProgress | None
    checks: tuple[int, int] | None
    recent: Sequence[PastAnswer]
    groups: Mapping[ItemId, Group]
