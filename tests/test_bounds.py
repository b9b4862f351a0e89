import math
from dataclasses import fields, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from alflow.bounds import bounds_of, unfit
from alflow.domain.projects import ProjectSettings, Suggestion
from alflow.domain.trials import Trial
from alflow.workflow.backtests.study import Grid

HELD = [ProjectSettings(), Trial("default", 0), Grid()]
NUMBERS = [
    (values, each.name)
    for values in HELD
    for each in fields(values)
    if {int, float} & {get_type_hints(type(values))[each.name], *get_args(get_type_hints(type(values))[each.name])}
]


@pytest.mark.parametrize(("values", "name"), NUMBERS, ids=[f"{type(held).__name__}-{name}" for held, name in NUMBERS])
def test_every_number_has_both_bounds_and_a_kind(values: Any, name: str) -> None:
    hint = get_type_hints(type(values))[name]
    bounds = bounds_of(type(values), name)
    wrong = [
        math.nan,
        math.inf,
        -math.inf,
        10**25,
        -(10**25),
        True,
        "1",
        [1],
        bounds.high * 2 + 1,
        -abs(bounds.low) - 1,
    ]
    wrong += [] if float in {hint, *get_args(hint)} else [1.5]
    wrong += [] if NoneType in get_args(hint) else [None]
    wrong += [bounds.low] if bounds.above else []
    wrong += [bounds.high] if bounds.below else []
    for value in wrong:
        assert unfit(replace(values, **{name: value})).keys() == {name}, value
    within = (bounds.low + bounds.high) / 2
    middle = within if float in {hint, *get_args(hint)} else int(within)
    right = [middle, *([] if bounds.above else [bounds.low]), *([] if bounds.below else [bounds.high])]
    for value in right:
        assert not unfit(replace(values, **{name: value})), value


def test_words_and_choices_have_a_kind_too() -> None:
    for changes in ({"strategy": "x" * 501}, {"strategy": None}, {"suggestion": "never"}, {"gold_feedback": 1}):
        assert unfit(replace(ProjectSettings(), **changes)).keys() == changes.keys()
    assert not unfit(ProjectSettings(suggestion=Suggestion.NEVER, gold_feedback=True))
    assert unfit(ProjectSettings(budget=0, pretraining_weight=0.0)) == {
        "budget": "a whole number, 1 to 10,000",
        "pretraining_weight": "more than 0 to 327,680,000,000",
    }
