"""When a project should stop, and when the trials of a back-test would have: the rules, fed from what is stored."""

from collections.abc import Mapping, Sequence
from math import nan

from alflow.domain.projects import ProjectSettings
from alflow.domain.rounds import Evaluation, RoundState
from alflow.domain.trials import Trial, TrialPoint
from alflow.ids import ProjectId
from alflow.stopping_rules import Calibration, History, Rules, Stop, calibrate, first_stop, reason_to_stop
from alflow.store.answers import outcomes
from alflow.store.database import Transaction
from alflow.store.rounds import candidates, evaluations, reserve, rounds


def rules_of(settings: ProjectSettings) -> Rules:
    """The stopping rules in a project's settings."""
    return Rules(
        settings.max_labels,
        settings.plateau_rounds,
        settings.plateau_gain,
        settings.min_information,
        settings.label_price,
    )


def in_words(settings: ProjectSettings) -> str:
    """When a project stops, as people read it."""
    share, price = settings.min_information or 0, settings.label_price or 0
    rules = [
        (settings.max_labels, f"at {settings.max_labels} labels"),
        (settings.plateau_rounds, f"when {settings.plateau_rounds} rounds gain less than {settings.plateau_gain:.1%}"),
        (share, f"when a label gives less than {share:.0%} of the information of one in the best round"),
        (price, f"when a label adds less than {100 * price:g} points of accuracy"),
    ]
    return ", or ".join([*(words for is_on, words in rules if is_on), "when the pool is used up"])


def project_history(tx: Transaction, project_id: ProjectId) -> History:
    """Closed rounds after the zero-shot model: labels, accuracy on the test split (else on the control slice), scores.

    What was answered of a reserve counts for the first round that learned from it, until then for the newest.
    The newest entry counts the labels of this moment, also those that came since the last round was closed.
    """
    closed = [round_ for round_ in rounds.all_(tx, project_id) if round_.state is RoundState.CLOSED]
    known = evaluations.of_project(tx, project_id)
    quality = _accuracy(known, "test") or _accuracy(known, "control")
    after = {each.round_number: each.n_labels for each in known if each.split == "test"}
    n_labels, information, queues = [0], [0.0], candidates.information(tx, project_id)
    waiting = reserve.answered(tx, project_id)
    for round_ in closed:
        n_asked, total = queues.get(round_.id, (0, 0.0))
        extra = [one for one in waiting if round_.learned_until and one.at <= round_.learned_until]
        waiting = waiting[len(extra) :]
        n_labels.append(after.get(round_.number, n_labels[-1] + n_asked + len(extra)))
        information.append(total + sum(one.score for one in extra))
    n_labels[-1] = max(n_labels[-1], len(outcomes.evidence(tx, project_id)))
    information[-1] += sum(one.score for one in waiting)
    numbers = [0, *(round_.number for round_ in closed)]
    return History(tuple(n_labels), tuple(quality.get(number, nan) for number in numbers), tuple(information))


def rule_that_stops(tx: Transaction, project_id: ProjectId, settings: ProjectSettings) -> str | None:
    """Why no further round should be opened, by the project's own rules; None while one should."""
    rules = rules_of(settings)
    if rules == Rules(plateau_gain=rules.plateau_gain):  # none is on
        return None
    return reason_to_stop(project_history(tx, project_id), rules)


def trial_history(points: Sequence[TrialPoint]) -> History:
    """A trial's points as a history."""
    return History(
        tuple(point.labels for point in points),
        tuple(point.accuracy for point in points),
        tuple(point.information for point in points),
    )


def calibrated(points: Sequence[TrialPoint]) -> Calibration:
    """How the information that a trial's batches promised became accuracy."""
    return calibrate(trial_history(points))


def stops(points: Mapping[Trial, Sequence[TrialPoint]], rules: Rules) -> dict[Trial, Stop | None]:
    """Where each trial would have stopped; None where it would have gone on."""
    return {trial: first_stop(trial_history(each), rules) for trial, each in points.items()}


def _accuracy(known: Sequence[Evaluation], split: str) -> dict[int, float]:
    return {
        each.round_number: each.metrics["accuracy"][0]
        for each in known
        if each.split == split and "accuracy" in each.metrics
    }
