import unicodedata

import pytest

from alflow.domain.projects import ClassLabel
from alflow.workflow.images.meaning import Problem, UnknownLabel, meanings, unknown_labels


def classes(*names: str, **shown: str) -> list[ClassLabel]:
    """Classes of these names; `shown` are further ones, name -> shown name."""
    every = {name: name for name in names} | shown
    return [ClassLabel(place, 1, name, every[name], (), place, None) for place, name in enumerate(every, start=1)]


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("café", "café"),
        (decomposed("café"), "café"),
        ("한국", decomposed("한국")),
        ("Å", "\u212b"),  # the sign for the unit angstrom is the same letter
        ("traffic light", "traffic_light"),  # as it is shown
        ("traffic_light", "traffic_light"),
        ("1", "1"),
    ],
)
def test_a_label_means_a_class_by_either_name_in_any_unicode_form(label: str, name: str) -> None:
    given = classes("dog", name, traffic_light="traffic light")
    (meant,) = [one for one in given if one.name == name]
    assert meanings([label, "dog"], given) == {label: meant.id, "dog": given[0].id}
    assert unknown_labels([label, "dog", ""], given) == ()


@pytest.mark.parametrize(
    ("label", "near"),
    [
        ("Cat", ("cat",)),
        ("CAT ", ("cat",)),
        ("dogs", ("dog",)),
        ("Traffic-Light", ("traffic_light",)),
        ("trafficlight", ("traffic_light",)),
        ("traffic  light", ("traffic_light",)),
        ("cafe", ("café",)),
        ("CAFÉ", ("café",)),
        ("c\u200bat", ("cat",)),
        ("ｃａｔ", ("cat",)),  # noqa: RUF001 - as wide letters
        ("сat", ("cat",)),  # noqa: RUF001 - with a Cyrillic letter
        ("1.0", ("1",)),
        ("01", ("1",)),
        ("1,00", ("1",)),
        ("２", ("2",)),  # noqa: RUF001 - a wide digit
        ("2.5", ()),
        ("22", ()),
        ("zebra", ()),
        ("🦓", ()),
        ("x" * 100_000, ()),
        ("9" * 100_000, ()),
    ],
)
def test_what_is_near_is_offered_and_not_taken(label: str, near: tuple[str, ...]) -> None:
    given = classes("cat", "dog", "café", "1", "2", traffic_light="traffic light")
    assert meanings([label], given) == {}
    assert unknown_labels([label, label, "cat", "", label], given) == (UnknownLabel(label, 3, Problem.UNKNOWN, near),)


@pytest.mark.parametrize(
    ("label", "among"),
    [
        ('["cat", "dog"]', ("cat", "dog")),
        ("['dog']", ("dog",)),
        ('{"name": "cat"}', ("cat",)),
        ("('cat', 'dog')", ("cat", "dog")),
        ("dog|cat", ("cat", "dog")),
        ("cat; dog", ("cat", "dog")),
        ('["zebra"]', ()),
        ("[]", ()),
        ("{}", ()),
    ],
)
def test_a_list_is_not_one_class(label: str, among: tuple[str, ...]) -> None:
    given = classes("cat", "dog", "cat, dog")
    assert meanings([label, "cat, dog"], given) == {"cat, dog": 3}
    assert unknown_labels([label], given) == (UnknownLabel(label, 1, Problem.LIST, among),)


def test_a_label_that_means_two_classes_is_neither() -> None:
    given = classes("bank", shore="bank", seat="bench", form="bench")
    assert meanings(["bank", "bench", "shore"], given) == {"shore": 2}
    assert unknown_labels(["bank", "bench", "shore", "bench"], given) == (
        UnknownLabel("bench", 2, Problem.AMBIGUOUS, ("seat", "form")),
        UnknownLabel("bank", 1, Problem.AMBIGUOUS, ("bank", "shore")),
    )


def test_the_most_frequent_come_first_and_a_tree_of_ten_thousand_folders_costs_little() -> None:
    folders = [f"sequence {number:05}" for number in range(10_000)]
    found = unknown_labels([*folders, "dogs", "dogs"], classes("dog", *(f"class {number}" for number in range(200))))
    assert found[0] == UnknownLabel("dogs", 2, Problem.UNKNOWN, ("dog",))
    assert len(found) == 10_001


def test_a_name_that_is_no_text_can_be_written_down() -> None:
    (found,) = unknown_labels(["bad \udcff"], classes("cat"))
    assert (found.label, meanings(["bad \udcff"], [])) == ("bad \\udcff", {})
