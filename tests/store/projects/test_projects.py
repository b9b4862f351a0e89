from dataclasses import replace

import pytest
from sqlalchemy import select

from alflow.domain.images import Split
from alflow.domain.projects import NewClass, ProjectSettings
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store import tables
from alflow.store.database import Database
from alflow.store.images import items
from alflow.store.projects import projects
from tests.queues import CLASSES, new_item, open_queue

SETTINGS = ProjectSettings(strategy="bald", budget=7, max_labels=3, seed=2**40)


def test_a_project_comes_back_as_it_was_made(database: Database) -> None:
    with database.begin() as tx:
        made = projects.create(tx, "birds", "ViT-B-32/laion", "bfloat16", SETTINGS)
    with database.read() as tx:
        assert projects.find(tx, "birds") == projects.by_id(tx, made.id) == made
        assert made.settings == SETTINGS
        assert made.posterior is None


def test_a_taken_name_is_refused_and_the_transaction_lives_on(database: Database) -> None:
    with database.begin() as tx:
        projects.create(tx, "birds", "demo", "float32", SETTINGS)
        with pytest.raises(ConflictError, match="'birds'"):
            projects.create(tx, "birds", "demo", "float32", SETTINGS)
        projects.create(tx, "ants", "demo", "float32", SETTINGS)
        assert [one.name for one in projects.all_(tx)] == ["ants", "birds"]


def test_a_name_that_does_not_exist_is_told_those_that_do(database: Database) -> None:
    with database.begin() as tx:
        with pytest.raises(NotFoundError, match=r"'brids': create it with .alflow init"):
            projects.find(tx, "brids")
        projects.create(tx, "birds", "demo", "float32", SETTINGS)
        with pytest.raises(NotFoundError, match=r"'brids'.*'birds'"):
            projects.find(tx, "brids")


def test_posterior_and_settings_are_replaced(database: Database) -> None:
    with database.begin() as tx:
        made = projects.create(tx, "birds", "demo", "float32", SETTINGS)
        projects.set_posterior(tx, made.id, "f" * 64)
        projects.update_settings(tx, made.id, replace(SETTINGS, budget=8))
        assert projects.by_id(tx, made.id) == replace(made, posterior="f" * 64, settings=replace(SETTINGS, budget=8))
        assert projects.set_posterior(tx, made.id, None).posterior is None


def test_what_does_not_exist_cannot_be_changed(database: Database) -> None:
    with database.begin() as tx:
        for change in (
            lambda: projects.by_id(tx, 5),
            lambda: projects.set_posterior(tx, 5, "x"),
            lambda: projects.update_settings(tx, 5, SETTINGS),
        ):
            with pytest.raises(NotFoundError, match="5"):
                change()


def test_classes_keep_their_ids_when_reordered_renamed_on_screen_and_added_to(database: Database) -> None:
    cat, dog = CLASSES
    with database.begin() as tx:
        project = projects.create(tx, "pets", "demo", "float32", SETTINGS)
        first = {one.name: one.id for one in projects.put_classes(tx, project.id, [cat, dog])}
        changed = replace(cat, display_name="Chat", prompts=("un chat",), hot_key="d")
        cow = NewClass("cow", "Cow", ("a cow",), "c")
        found = projects.put_classes(tx, project.id, [cow, dog, changed])
    assert [(one.name, one.position) for one in found] == [("cow", 0), ("dog", 1), ("cat", 2)]
    assert (found[1].id, found[2].id) == (first["dog"], first["cat"])
    assert (found[2].display_name, found[2].prompts, found[2].hot_key) == ("Chat", ("un chat",), "d")


def test_classes_that_nothing_uses_go(database: Database) -> None:
    with database.begin() as tx:
        project = projects.create(tx, "pets", "demo", "float32", SETTINGS)
        projects.put_classes(tx, project.id, CLASSES)
        assert [one.name for one in projects.put_classes(tx, project.id, CLASSES[1:])] == ["dog"]
        assert projects.put_classes(tx, project.id, []) == []


def test_classes_in_use_stay(database: Database) -> None:
    world = open_queue(database, 1)  # a candidate is predicted to be a cat
    with database.begin() as tx:
        dog = world.classes[1].id
        items.add(tx, world.project.id, [new_item(9, Split.TEST, truth=dog)])
        with pytest.raises(ConflictError, match="cat, dog"):
            projects.put_classes(tx, world.project.id, [NewClass("cow", "Cow", ())])


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (NewClass("cat", "Other", ()), "name 'cat'"),
        (NewClass("cow", "Cow", (), "c"), "hot key 'c'"),
    ],
)
def test_two_classes_share_neither_name_nor_key(database: Database, second: NewClass, says: str) -> None:
    with database.begin() as tx:
        project = projects.create(tx, "pets", "demo", "float32", SETTINGS)
        with pytest.raises(InvalidInputError, match=says):
            projects.put_classes(tx, project.id, [CLASSES[0], second])


def test_projects_do_not_see_each_others_classes(database: Database) -> None:
    with database.begin() as tx:
        one, two = (projects.create(tx, name, "demo", "float32", SETTINGS) for name in ("one", "two"))
        projects.put_classes(tx, one.id, CLASSES)
        projects.put_classes(tx, two.id, CLASSES)
        projects.put_classes(tx, one.id, [])
        assert [found.name for found in projects.classes(tx, two.id)] == ["cat", "dog"]
        assert tx.execute(select(tables.class_label.c.project_id)).scalars().all() == [two.id, two.id]
