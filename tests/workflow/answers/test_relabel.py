"""Another vote, or a new image: by hand where it can be, and nobody is asked twice."""

from dataclasses import replace

import numpy as np
import pytest

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin, RoundState
from alflow.errors import ConflictError
from alflow.one_more_vote import class_posterior, vote_information
from alflow.store.answers import outcomes
from alflow.store.rounds import candidates, rounds
from alflow.workflow.answers import relabel
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.rounds.evaluate import evaluate_control
from alflow.workflow.rounds.moment import look
from alflow.workspace import Workspace
from tests.queues import World, new_candidate, open_queue, open_round


def vote(workspace: Workspace, world: World, who: int, places: str, first: int = 0) -> None:
    """One letter a candidate: c(at), d(og) or nothing."""
    for rank, said in enumerate(places, first):
        if said in "cd":
            class_id = world.classes["cd".index(said)].id
            one = world.candidates[rank].id
            submit(
                workspace,
                world.project.id,
                world.annotators[who].id,
                Submission(f"{who}-{rank}", one, Verdict.CLASS, class_id, 1.0),
            )


def told(prior: list[float], accuracy: float) -> float:
    return float(vote_information(np.array([prior]), accuracy)[0])


def test_the_numbers_are_those_of_bayes_rule(each_workspace: Workspace) -> None:
    """The model held every image a cat with 3/4; two people agree on three of four images, one alone says dog."""
    world = open_queue(each_workspace.database, 6, votes=2, n_annotators=2)
    vote(each_workspace, world, 0, "cccdd")
    vote(each_workspace, world, 1, "ccdd")
    advice = relabel.advise(each_workspace, world.project.id, 10)
    q = advice.accuracy
    assert q**2 + (1 - q) ** 2 == pytest.approx((1 + 3) / (1 + 4))
    assert advice.compared == 4
    assert advice.new_information == pytest.approx(told([0.75, 0.25], q), abs=1e-5)
    (suspect,) = advice.suspects  # where two differ a third tells as much as a first elsewhere, not more
    dog = 0.25 * q / (0.25 * q + 0.75 * (1 - q))
    assert suspect.item_id == world.candidates[4].item_id
    assert suspect.information == pytest.approx(told([1 - dog, dog], q), abs=1e-5)
    assert advice.most == suspect.information
    assert (suspect.class_id, suspect.error) == (None, pytest.approx(1 - dog, abs=1e-5))


def test_without_two_votes_the_accuracy_is_assumed_and_a_surprising_answer_is_asked_again(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 4)
    vote(workspace, world, 0, "cd")
    advice = relabel.advise(workspace, world.project.id, 1)
    assert (advice.accuracy, advice.compared) == (relabel.ASSUMED_ACCURACY, 0)
    for suspect in advice.suspects:
        assert 0 < suspect.error < 0.5
    (belief,) = class_posterior(np.array([[0.75, 0.25]]), [[1]], 0.95).tolist()
    expected = told(belief, 0.95)
    assert (expected > (advice.new_information or 0)) == bool(advice.suspects)


def test_nothing_is_advised_before_the_first_round(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 0)
    advice = relabel.advise(workspace, world.project.id, 5)
    assert (advice.new_information, advice.suspects) == (None, ())


def test_an_answered_image_goes_to_somebody_else(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2, n_annotators=2)
    vote(each_workspace, world, 0, "cc")
    project, item = world.project.id, world.candidates[0].item_id
    assert relabel.request_votes(each_workspace, project, [item]) == 1
    assert relabel.request_votes(each_workspace, project, [item]) == 0  # it waits already
    with each_workspace.database.read() as tx:
        assert rounds.by_id(tx, world.round.id).state is RoundState.OPEN
    assert next_candidates(each_workspace, project, world.annotators[0].id) == []
    (entry,) = next_candidates(each_workspace, project, world.annotators[1].id)
    assert entry.item.id == item


def test_an_image_of_an_earlier_round_joins_the_open_one(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3, n_annotators=3)
    vote(each_workspace, world, 0, "cc")
    vote(each_workspace, world, 1, "c", first=2)
    with each_workspace.database.begin() as tx:
        rounds.set_state(tx, world.round.id, RoundState.CLOSED)
    with pytest.raises(ConflictError, match="no round is open"):
        relabel.request_votes(each_workspace, world.project.id, [world.items[0].id])
    with each_workspace.database.begin() as tx:
        opened = open_round(tx, world.project)
        candidates.add(tx, opened.id, [new_candidate(world.items[2], 0, world.classes)])
    assert relabel.request_votes(each_workspace, world.project.id, [world.items[0].id]) == 1
    with each_workspace.database.read() as tx:
        queue = candidates.of_round(tx, opened.id)
        before = outcomes.settled(tx, world.project.id)
    assert [(one.item_id, one.rank) for one in queue] == [(world.items[2].id, 0), (world.items[0].id, 1)]
    asked = [
        [entry.item.id for entry in next_candidates(each_workspace, world.project.id, who.id)]
        for who in world.annotators
    ]
    assert asked == [[world.items[2].id], [world.items[0].id], []]  # nobody gets what they answered before
    given = Submission("again", queue[1].id, Verdict.CLASS, world.classes[1].id, 1.0)
    submit(each_workspace, world.project.id, world.annotators[1].id, given)
    with each_workspace.database.read() as tx:
        after = outcomes.settled(tx, world.project.id)
    assert world.items[0].id in before
    assert world.items[0].id not in after  # one vote each: it is in dispute now


def test_a_control_image_that_is_asked_again_is_judged_once_and_as_it_was_drawn(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1, n_annotators=3)
    vote(workspace, world, 0, "d")
    later = replace(new_candidate(world.items[0], 0, world.classes), origin=Origin.CONTROL)
    first, second = (one.id for one in world.classes)
    drawn = replace(later, probabilities={first: 0.25, second: 0.75})
    configuration = {"class_ids": [first, second], "n_labels": 0}
    opened = []
    for candidate in (drawn, later):
        with workspace.database.begin() as tx:
            rounds.set_state(tx, (opened or [world.round])[-1].id, RoundState.CLOSED)
            opened.append(replace(open_round(tx, world.project), configuration=configuration))
            candidates.add(tx, opened[-1].id, [candidate])
            asked = candidates.of_round(tx, opened[-1].id)[0]
        given = Submission(str(asked.id), asked.id, Verdict.CLASS, second, 1.0)
        submit(workspace, world.project.id, world.annotators[len(opened)].id, given)
    with workspace.database.read() as tx:
        found = evaluate_control(look(tx, world.project.id), opened[-1])
    assert found is not None
    assert (found.n_items, found.metrics["accuracy"].value) == (1, 1.0)
