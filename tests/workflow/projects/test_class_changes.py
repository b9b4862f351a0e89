from collections.abc import Sequence

import pytest

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, NewClass, Project
from alflow.errors import AlflowError, ConflictError, InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.submission import Submission
from alflow.workflow.projects.class_changes import (
    add_classes,
    edit_classes,
    order_classes,
    remove_classes,
    rename_class,
)
from alflow.workflow.projects.class_edits import Edit
from alflow.workflow.projects.projects import create_project, find_project, name_classes, project_classes, set_classes
from alflow.workspace import Workspace
from tests.queues import new_item, open_queue

BY_HAND = NewClass("dog", "Hound", ("a hound in the wild", "a photo of a dog"), "h")


@pytest.fixture
def zoo(workspace: Workspace, tiny_model: str) -> Project:
    return create_project(
        workspace, "zoo", tiny_model, "fp32", [*name_classes(["cat"]), BY_HAND, *name_classes(["owl"])]
    )


def stored(workspace: Workspace, project: Project) -> dict[str, ClassLabel]:
    return {each.name: each for each in project_classes(workspace, project.id)}


def test_setting_names_changes_nothing_that_is_not_named(workspace: Workspace, zoo: Project) -> None:
    before = stored(workspace, zoo)
    names = [NewClass(name, "", ()) for name in ("owl", "dog", "cat", "bat")]
    classes = set_classes(workspace, zoo.id, names, ["my {}"])
    assert [each.name for each in classes] == ["owl", "dog", "cat", "bat"]
    for name, old in before.items():
        new = stored(workspace, zoo)[name]
        assert (new.id, new.display_name, new.prompts, new.hot_key) == (
            old.id,
            old.display_name,
            old.prompts,
            old.hot_key,
        )
    assert classes[3].prompts == ("my bat",)
    (given,) = set_classes(workspace, zoo.id, [NewClass("dog", "", ("a dog",))])
    assert (given.display_name, given.prompts, given.hot_key) == ("Hound", ("a dog",), "h")


@pytest.mark.parametrize("spelling", ["Cat", "CAT", "c\u0430t", "_cat"])
def test_a_class_does_not_go_because_it_is_spelt_in_another_way(
    workspace: Workspace, zoo: Project, spelling: str
) -> None:
    before = stored(workspace, zoo)
    with pytest.raises(ConflictError, match=r"looks like the class 'cat', which would go.*rename"):
        set_classes(workspace, zoo.id, name_classes([spelling, "dog", "owl"]))
    assert stored(workspace, zoo) == before


def test_added_classes_come_last_and_leave_the_others(workspace: Workspace, zoo: Project) -> None:
    before = stored(workspace, zoo)
    done = add_classes(
        workspace, zoo.id, [NewClass("red_fox", "", ()), NewClass("elk", "", ("an elk",), "e")], ["my {}"]
    )
    assert [(each.name, each.prompts, each.hot_key) for each in done.changed] == [
        ("red_fox", ("my red fox",), "3"),
        ("elk", ("an elk",), "e"),
    ]
    assert {each.name: each for each in done.classes[:3]} == before
    with pytest.raises(InvalidInputError, match="two classes have the name 'elk'"):
        add_classes(workspace, zoo.id, name_classes(["elk"]))
    with pytest.raises(InvalidInputError, match=r"'red_fox' and 'Red-Fox' look alike"):
        add_classes(workspace, zoo.id, name_classes(["Red-Fox"]))


def test_a_renamed_class_keeps_what_refers_to_it_and_what_was_written_by_hand(
    workspace: Workspace, zoo: Project
) -> None:
    before = stored(workspace, zoo)
    (cat,) = rename_class(workspace, zoo.id, "cat", "house_cat").changed
    old = before["cat"]
    assert (cat.id, cat.hot_key, cat.position) == (old.id, old.hot_key, old.position)
    assert (cat.display_name, cat.prompts) == ("house cat", ("a photo of a house cat",))
    (dog,) = rename_class(workspace, zoo.id, "dog", "wolf").changed
    assert (dog.id, dog.display_name, dog.prompts) == (before["dog"].id, "Hound", BY_HAND.prompts)
    assert stored(workspace, zoo)["owl"] == before["owl"]
    (back,) = rename_class(workspace, zoo.id, "house_cat", "House_Cat").changed  # capitals of its own may change
    assert back.id == cat.id
    assert [each.name for each in project_classes(workspace, zoo.id)] == ["House_Cat", "wolf", "owl"]


