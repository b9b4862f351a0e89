"""What an answer was worth, in words that follow from what was stored before it was given."""

from dataclasses import replace

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.projects import Suggestion
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.workflow.desk.gold import Outcome
from alflow.workflow.desk.messages import Answer
from alflow.workflow.desk.submission import Submission
from alflow.workflow.desk.worth import Worth, of
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.queues import World, open_queue


def worth(workspace: Workspace, world: World, said: Submission) -> Worth | None:
    """What somebody is told who answers."""
    answer = Answer(None, said)
    (fate,) = visit(workspace, world.project.id, world.annotators[0].id, answer).acknowledgements
    assert not isinstance(fate.feedback, Outcome)
    return fate.feedback


@pytest.mark.parametrize(
    ("class_", "agrees", "words"),
    [(0, True, "nearly sure of that (75%)"), (1, False, "a surprise"), (None, None, "it is number 2")],
)
def test_the_words_follow_what_the_model_had_thought(
    each_workspace: Workspace, class_: int | None, agrees: bool | None, words: str
) -> None:
    world = open_queue(each_workspace.database, 3)  # class 0 with probability 0.75, scores 1, 1/2, 1/3
    class_id = None if class_ is None else world.classes[class_].id
    verdict = Verdict.UNSURE if class_id is None else Verdict.CLASS
    said = Submission("t", world.candidates[1].id, verdict, class_id, 1.0)
    found = worth(each_workspace, world, said)
    assert found is not None
    assert (found.class_id, found.probability, found.agrees) == (world.classes[0].id, 0.75, agrees)
    assert words in found.words
    assert "Among the 3 images that the strategy chose for this round, it is number 2." in found.words


def test_what_the_model_predicted_is_no_surprise(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1)
    (asked,), (first, second) = world.candidates, (one.id for one in world.classes)
    worth(workspace, world, Submission("t", asked.id, Verdict.CLASS, first, 1.0))
    with workspace.database.read() as tx:
        (label,) = labels.of_round(tx, asked.round_id)
        found = of(tx, world.project, label, replace(asked, probabilities={first: 0.2, second: 0.15}))
    assert found is not None
    assert found.words.startswith("It held many classes for possible")


def test_a_project_can_keep_it_to_itself(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1)
    with workspace.database.begin() as tx:
        projects.update_settings(tx, world.project.id, replace(world.project.settings, suggestion=Suggestion.NEVER))
    said = Submission("t", world.candidates[0].id, Verdict.SKIP, None, 1.0)
    assert worth(workspace, world, said) is None
