"""Near copies labelled as an answer: all at once, taken back at once, and no evidence of their own."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import insert

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.reasons import Aim
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.ids import ItemId
from alflow.store import tables
from alflow.store.answers import outcomes, votes
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.answers.audit import check_history
from alflow.workflow.answers.quality import quality_report
from alflow.workflow.answers.together import answer_together
from alflow.workflow.desk.likewise import Follow, Followed, Offer
from alflow.workflow.desk.messages import Answer, DeskState, Likewise, Undo
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.queues import World, new_item, open_queue
from tests.workflow.desk.answering import answer


def world_with_copies(workspace: Workspace, n_copies: int = 3, **settings: object) -> tuple[World, list[ItemId]]:
    """A queue of three, the first image of which has near copies in the pool."""
    world = open_queue(workspace.database, 3, n_annotators=2)
    with workspace.database.begin() as tx:
        copies = [one.id for one in items.add(tx, world.project.id, [new_item(100 + n) for n in range(n_copies)])]
        details = {"copies": [[item_id, 0.99] for item_id in copies]}
        row = {"candidate_id": world.candidates[0].id, "aim": Aim.POOL, "expected": 0.1, "details": details}
        tx.execute(insert(tables.reasons).values(row))
        projects.update_settings(tx, world.project.id, replace(world.project.settings, **settings))  # type: ignore[arg-type]
        return replace(world, project=projects.by_id(tx, world.project.id)), copies


def say(workspace: Workspace, world: World, *events: Answer | Likewise | Undo, who: int = 0) -> DeskState:
    return visit(workspace, world.project.id, world.annotators[who].id, *events)


def offer(workspace: Workspace, world: World, rank: int = 0, class_: int | None = 0) -> Offer | None:
    (fate,) = say(workspace, world, Answer(None, answer(world, rank, class_))).acknowledgements
    return fate.offer


def likewise(item_ids: list[ItemId], token: str = "all", of: str = "token-0") -> Likewise:
    return Likewise(None, Follow(token, of, tuple(item_ids), 6.0))


def settled(workspace: Workspace, world: World, *, own: bool = False) -> dict[ItemId, int]:
    with workspace.database.read() as tx:
        return dict((outcomes.evidence if own else outcomes.settled)(tx, world.project.id))


def test_near_copies_are_offered_and_labelled_at_once(each_workspace: Workspace) -> None:
    world, copies = world_with_copies(each_workspace)
    assert offer(each_workspace, world) == Offer(copies)
    state = say(each_workspace, world, likewise(copies[:2]))  # one is unticked
    assert state.acknowledgements[0].feedback == Followed(labelled=2, taken=0)
    class_id, asked = world.classes[0].id, world.items[0].id
    assert settled(each_workspace, world) == dict.fromkeys([asked, *copies[:2]], class_id)
    assert settled(each_workspace, world, own=True) == {asked: class_id}
    first, second = state.recent
    assert (first.label.token, first.likewise, first.final) == ("all", 2, False)
    assert (second.label.token, second.likewise) == ("token-0", None)
    with each_workspace.database.read() as tx:
        given = labels.of_item(tx, copies[0])[0]
    assert (given.annotator_id, given.seconds, given.follows) == (world.annotators[0].id, 3.0, second.label.id)
    assert given.shown == {"image": "thumbnail", "likewise": 2, "of": asked}
    assert check_history(each_workspace, world.project.id) == []


def test_the_same_once_more_changes_nothing(each_workspace: Workspace) -> None:
    world, copies = world_with_copies(each_workspace)
    offer(each_workspace, world)
    for _ in range(2):
        (fate,) = say(each_workspace, world, likewise(copies)).acknowledgements
        assert fate.feedback == Followed(labelled=3, taken=0)
    assert len(settled(each_workspace, world)) == 4


def test_one_undo_takes_them_back_and_the_answer_stays(each_workspace: Workspace) -> None:
    world, copies = world_with_copies(each_workspace)
    offer(each_workspace, world)
    say(each_workspace, world, likewise(copies))
    for _ in range(2):
        state = say(each_workspace, world, Undo(None, "all"))
    assert list(settled(each_workspace, world)) == [world.items[0].id]
    assert [one.label.token for one in state.recent] == ["token-0"]
    with pytest.raises(ConflictError, match="taken back"):
        say(each_workspace, world, likewise(copies))
    say(each_workspace, world, likewise(copies, token="once more"))
    assert len(settled(each_workspace, world)) == 4


@pytest.mark.parametrize("how", ["undone", "changed"])
def test_they_go_with_the_answer_that_they_follow(each_workspace: Workspace, how: str) -> None:
    world, copies = world_with_copies(each_workspace)
    offer(each_workspace, world)
    say(each_workspace, world, likewise(copies))
    other = Undo(None, "token-0") if how == "undone" else Answer(None, answer(world, 0, 1, token="other"))
    say(each_workspace, world, other)
    now = settled(each_workspace, world)
    assert now == ({} if how == "undone" else {world.items[0].id: world.classes[1].id})
    with each_workspace.database.read() as tx:
        given = labels.of_item(tx, copies[0], withdrawn=True)
    assert [one.withdrawn_by for one in given] == [world.annotators[0].id]


def test_what_others_said_something_of_stays_theirs(each_workspace: Workspace) -> None:
    world, copies = world_with_copies(each_workspace)
    assert offer(each_workspace, world) == Offer(copies)
    dog = world.classes[1].id
    answer_together(each_workspace, world.project.id, world.annotators[1].id, copies[:1], dog)
    (fate,) = say(each_workspace, world, likewise(copies)).acknowledgements
    assert fate.feedback == Followed(labelled=2, taken=1)
    assert settled(each_workspace, world)[copies[0]] == dog


def test_they_count_in_no_agreement_and_no_speed(each_workspace: Workspace) -> None:
    world, copies = world_with_copies(each_workspace)
    offer(each_workspace, world)
    before = quality_report(each_workspace, world.project.id).annotators
    say(each_workspace, world, likewise(copies))
    assert quality_report(each_workspace, world.project.id).annotators == before
    with each_workspace.database.read() as tx:
        assert len(votes.standing(tx, world.project.id)) == 4


@pytest.mark.parametrize("why", ["off", "two votes", "skipped", "random slice", "asked", "test split", "no copy"])
def test_where_none_is_offered(workspace: Workspace, why: str) -> None:
    world, copies = world_with_copies(workspace, 1, likewise=why != "off", votes=2 if why == "two votes" else 1)
    with workspace.database.begin() as tx:
        if why == "random slice":
            tx.execute(tables.candidate.update().values(origin="control"))
        elif why == "asked":
            tx.execute(tables.candidate.update().where(tables.candidate.c.rank == 2).values(item_id=copies[0]))
        elif why == "test split":
            tx.execute(tables.item.update().where(tables.item.c.id == copies[0]).values(split=Split.TEST))
    rank = 1 if why == "no copy" else 0
    assert offer(workspace, world, rank, None if why == "skipped" else 0) is None
    if why in {"asked", "test split"}:
        (fate,) = say(workspace, world, likewise(copies)).acknowledgements
        assert fate.feedback == Followed(labelled=0, taken=1)
    else:
        with pytest.raises((ConflictError, InvalidInputError)):
            say(workspace, world, likewise(copies, of=f"token-{rank}"))
    assert copies[0] not in settled(workspace, world)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (Follow("t", "token-0", (), 1.0), InvalidInputError),
        (Follow("t", "token-0", (ItemId(1),) * 2, 1.0), InvalidInputError),
        (Follow("t", "token-0", (ItemId(2**40),), 1.0), InvalidInputError),
        (Follow("t:1", "token-0", (ItemId(4),), 1.0), InvalidInputError),
        (Follow("t", "token-0", (ItemId(4),), 1.0, "x" * 200), InvalidInputError),
        (Follow("t", "token-0", (ItemId(1),), 1.0), InvalidInputError),
        (Follow("t", "token-7", (ItemId(4),), 1.0), NotFoundError),
        (Follow("token-0", "token-0", (ItemId(4),), 1.0), ConflictError),
    ],
)
def test_what_can_never_be_stored_is_refused(workspace: Workspace, asked: Follow, error: type[AlflowError]) -> None:
    world, copies = world_with_copies(workspace)
    assert copies[0] == 4
    offer(workspace, world)
    with pytest.raises(error):
        say(workspace, world, Likewise(None, asked))
    with pytest.raises(NotFoundError):
        say(workspace, world, Likewise(None, Follow(uuid4().hex, "token-0", (copies[0],), 1.0)), who=1)


def test_they_are_answers_of_no_round(workspace: Workspace) -> None:
    world, copies = world_with_copies(workspace)
    offer(workspace, world)
    say(workspace, world, likewise(copies))
    with workspace.database.read() as tx:
        given = labels.of_tokens(tx, ["all", "all:1", "all:2"])
    assert [one.verdict for one in given] == [Verdict.CLASS] * 3
    assert {(one.round_id, one.candidate_id) for one in given} == {(None, None)}
