"""The second project of the demo: five rounds that three simulated people answered, and whatever a team would do since.

Nothing on its pages is made up but the answers (`alflow.demo.people`): everything else is computed from these.
"""

import contextlib
from dataclasses import replace
from typing import Final

from alflow.demo.people import REVIEWER, answer_queue, settle_disputes
from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError
from alflow.ids import AnnotatorId
from alflow.workflow.answers import certify
from alflow.workflow.answers.refer import referred_items
from alflow.workflow.backtests.labelled import LabelledItems
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workflow.insight.doubts import refer_doubts
from alflow.workflow.insight.prepare import prepare as prepare_pages
from alflow.workflow.insight.slices import make_slice
from alflow.workflow.model.find import Filter, find_text
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace

HISTORY: Final = "demo-history"
ROUNDS: Final = 5
SHARED: Final = 3
"""From this round on every image got two answers; before, one, so that some wrong ones stand."""
CERTIFIED: Final = 4
"""After this round what the model is sure of was accepted; the next round audits it."""
BOUND, DELTA = 0.2, 0.1
"""Of that certificate: what some fifty random labels can promise of a model that is right on seven of ten images."""
DOUBTED: Final = 4
SETTINGS: Final = ProjectSettings(
    budget=30, control_fraction=0.4, gold_rate=0.15, gold_feedback=True, show_speeds=True, seed=2
)
"""The seed is one of few with which the certificate is given; with the others it is refused."""
SIMULATED: Final = (
    "*Barbara, Edsger and Grace are simulated: programs that know the class, and err on 3, 14 and 6% of the images. "
    "Every figure of this project is computed from their answers, on this machine. So few random labels seldom carry a "
    "certificate: how the rounds were drawn was chosen so that there is one to look at.*"
)

_SLICE: Final = "something to eat"
_TRIED: Final = Grid(("default", "random", "margin"), seeds=3, rounds=4)


def play(workspace: Workspace, project: Project) -> None:
    """Make the rounds that are missing, and open the next one, which whoever visits can answer alone."""
    for number in range(_closed_rounds(workspace, project) + 1, ROUNDS + 1):
        _play_round(workspace, project, number)
    if all(summary.round.state is RoundState.CLOSED for summary in round_summaries(workspace, project.id)):
        change_settings(workspace, project.id, SETTINGS)
        open_round(workspace, project.id)


def fill(workspace: Workspace, project: Project) -> None:
    """What the reviewer did after the last round, and what pages would be slow to make."""
    if not referred_items(workspace, project.id):
        refer_doubts(workspace, project.id, _reviewer(workspace), DOUBTED)
    found = find_text(workspace, project, _SLICE, Filter(), 60).found
    with contextlib.suppress(ConflictError):  # it is there already
        make_slice(workspace, project.id, _reviewer(workspace), _SLICE, [one.item.id for one in found])
    prepare_pages(workspace, project.id)
    run_study(workspace, LabelledItems(workspace, project.id), _TRIED)


def _play_round(workspace: Workspace, project: Project, number: int) -> None:
    """The people answer, the reviewer settles what they dispute, but for the last round's, and the round is closed."""
    if number == CERTIFIED + 1 and not certify.all_certificates(workspace, project.id):
        with contextlib.suppress(ConflictError):  # other arithmetic, other picks: it may be refused elsewhere
            certify.accept(workspace, project.id, _reviewer(workspace), BOUND, DELTA)
    change_settings(workspace, project.id, replace(SETTINGS, votes=2 if number >= SHARED else 1))
    opened = open_round(workspace, project.id)
    answer_queue(workspace, project)
    if number < ROUNDS:
        settle_disputes(workspace, project)
    close_round(workspace, project.id, opened.id)


def _reviewer(workspace: Workspace) -> AnnotatorId:
    return sign_in(workspace, REVIEWER.name).id


def _closed_rounds(workspace: Workspace, project: Project) -> int:
    summaries = round_summaries(workspace, project.id)
    return sum(summary.round.state is RoundState.CLOSED for summary in summaries)
