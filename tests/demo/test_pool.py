import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alflow.demo.emoji import Emoji, read_table
from alflow.demo.pool import CLASS_NAMES, CLASSES, SHARES, drawings, render, split_rows, write_pool
from alflow.domain.images import Split


def test_there_is_enough_to_label_and_to_judge_by() -> None:
    counts = Counter(drawing.split for drawing in drawings())
    assert counts.total() >= 500
    assert counts[Split.TEST] >= 125
    assert len(CLASS_NAMES) >= 10
    subgroups = [subgroup for members in CLASSES.values() for subgroup in members]
    assert len(set(subgroups)) == len(subgroups)


def test_every_class_has_images_in_every_split() -> None:
    found = {(drawing.label, drawing.split) for drawing in drawings()}
    assert found == {(label, split) for label in range(len(CLASS_NAMES)) for split in Split}


def test_no_emoji_stands_twice_and_none_differs_by_gender_or_skin_only() -> None:
    characters = [drawing.emoji.character for drawing in drawings()]
    assert len(set(characters)) == len(characters)
    assert not [c for c in characters if "\u200d" in c or any("\U0001f3fb" <= point <= "\U0001f3ff" for point in c)]


def test_the_split_is_a_function_of_the_seed() -> None:
    assert drawings(seed=3) == drawings(seed=3)
    assert drawings(seed=3) != drawings(seed=4)


@given(st.lists(st.integers(0, 5), min_size=20, max_size=300), st.integers(0, 99))
def test_splits_keep_their_shares_in_the_whole_and_in_every_class(labels: list[int], seed: int) -> None:
    splits = split_rows(labels, seed)
    for of, share in SHARES.items():
        assert abs(splits.count(of) - share * len(labels)) <= 1.5
        for label in set(labels):
            among = [split for split, known in zip(splits, labels, strict=True) if known == label]
            assert abs(among.count(of) - share * len(among)) <= 3


@pytest.mark.usefixtures("openmoji")
def test_pictures_are_the_same_every_time_and_differ_from_each_other() -> None:
    some = drawings()[::25]
    pictures = [render(drawing.emoji).tobytes() for drawing in some]
    assert pictures == [render(drawing.emoji).tobytes() for drawing in some]
    assert len(set(pictures)) == len(some)


@pytest.mark.usefixtures("openmoji")
def test_an_emoji_with_a_variation_selector_is_drawn_in_colour() -> None:
    heart = Emoji("\u2764\ufe0f", "red heart", "heart", ())
    colours = render(heart).getcolors(maxcolors=100_000)
    assert colours is not None
    _, (red, green, blue) = sorted(colours)[-2]  # the most frequent one is the white of the paper
    assert red > 150 > max(green, blue)


@pytest.mark.slow
@pytest.mark.usefixtures("openmoji")
def test_the_manifest_names_every_picture_once(tmp_path: Path) -> None:
    manifest = write_pool(tmp_path)
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == len(rows) == len(drawings())
    assert all((tmp_path / row["path"]).is_file() for row in rows)
    assert {row["split"] for row in rows} == {"pool", "target", "test"}
    assert {row["label"] for row in rows} == set(CLASS_NAMES)


def test_the_table_knows_code_points_and_gender() -> None:
    table = {emoji.name: emoji for emoji in read_table()}
    assert table["red heart"].code == "2764"
    assert table["man astronaut"].gendered
    assert not table["astronaut"].gendered
    assert not table["male sign"].gendered
