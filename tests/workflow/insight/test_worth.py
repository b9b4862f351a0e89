from dataclasses import replace

import pytest

from alflow.domain.projects import Project
from alflow.domain.rounds import Origin
from alflow.store.rounds import reasons
from alflow.workflow.insight.worth import worth
from alflow.workflow.projects.projects import change_settings
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workflow.rounds.why import why
from alflow.workspace import Workspace
from tests.workflow.rounds.test_reasons import answer

pytestmark = pytest.mark.slow


def test_expected_and_realised_gains_of_the_rounds(workspace: Workspace, project: Project) -> None:
    """Nothing before the first answers; then each round, and of the strategy's picks a group."""
    change_settings(workspace, project.id, replace(project.settings, budget=6, control_fraction=0.0))
    assert worth(workspace, project.id).overall is None
    for number in (1, 2):
        round_ = open_round(workspace, project.id)
        assert [each for each, _ in worth(workspace, project.id).by_round] == list(range(1, number))
        answer(workspace, project)
        close_round(workspace, project.id, round_.id)
    found = worth(workspace, project.id)
    with workspace.database.read() as tx:
        gains = reasons.realised(tx, project.id)
    assert found.overall is not None
    assert found.overall.items == len(gains) == 12
    told = sum(one.realised for one in gains) / sum(one.expected for one in gains)
    assert found.overall.ratio == pytest.approx(told, rel=1e-12)
    assert [(number, each.items) for number, each in found.by_round] == [(1, 6), (2, 6)]
    assert [(origin, each.items) for origin, each in found.groups] == [(Origin.STRATEGY, 6)] * 2


def test_why_pairs_candidates_with_their_reasons(workspace: Workspace, project: Project) -> None:
    open_round(workspace, project.id)
    round_, rows = why(workspace, project.id, 1)
    assert (round_.number, [row.review.candidate.rank for row in rows]) == (1, [0, 1, 2, 3])
    assert all(row.reasons is not None for row in rows)
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("DELETE FROM reasons")  # as of a round that an earlier version opened
    assert [row.reasons for row in why(workspace, project.id, 1)[1]] == [None] * 4
