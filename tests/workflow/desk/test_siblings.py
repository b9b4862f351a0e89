"""Images of one thing beside the one to label: one's own answers among them, nobody else's, and no test image."""

from sqlalchemy import update

from alflow.domain.images import Split
from alflow.store import tables
from alflow.store.images import items
from alflow.ui.routes import desk
from alflow.workflow.desk.messages import Answer, Wish
from alflow.workflow.desk.siblings import AROUND
from alflow.workspace import Workspace
from tests.at_desk import visit
from tests.queues import World, new_item, open_queue
from tests.workflow.desk.answering import answer


def grouped(workspace: Workspace, size: int, split: Split = Split.POOL) -> World:
    """A queue of two, the first image of which is of a group with others that nobody asks about."""
    world = open_queue(workspace.database, 2, n_annotators=2)
    with workspace.database.begin() as tx:
        items.add(tx, world.project.id, [new_item(10 + n, split) for n in range(size)])
        rows = update(tables.item).where(tables.item.c.id != world.items[1].id)
        tx.execute(rows.values(group="patient 7"))
    return world


def test_those_around_it_are_shown_in_order(each_workspace: Workspace) -> None:
    world = grouped(each_workspace, 9)
    state = visit(each_workspace, world.project.id, world.annotators[0].id, wish=Wish())
    (group,) = state.groups.values()
    assert (list(state.groups), group.name) == ([world.items[0].id], "patient 7")
    first = world.items[0].id  # its address is the first of all
    assert [one.item_id for one in group.images] == [first, *range(3, 3 + AROUND)]


def test_one_sees_ones_own_answers_and_no_others(each_workspace: Workspace) -> None:
    world = grouped(each_workspace, 2)
    ada, bob = (one.id for one in world.annotators)
    visit(each_workspace, world.project.id, ada, Answer(None, answer(world, 0, 1)))
    with each_workspace.database.begin() as tx:  # the second image is of the group too, and waits for Bob
        tx.execute(update(tables.item).where(tables.item.c.id == world.items[1].id).values(group="patient 7"))
    told = {
        who: {one.item_id: one.class_id for one in state.groups[world.items[1].id].images}
        for who in (ada, bob)
        if (state := visit(each_workspace, world.project.id, who, wish=Wish())) and world.items[1].id in state.groups
    }
    mine = {world.items[0].id: world.classes[1].id}
    assert {item: class_id for item, class_id in told[ada].items() if class_id} == mine
    assert world.items[0].id in told.get(bob, told[ada])
    assert not any(told.get(bob, {}).values())


def test_no_image_of_the_other_side_of_the_test_split_is_among_them(each_workspace: Workspace) -> None:
    world = grouped(each_workspace, 3, Split.TEST)
    assert not visit(each_workspace, world.project.id, world.annotators[0].id, wish=Wish()).groups


def test_the_browser_gets_numbers_and_own_classes(workspace: Workspace) -> None:
    world = grouped(workspace, 1)
    first, second = desk.sync(workspace, world.project.id, world.annotators[0].id, [])["queue"]
    assert first["group"] == {"name": "patient 7", "images": [(world.items[0].id, None), (3, None)]}
    assert "group" not in second
