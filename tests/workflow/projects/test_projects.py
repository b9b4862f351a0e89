from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import update

from alflow.accounts import Role
from alflow.domain.projects import NewClass, Project, ProjectSettings
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store import tables
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.people.accounts import add_account, list_members
from alflow.workflow.projects.classes import read_classes, read_pasted
from alflow.workflow.projects.projects import (
    change_settings,
    complete_classes,
    create_project,
    find_project,
    list_projects,
    name_classes,
    project_classes,
    set_classes,
)
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.queues import open_queue


def test_names_alone_are_enough(workspace: Workspace, pets: Project) -> None:
    stored = project_classes(workspace, pets.id)
    assert [label.name for label in stored] == ["cat", "dog", "traffic_light"]
    assert [label.display_name for label in stored] == ["cat", "dog", "traffic light"]
    assert [label.prompts for label in stored] == [
        ("a photo of a cat",),
        ("a photo of a dog",),
        ("a photo of a traffic light",),
    ]
    assert [label.hot_key for label in stored] == ["1", "2", "3"]
    assert [label.position for label in stored] == [0, 1, 2]


def test_projects_are_found_by_name_and_listed(workspace: Workspace, pets: Project, tiny_model: str) -> None:
    other = create_project(workspace, "birds", tiny_model, "bf16", name_classes(["owl", "tit"]))
    assert find_project(workspace, "pets") == pets
    assert list_projects(workspace) == [other, pets]
    with pytest.raises(NotFoundError, match=r"'fish'.*'birds', 'pets'"):
        find_project(workspace, "fish")
    with pytest.raises(ConflictError, match="already a project called 'pets'"):
        create_project(workspace, "pets", tiny_model, "fp32")


def test_nothing_is_stored_when_a_class_is_wrong(workspace: Workspace, tiny_model: str) -> None:
    with pytest.raises(InvalidInputError, match="the name 'cat'"):
        create_project(workspace, "pets", tiny_model, "fp32", [NewClass("cat", "", ()), NewClass("cat ", "", ())])
    assert list_projects(workspace) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "project's name is missing"),
        ({"name": "x" * 201}, "200 visible characters"),
        ({"name": "a\0b"}, r"a project's name cannot be 'a\\x00b'"),
        ({"name": "a\udcffb"}, "half of a surrogate pair"),
        ({"model": "clip"}, "'clip' is of no known form"),
        ({"model": "ViT-B-32/nothing"}, "no pretrained tag of ViT-B-32 'nothing'"),
        ({"precision": "float8"}, "unknown precision 'float8'"),
        ({"settings": ProjectSettings(strategy="guess")}, "there is no strategy 'guess'"),
        ({"settings": ProjectSettings(budget=0, votes=0)}, "budget = 0, votes = 0"),
        ({"settings": ProjectSettings(control_fraction=1.5)}, "control_fraction = 1.5"),
        ({"settings": ProjectSettings(pretraining_weight=0.0)}, "pretraining_weight = 0.0"),
        ({"settings": ProjectSettings(pretraining_weight=float("nan"))}, "pretraining_weight = nan"),
        ({"settings": ProjectSettings(max_labels=0)}, "max_labels = 0"),
        ({"settings": ProjectSettings(lease_minutes=0)}, "lease_minutes = 0"),
        ({"settings": ProjectSettings(lease_minutes=float("inf"))}, "lease_minutes = inf"),
        ({"settings": ProjectSettings(seed=10**20)}, "seed = 100000000000000000000"),
        ({"settings": ProjectSettings(seed=10**5000)}, "seed = a number of more than 60 digits"),
        ({"settings": ProjectSettings(budget=True)}, "budget = True"),
        ({"settings": ProjectSettings(budget="20")}, "budget = '20'"),
        ({"settings": ProjectSettings(votes=None)}, "votes = None"),
        ({"settings": ProjectSettings(strategy="+".join(["random"] * 90))}, "up to 500 characters"),
    ],
)
def test_what_cannot_be_used_is_named(
    workspace: Workspace, tiny_model: str, changes: dict[str, object], message: str
) -> None:
    arguments = {"name": "p", "model": tiny_model, "precision": "fp32"} | changes
    with pytest.raises(InvalidInputError, match=message):
        create_project(workspace, **arguments)  # type: ignore[arg-type]
    assert list_projects(workspace) == []


def test_settings_change_through_the_same_door(workspace: Workspace, pets: Project) -> None:
    changed = change_settings(workspace, pets.id, replace(pets.settings, budget=7))
    assert find_project(workspace, "pets").settings.budget == changed.settings.budget == 7
    with pytest.raises(InvalidInputError, match="budget = -1"):
        change_settings(workspace, pets.id, replace(pets.settings, budget=-1))