def test_prompts_of_a_template_that_classes_share_follow_a_new_name(workspace: Workspace, tiny_model: str) -> None:
    made = name_classes(["cat", "dog"], ["my {} at home", "a {}"])
    mixed = NewClass("owl", "", ("my owl at home", "an owl by night"))
    there = create_project(workspace, "there", tiny_model, "fp32", [*made, mixed])
    (bird,) = rename_class(workspace, there.id, "owl", "tit").changed
    assert bird.prompts == ("my tit at home", "an owl by night")
    (cat,) = rename_class(workspace, there.id, "cat", "lynx").changed
    assert cat.prompts == ("my lynx at home", "a lynx")


def test_one_class_is_edited_and_several_by_a_template(workspace: Workspace, zoo: Project) -> None:
    before = stored(workspace, zoo)
    (cat,) = edit_classes(workspace, zoo.id, ["cat"], Edit(display_name="Puss", hot_key="p")).changed
    assert (cat.display_name, cat.hot_key, cat.prompts) == ("Puss", "p", ("a photo of a cat",))
    done = edit_classes(workspace, zoo.id, ["cat", "dog"], Edit(templates=["see {}", "a {}"]))
    assert [each.prompts for each in done.changed] == [("see Puss", "a Puss"), ("see Hound", "a Hound")]
    assert stored(workspace, zoo)["owl"] == before["owl"]
    for edit, says in [
        (Edit(), "say what to change"),
        (Edit(hot_key="h"), "the hot key 'h'"),
        (Edit(display_name="hound"), "'cat' and 'dog' are shown alike"),
        (Edit(prompts=["see HOUND", "a Hound"]), "'cat' and 'dog' have the same prompts"),
        (Edit(prompts=[""]), "'cat' has an empty prompt"),
        (Edit(templates=["see"]), "needs a {}"),
    ]:
        with pytest.raises(InvalidInputError, match=says):
            edit_classes(workspace, zoo.id, ["cat"], edit)


def test_some_classes_come_first_and_the_others_follow(workspace: Workspace, zoo: Project) -> None:
    keys = {name: each.hot_key for name, each in stored(workspace, zoo).items()}
    assert [each.name for each in order_classes(workspace, zoo.id, ["owl"]).classes] == ["owl", "cat", "dog"]
    assert [each.name for each in order_classes(workspace, zoo.id, ["dog", "cat"]).classes] == ["dog", "cat", "owl"]
    assert {name: each.hot_key for name, each in stored(workspace, zoo).items()} == keys
    with pytest.raises(InvalidInputError, match="named twice"):
        order_classes(workspace, zoo.id, ["dog", "dog"])


def test_a_class_that_is_not_there_is_offered_by_its_near_name(workspace: Workspace, zoo: Project) -> None:
    with pytest.raises(NotFoundError, match=r"'DOG': did you mean 'dog'\?"):
        remove_classes(workspace, zoo.id, ["DOG"])
    with pytest.raises(NotFoundError, match=r"'cow': choose one of 'cat', 'dog', 'owl'"):
        order_classes(workspace, zoo.id, ["cow"])


@pytest.mark.slow
def test_a_class_goes_only_while_nothing_names_it(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 2)  # candidates are predicted to be cats
    dog = world.classes[1]
    add_classes(each_workspace, world.project.id, name_classes(["owl", "cow"]))
    assert remove_classes(each_workspace, world.project.id, ["owl"]).open_round == world.round.number
    given = Submission("t", world.candidates[0].id, Verdict.CLASS, dog.id, 1.0)
    submit(each_workspace, world.project.id, world.annotators[0].id, given)
    with each_workspace.database.begin() as tx:
        items.add(tx, world.project.id, [new_item(9, Split.TEST, truth=dog.id)])
    for names, says in [
        (["cat"], "classes cat: 'cat' by 2 candidates"),
        (["cow", "dog"], "classes dog: 'dog' by 1 labels, 1 images with a known class"),
    ]:
        with pytest.raises(ConflictError, match=says):
            remove_classes(each_workspace, world.project.id, names)
    assert [each.name for each in project_classes(each_workspace, world.project.id)] == ["cat", "dog", "cow"]


