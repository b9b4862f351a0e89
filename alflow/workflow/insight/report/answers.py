"""What people were asked, what they said, how far they agree, and what it cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.ids import ClassId, ItemId
from alflow.store.answers import adjudications, outcomes, votes
from alflow.store.desk import gold
from alflow.store.people import annotators
from alflow.store.rounds import candidates
from alflow.workflow.answers.quality import QualityReport, measure
from alflow.workflow.insight.report.scope import Scope
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Answers:
    """The answers that count and were not withdrawn.

    Attributes:
        asked: why images were asked about -> how many, and how many of these are answered.
        verdicts: what answers say -> how many.
        from_elsewhere: answers that were imported.
        about: images that have an answer.
        settled: image -> its class by these answers, as it is today.
        quality: by person, and how far people agree.
        seconds: that images were on screen in all.
        first, last: when the first and the last answer was given.
    """

    asked: Mapping[Origin, tuple[int, int]]
    verdicts: Mapping[Verdict, int]
    from_elsewhere: int
    about: frozenset[ItemId]
    settled: Mapping[ItemId, ClassId]
    quality: QualityReport
    seconds: float
    first: datetime | None
    last: datetime | None

    @property
    def count(self) -> int:
        """How many answers there are."""
        return sum(self.verdicts.values())

    @property
    def labels(self) -> Mapping[ClassId, int]:
        """Class -> how many images have it as their label."""
        return Counter(self.settled.values())


def read_answers(workspace: Workspace, scope: Scope) -> Answers:
    """The answers of the scope. Of a round's report, checks are left out: they belong to no round."""
    project_id = scope.project.id
    with workspace.database.read() as tx:
        given = [one for one in votes.standing(tx, project_id) if scope.counts(one.round_id, one.at)]
        decided = adjudications.standing(tx, project_id)
        people = {one.id: one for one in annotators.all_(tx)}
        checks = gold.results(tx, project_id) if scope.number is None else {}
        settled = outcomes.settled(tx, project_id)
        asked = [one for round_ in scope.rounds for one in candidates.of_round(tx, round_.id)]
    until, about = scope.until, frozenset(one.item_id for one in given)
    decided = {item: one for item, one in decided.items() if until is None or one.at <= until}
    times = [one.at for one in given]
    return Answers(
        asked={
            origin: (len(mine), sum(one.answers >= one.votes_needed for one in mine))
            for origin in Origin
            if (mine := [one for one in asked if one.origin is origin])
        },
        verdicts=Counter(one.verdict for one in given),
        from_elsewhere=sum(one.round_id is None for one in given),
        about=about,
        settled={item: class_id for item, class_id in settled.items() if item in about or item in decided},
        quality=measure(given, decided, checks, people),
        seconds=sum(one.seconds for one in given),
        first=min(times, default=None),
        last=max(times, default=None),
    )