def test_settings_that_an_older_alflow_let_be_are_told_with_the_remedy(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 1)
    old = replace(world.project.settings, seed=10**20, lease_minutes=1e12)
    with each_workspace.database.begin() as tx:
        kept = {**asdict(old), "of_a_newer_alflow": 1}
        tx.execute(update(tables.project).values(settings=kept))
    assert list_projects(each_workspace)[0].settings == old
    assert next_candidates(each_workspace, world.project.id, world.annotators[0].id)
    with pytest.raises(InvalidInputError, match=r"seed = 100000000000000000000.*`alflow settings NAME=VALUE`"):
        close_round(each_workspace, world.project.id, world.round.id, early=True)
    change_settings(each_workspace, world.project.id, replace(old, seed=1, lease_minutes=1.0))


def test_classes_keep_ids_and_keys_when_others_come(workspace: Workspace, pets: Project) -> None:
    cat, dog, light = project_classes(workspace, pets.id)
    new = [*name_classes(["owl"]), NewClass("dog", "A dog!", ("a dog",)), NewClass("cat", "", ())]
    classes = set_classes(workspace, pets.id, new)
    owl, new_dog, new_cat = classes
    assert (new_dog.id, new_cat.id) == (dog.id, cat.id)
    assert light.name not in {label.name for label in classes}
    assert (new_dog.display_name, new_dog.prompts) == ("A dog!", ("a dog",))
    assert (owl.hot_key, new_dog.hot_key, new_cat.hot_key) == ("3", "2", "1")


def test_hot_keys_go_from_digits_to_letters_and_then_end(workspace: Workspace, pets: Project) -> None:
    many = set_classes(workspace, pets.id, name_classes([f"class {i}" for i in range(40)]))
    assert [label.hot_key for label in many[:11]] == [*"123456789ab"]
    assert [label.hot_key for label in many[35:]] == [None] * 5
    given = set_classes(workspace, pets.id, [NewClass("x", "", ()), NewClass("y", "", (), hot_key="1")])
    assert [label.hot_key for label in given] == ["2", "1"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([NewClass("", "", ())], "has no name"),
        ([NewClass("a", "", ("x", ""))], "'a' has an empty prompt"),
        ([NewClass("a", "", ("x", "x"))], "'a' has the same prompt twice"),
        ([NewClass("a", "", (), "F1")], "hot key of 'a' is 'F1'"),
        ([NewClass("a", "", (), " ")], "hot key of 'a' is ' '"),
        ([NewClass("a", "", (), "q"), NewClass("b", "", (), "q")], "the hot key 'q'"),
    ],
)
def test_wrong_classes_are_named(classes: list[NewClass], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        complete_classes(classes)


def test_templates_make_an_ensemble_and_need_a_place() -> None:
    (owl,) = name_classes(["barn_owl"], ["a photo of a {}", "a drawing of a {}"])
    assert owl.prompts == ("a photo of a barn owl", "a drawing of a barn owl")
    with pytest.raises(InvalidInputError, match=r"'an owl' needs a \{\}"):
        name_classes(["owl"], ["an owl"])


WANTED = [
    NewClass("cat", "Cat", ("a cat", "a kitten"), "c"),
    NewClass("dog", "dog", ("a photo of a dog",)),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "classes.json",
            '[{"name": "cat", "display_name": "Cat", "prompts": ["a cat", "a kitten"], "hot_key": "c"}, "dog"]',
        ),
        ("classes.csv", "\ufeffname,display_name,prompt,hot_key\ncat,Cat,a cat,c\ncat,,a kitten,\ndog,,,\n"),
    ],
)
def test_class_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_classes(tmp_path / name) == WANTED


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("robin\n\n wren \n", ((), ())),
        ('name;prompt\nrobin;"a robin"\nwren;\n', (("a robin",), ())),
        ('["robin", {"name": "wren", "prompts": ["a wren"]}]', ((), ("a wren",))),
        ("name\nwren", ((), ())),  # a list whose first class is called so
        ("\ufeffName,prompt\r\nrobin,\r\nwren,a wren\r\n", ((), ("a wren",))),
        ("robin, wren", ((), ())),
        ("robin\twren", ((), ())),
        ("robin;\nwren;", ((), ())),
        ("1. robin\n2) wren\u200b\n", ((), ())),
        ("- robin\n\u2022 wren", ((), ())),
        ("\u201crobin\u201d,\n'wren'", ((), ())),
    ],
)
def test_pasted_classes_are_read_as_files_are(text: str, prompts: tuple[tuple[str, ...], ...]) -> None:
    found = read_pasted(text)
    assert [one.name for one in found] == [text[:4], "wren"] if text.startswith("name\n") else ["robin", "wren"]
    assert tuple(one.prompts for one in found) == prompts