def test_two_alike_that_are_there_already_do_not_stop_other_changes(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    old = [NewClass("a-b", "a-b", ("x",)), NewClass("a b", "a b", ("y",)), NewClass("c\u200bd", "x" * 300, ("\x1b",))]
    with each_workspace.database.begin() as tx:
        kept = [NewClass(each.name, each.display_name, each.prompts, each.hot_key) for each in world.classes]
        projects.put_classes(tx, world.project.id, [*kept, *old])
    add_classes(each_workspace, world.project.id, name_classes(["cow"]))
    with pytest.raises(InvalidInputError, match="look alike"):
        edit_classes(each_workspace, world.project.id, ["a b"], Edit(prompts=["z"]))
    rename_class(each_workspace, world.project.id, "a b", "other")
    edit_classes(each_workspace, world.project.id, ["a-b"], Edit(prompts=["z"]))


ALIKE: Sequence[tuple[list[NewClass], str]] = [
    (name_classes(["cat"]) + name_classes(["Cat"]), "'cat' and 'Cat' look alike"),
    (name_classes(["traffic_light"]) + name_classes(["traffic light"]), "look alike"),
    (name_classes(["traffic-light"]) + name_classes(["Traffic_Light"]), "look alike"),
    (name_classes(["\uff43\uff41\uff54"]) + name_classes(["cat"]), "look alike"),
    (name_classes(["cat\ufe0f"]) + name_classes(["cat"]), "look alike"),
    ([NewClass("a", "Cat", ("x",)), NewClass("b", "cat", ("y",))], "'a' and 'b' are shown alike"),
    ([NewClass("a", "Cat", ("x",)), NewClass("cat", "", ("y",))], "shown alike"),
    ([NewClass("a", "", ("x",)), NewClass("b", "", ("x",))], "same prompts"),
    ([NewClass("a", "", ("A  dog", "y")), NewClass("b", "", ("y", "a dog"))], "same prompts"),
    ([NewClass("a", "", ("x &amp; y",)), NewClass("b", "", ("x & y",))], "same prompts"),
    ([NewClass("a", "", ("w " * 75 + "a",)), NewClass("b", "", ("w " * 75 + "b",))], "same prompts"),
    (name_classes(["caf\u00e9"]) + name_classes(["cafe\u0301"]), "two classes have the name 'caf\u00e9'"),
    (name_classes(["a"]) + name_classes([" a "]), "two classes have the name 'a'"),
]


@pytest.mark.parametrize(("classes", "says"), ALIKE)
def test_classes_that_look_alike_to_people_or_the_model_are_refused_before_anything_is_stored(
    workspace: Workspace, tiny_model: str, classes: list[NewClass], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        create_project(workspace, "twins", tiny_model, "fp32", classes)
    with pytest.raises(NotFoundError):
        find_project(workspace, "twins")


@pytest.mark.parametrize(
    "new",
    [
        NewClass("x" * 201, "", ()),
        NewClass("a\0b", "", ()),
        NewClass("a\nb", "", ()),
        NewClass("a\u200bb", "", ()),
        NewClass("\u202ea", "", ()),
        NewClass("\ud800", "", ()),
        NewClass("a", "x" * 201, ()),
        NewClass("a", "b\0", ()),
        NewClass("a", "", ("\udfff",)),
        NewClass("a", "", ("x" * 1_001,)),
        NewClass("a", "", tuple(f"{n}" for n in range(1_001))),
        NewClass("a", "", (), "\u00e9"),
    ],
)
def test_what_no_database_keeps_or_nobody_sees_is_no_class(workspace: Workspace, zoo: Project, new: NewClass) -> None:
    before = stored(workspace, zoo)
    with pytest.raises(AlflowError):
        add_classes(workspace, zoo.id, [new])
    assert stored(workspace, zoo) == before
