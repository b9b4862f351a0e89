from alflow.workflow.answers.asked import predictions
from alflow.workspace import Workspace
from tests.queues import open_queue


def test_predictions_are_those_of_the_candidates_and_zero_for_a_class_that_there_was_not(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 3)
    cat, dog = (one.id for one in world.classes)
    asked = [world.candidates[2].item_id, world.candidates[0].item_id]
    every = [one.item_id for one in world.candidates]
    for _ in range(2):  # made, and as it is kept
        known = predictions(workspace, world.project.id, world.round.id, every)
        assert known.item_ids.tolist() == [one.id for one in world.items]
        assert known.of(asked, [dog, 99, cat]).tolist() == [[0.25, 0.0, 0.75]] * 2
