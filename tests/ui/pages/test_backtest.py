"""The Back-test page on trials that were made: shown whole, by Streamlit's own script runner."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.acquisition import plugins
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests import packages
from tests.packs import small_pack

pytestmark = pytest.mark.slow


def page() -> None:
    """The page alone, without sign-in and navigation."""
    import streamlit as st

    from alflow.accounts import Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import backtest
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", everywhere=True))
    st.session_state["project"] = "birds"
    backtest.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def shown(workspace: Workspace, drawn: Callable[..., AppTest]) -> AppTest:
    create_project(workspace, "birds", "demo", "fp32", name_classes(["robin", "wren"]))
    return drawn(page)


def test_without_a_back_test_the_page_says_so(shown: AppTest) -> None:
    shown.run()
    assert not shown.exception
    assert [info.value for info in shown.info] == [
        "No back-test yet: choose strategies above and start one, or run `alflow backtest`. It needs labels: "
        "answers, or a test split."
    ]


def test_strategies_of_other_packages_are_offered_and_faults_named(
    shown: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages.install(tmp_path, "good-ones", {"good_ones": packages.GOOD}, {"last": "good_ones:last"})
    packages.install(tmp_path, "broken", {}, {"gone": "no_such_module:choose"})
    monkeypatch.syspath_prepend(tmp_path)
    for cache in (plugins.offered, plugins.load):
        monkeypatch.setattr(plugins, cache.__name__, functools.cache(cache.__wrapped__))
    shown.run()
    assert not shown.exception
    assert "last: The last rows of the pool." in shown.multiselect[0].options
    assert ["package broken cannot be loaded" in warning.value for warning in shown.warning] == [True]


def test_standings_and_stops_of_what_was_tried(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    grid = Grid(("random", "margin"), seeds=2, rounds=1, batch=2)
    run_study(workspace, small_pack(tmp_path, images=60), grid)
    shown.run()
    assert not shown.exception
    assert not shown.error
    drawn, standings, stops, gains = (table.value for table in shown.dataframe)  # two figures bring theirs
    assert (len(drawn), len(gains)) == (4, 2)
    assert set(standings["Strategy"]) == {"random", "margin"}
    assert "Minus random" in standings.columns
    assert len(stops) == 4
    assert set(stops["Reason"]) == {"no rule applied"}
    shown.number_input[-4].set_value(2).run()  # a limit of labels
    assert not shown.exception
    assert set(shown.dataframe[2].value["Reason"]) == {"2 images are labelled, the limit is 2"}


def test_the_parts_of_the_uncertainty_are_measures(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    study = run_study(
        workspace, small_pack(tmp_path, images=60), Grid(("random", "margin"), seeds=1, rounds=1, batch=2)
    )
    shown.run()
    (measure,) = (box for box in shown.selectbox if box.label == "Measure")
    measure.set_value("epistemic").run()
    assert not shown.exception
    areas = shown.dataframe[1].value.set_index("Strategy")["Area"]
    for trial, points in study.points.items():
        assert areas[trial.strategy] == pytest.approx(points[1].epistemic)


def test_what_a_visitor_started_is_shown_by_itself(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    first, second = (Grid(("random",), seeds=1, rounds=1, batch=batch) for batch in (2, 3))
    pack = small_pack(tmp_path, images=60)
    run_study(workspace, pack, first)
    shown.run()
    shown.session_state["backtest-grid-1"] = second
    run_study(workspace, pack, second)
    shown.run()
    assert not shown.exception
    (chosen,) = (box for box in shown.selectbox if box.label == "Back-test")
    assert "1 x 3 labels" in chosen.options[chosen.index or 0]
    assert any(one.value.startswith("Means over 1 seed.") for one in shown.caption)


@pytest.mark.parametrize(("pack", "says"), [("", "a feature pack"), ("/none.safetensors", "'two' is no number")])
def test_a_domain_that_cannot_be_used_is_refused(shown: AppTest, pack: str, says: str) -> None:
    shown.run()
    fields = {one.label: one for one in shown.text_input}
    fields["Activations and labels"].set_value(pack)
    fields["Domain (a number)"].set_value("two")
    shown.button[0].click().run()
    assert not shown.exception
    assert [says in one.value.replace("\\", "") for one in shown.error] == [True]
