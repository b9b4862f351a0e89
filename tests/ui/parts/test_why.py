"""The words of the card that opens, and the figures of what labels were worth."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan

import pytest

from alflow.domain.images import Item, Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.domain.reasons import Aim, Near, Place, Reasons
from alflow.domain.rounds import Candidate, Origin
from alflow.ui.parts import worth_charts
from alflow.ui.parts.why import nats, told
from alflow.workflow.insight.worth import Group, Kept
from alflow.workflow.rounds.review import CandidateReview
from alflow.workflow.rounds.why import Why

PROJECT = Project(7, "birds", "demo", "fp32", None, ProjectSettings(), datetime(2026, 1, 1, tzinfo=UTC))
ITEM = Item(5, 7, "0" * 64, "5.png", Split.POOL, 4, 4, None)
NAMES = {1: "heron", 2: "egret", 3: "stork"}
CANDIDATE = Candidate(1, 1, 5, 0, Origin.STRATEGY, 1.0, 1, {1: 0.5, 2: 0.375, 3: 0.125}, 0.6, 0.3, 1)
REASONS = Reasons(
    Aim.TARGET,
    expected=0.02,
    gains={1: 0.01, 2: 0.02, 3: 0.06},
    lead=0.288,
    lead_deviation=2.31,
    informs=(Near(8, 0.5),),
    copies=(Near(9, 0.96),),
    n_copies=4,
    places=(Place("margin", 3, 12_000, True), Place("bald", 40, 12_000, False)),
)


def why(reasons: Reasons | None = REASONS, candidate: Candidate = CANDIDATE, given: int | None = None) -> Why:
    return Why(CandidateReview(candidate, ITEM, (), given), reasons)


def test_the_card_says_all_there_is_to_say() -> None:
    found = told(PROJECT, why(), NAMES)
    assert found == {
        "sentences": [
            "A label is expected to tell 0.02 nats about each target image, on average.",
            "heron (50%) leads egret (38%) by 0.29 nats of log-odds; labels may still move that by ± 2.31.",
            "67% of its uncertainty of 0.9 nats is epistemic: more labels would remove most of it.",
        ],
        "answers": [
            ("heron", "50%", "0.01 nats"),
            ("egret", "38%", "0.02 nats"),
            ("stork", "12%", "0.06 nats"),
        ],
        "about": "It tells most about these target images",
        "informs": [{"image": "./images/7/8/thumbnail", "name": "Image 8", "caption": "0.5 nats"}],
        "alike": "4 near copies in the pool, of which 1 are shown",
        "copies": [{"image": "./images/7/9/thumbnail", "name": "Image 9", "caption": "96% alike"}],
        "places": [("margin", "3 of 12,000"), ("bald", "about 40 of 12,000")],
    }


@pytest.mark.parametrize(
    ("realised", "words"),
    [(0.021, "told 0.021 nats, about as much."), (0.06, "told 0.06 nats, 3 times as much."), (0.0, "0 times as much.")],
)
def test_after_the_answer_it_says_what_it_was_worth(realised: float, words: str) -> None:
    found = told(PROJECT, why(replace(REASONS, realised=realised), given=3), NAMES)
    assert found is not None
    assert found["sentences"][0].endswith(words)
    assert found["answers"][-1][0] == "stork (given)"


def test_the_answer_that_was_given_is_told_however_improbable() -> None:
    names = {one: f"class {one}" for one in range(1, 31)}
    gains = dict.fromkeys(names, 0.5)
    candidate = replace(CANDIDATE, probabilities=dict.fromkeys(names, 1 / 30))
    found = told(PROJECT, why(replace(REASONS, gains=gains), candidate, given=30), names)
    assert found is not None
    assert [name for name, *_ in found["answers"]] == [*(f"class {one}" for one in range(1, 6)), "class 30 (given)"]


def test_of_a_class_that_is_gone_and_an_image_alone_it_still_speaks() -> None:
    alone = replace(REASONS, aim=Aim.POOL, informs=(), copies=(), n_copies=0, places=())
    found = told(PROJECT, why(alone, replace(CANDIDATE, epistemic=0.01, aleatoric=0.0)), {})
    assert found is not None
    assert found["sentences"][2] == "The model is all but sure: its uncertainty is 0.01 nats in all."
    assert found["sentences"][1].startswith("? (50%) leads ? (38%)")
    assert (found["about"], found["alike"]) == ("It tells about no other image", "No near copy of it is in the pool")


def test_without_reasons_there_is_no_card_to_open() -> None:
    assert told(PROJECT, why(None), NAMES) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.000089, "0.000089"), (0.0123, "0.012"), (0.288, "0.29"), (2.306, "2.31"), (40, "40")],
)
def test_nats_have_two_digits_and_no_exponent(value: float, text: str) -> None:
    assert nats(value) == text


def test_the_tables_of_the_figures_hold_what_is_drawn() -> None:
    groups = worth_charts.group_table([
        (Origin.CONTROL, Group(5, 0.1, 0.2, 0.1, 0.3)),
        (Origin.PERSON, Group(5, 1, 1, 1, 1)),
    ])
    assert groups.to_dict("records") == [
        {"chosen by": "Control slice", "images": 5, "expected": 0.1, "realised": 0.2, "low": 0.1, "high": 0.3}
    ]
    rounds = worth_charts.round_table([
        (1, Kept(20, 0.1, 0.2, 2.0, 1.0, 3.0)),
        (2, Kept(3, 0.1, 0.1, 1.0, 0.0, inf)),
        (3, Kept(2, 0.0, 0.1, nan, nan, nan)),
    ])
    assert rounds["round"].tolist() == [1, 2]
    assert rounds["high"].isna().tolist() == [False, True]
    drawn = worth_charts.promises(groups).to_dict(), worth_charts.by_round(rounds).to_dict()
    assert [len(chart["layer"]) for chart in drawn] == [3, 4]
    assert len(worth_charts.by_round(rounds[1:]).to_dict()["layer"]) == 3  # no interval is known


def test_an_interval_that_reaches_nothing_ends_at_the_edge_of_the_figure() -> None:
    """On a logarithmic axis nothing has no place; the table keeps it."""
    table = worth_charts.group_table([
        (Origin.STRATEGY, Group(5, 0.1, 0.0, 0.0, 0.0)),
        (Origin.STRATEGY, Group(5, 1, 2, 0, 4)),
    ])
    chart = worth_charts.promises(table).to_dict()
    rows = next(rows for rows in chart["datasets"].values() if "low" in rows[0])
    assert min(row[name] for row in rows for name in ("expected", "realised", "low", "high")) == pytest.approx(0.08)
    assert table["low"].tolist() == [0, 0]