@pytest.mark.parametrize(
    "text", ["1. FC Union\nBFC", "7. day\n8. day", "tench, Tinca tinca\ngoldfish, Carassius", "-1\n+1"]
)
def test_what_only_some_lines_have_is_part_of_the_name(text: str) -> None:
    assert [one.name for one in read_pasted(text)] == text.split("\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "holds no class"), ("wren\nwren", "wren"), ("[1", "cannot be used"), ("a\tb\nc\td", "first line")],
)
def test_wrong_pasted_classes_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_pasted(text)


def test_whoever_has_an_account_may_be_the_first_owner(workspace: Workspace, tiny_model: str) -> None:
    ada = add_account(workspace, "Ada", email="ada@example.org")
    made = create_project(workspace, "birds", tiny_model, "fp32", name_classes(["wren"]), owner=ada.annotator_id)
    assert [(one.account.name, one.role) for one in list_members(workspace, made.id)] == [("Ada", Role.OWNER)]


def test_a_class_file_gives_cells_back_as_they_were_quoted(tmp_path: Path) -> None:
    """As alflow and others quote what a spreadsheet would run."""
    (tmp_path / "classes.csv").write_text("name,prompt\n'-1,'=x\n''+1,'90s\n")
    found = read_classes(tmp_path / "classes.csv")
    assert [(each.name, each.prompts) for each in found] == [("-1", ("=x",)), ("'+1", ("'90s",))]


def test_class_files_of_names_and_of_prompts_by_name(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\n\n dog \n")
    assert read_classes(tmp_path / "names.txt") == name_classes(["cat", "dog"])
    (tmp_path / "prompts.json").write_text('{"cat": ["a cat"], "dog": "a dog"}')
    assert [label.prompts for label in read_classes(tmp_path / "prompts.json")] == [("a cat",), ("a dog",)]
    assert read_classes(tmp_path / "names.txt", ["my {}"])[1].prompts == ("my dog",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'name,prompt\ncat,"a cat\non a mat"\n'),
        ("a.csv", 'name,prompt\r\ncat,"a cat\non a mat"\r\n'),
        ("a.csv", '\ufeffName ; Prompt\r\ncat;"a cat\non a mat"\r\n;\r\n'),
        ("a.csv", 'sep=;\r\nname;prompts\r\ncat;"a cat\non a mat"\r\n'),
        ("a.tsv", 'NAME\tprompt\tDisplay name\ncat\t"a cat\non a mat"\tcat\n'),
        ("a.json", '[{"name": "cat", "prompts": "a cat\\non a mat", "hot_key": null}]'),
    ],
)
def test_a_line_end_inside_of_a_cell_stays_whoever_wrote_the_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert read_classes(tmp_path / name) == [NewClass("cat", "cat", ("a cat\non a mat",))]


def test_lines_end_where_lines_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes('name,prompt\ncat,"a\r\nb\u2028c"\n'.encode())
    assert read_classes(tmp_path / "a.csv")[0].prompts == ("a\r\nb\u2028c",)
    (tmp_path / "a.txt").write_bytes(b"cat\r\ndog\rowl\n")
    assert [each.name for each in read_classes(tmp_path / "a.txt")] == ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "# animals\ncat\n", "line 1 begins with '# '"),
        ("a.txt", "cat\u2028dog\n", r"U\+2028"),
        ("a.json", '["cat", 1]', "'1' is not a class"),
        ("a.json", '["cat", null]', "'null' is not a class"),
        ("a.json", '["cat", ["dog"]]', "is not a class"),
        ("a.json", '[{"name": 1}]', "'1' holds something that is not text"),
        ("a.json", '[{"name": "cat", "display_name": 0}]', "holds something that is not text"),
        ("a.json", '[{"name": "cat", "prompts": {}}]', "holds something that is not text"),
        ("a.json", '[{"name": "cat", "prompts": false}]', "holds something that is not text"),
        ("a.json", '[{"name": "\\ud800"}]', "half of a surrogate pair"),
        ("a.json", '{"cat": "a", "cat": "b"}', "'cat' is in it twice"),
        ("a.json", "[" * 100_000, "recursion"),
        ("a.csv", "name\ncat\ncat\n", "two classes have the name 'cat'"),
        ("a.csv", "name,display_name,prompt\ncat,A,x\ncat,B,y\n", "row 3 gives 'cat' another display_name"),
        ("a.csv", "name,prompt\ncat,a cat, on a mat\n", "row 2 has more cells"),
        ("a.csv", "name,prompt\n,a cat\n", "row 2 names no class"),
        ("a.csv", "name,name\na,b\n", "its columns are"),
        ("a.csv", 'name,prompt\ncat,"a cat\n', "unexpected end of data"),
        ("a.csv", "", "a column 'name' is needed"),
        ("a.txt", "", "holds no class"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "3", "must be a list"),
        ("a.json", '[{"title": "cat"}]', "is not a class"),
        ("a.json", '[{"name": "cat", "prompts": [1]}]', "'cat' holds something that is not text"),
        ("a.csv", "title\ncat\n", "its columns are title: a column 'name' is needed"),
        ("a.txt", "cat\ncat\n", "two classes have the name 'cat'"),
        ("missing.txt", None, "cannot be read"),
    ],
)
def test_wrong_class_files_are_named(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError, match=f"{name}.*{message}"):
        read_classes(tmp_path / name)
