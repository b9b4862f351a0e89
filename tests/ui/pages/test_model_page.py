"""The Model page by Streamlit's own script runner: every section, both splits, and what there is before anything."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.projects import Project
from alflow.ui.pages import model
from alflow.workflow.backtests.study import Grid, run_study
from alflow.workflow.insight.changes import changes
from alflow.workflow.insight.evaluated import evaluated
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import learning_curve
from alflow.workspace import Workspace
from tests.colours import after_two_rounds, colour_project
from tests.packs import small_pack

pytestmark = pytest.mark.slow


def page() -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import model
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: st.session_state.get("role", Role.REVIEWER)}))
    st.session_state["project"] = "colours"
    model.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def shown(drawn: Callable[..., AppTest]) -> AppTest:
    return drawn(page)


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    return colour_project(workspace, tmp_path)


@pytest.fixture
def after_two(workspace: Workspace, project: Project) -> Project:
    return after_two_rounds(workspace, project)


def section(shown: AppTest, name: str) -> AppTest:
    shown.session_state["model-section-1"] = name
    shown.run()
    assert not shown.exception
    assert not shown.error
    return shown


def words(shown: AppTest) -> str:
    return "\n".join(each.value for kind in (shown.caption, shown.info, shown.markdown) for each in kind)


def test_every_section_is_drawn_for_both_splits(shown: AppTest, workspace: Workspace, after_two: Project) -> None:
    stored = {(one.round_number, one.split): one for one in learning_curve(workspace, after_two.id)}
    shown.run()
    assert not shown.exception
    told = shown.dataframe[0].value.set_index(["Model", "Prediction"])["Accuracy"]
    for number, name in ((2, "After round 2"), (0, "Before any label")):
        value, low, high = stored[number, "test"].metrics["accuracy"]
        assert told[name, "Shown"] == f"{value:.1%} [{low:.1%}, {high:.1%}]"
    assert "Since then" not in words(shown)  # the figures are those of the evaluations
    for split in model.SPLITS:
        shown.session_state["model-split-1"] = split
        for name in model.SECTIONS:
            section(shown, name)
    one = evaluated(workspace, after_two.id, 2, "control")
    assert one is not None
    section(shown, "Classes")
    table = shown.dataframe[-1].value
    assert list(table["Images"]) == [int((one.labels == column).sum()) for column in range(2)]


def test_it_counts_what_turned_and_shows_it(shown: AppTest, workspace: Workspace, after_two: Project) -> None:
    found = changes(workspace, after_two.id, 0, 2)
    section(shown, "What changed")
    assert [each.value for each in shown.metric] == [str(found.n_turned), *(str(n) for n in found.counts.values())]
    shown.selectbox(key="model-beside-1").select(2).run()
    assert "the same model" in words(shown)


def test_a_cell_opens_its_images(shown: AppTest, workspace: Workspace, after_two: Project) -> None:
    section(shown, "Confusions")
    one = evaluated(workspace, after_two.id, 2)
    assert one is not None
    red, blue = one.class_ids
    for truth, predicted in ((red, red), (red, blue), (blue, None)):
        shown.selectbox(key="model-truth-1").select(truth)
        shown.selectbox(key="model-predicted-1").select(predicted).run()
        among = one.labels == one.class_ids.index(truth)
        if predicted:
            among &= one.predicted[-1] == one.class_ids.index(predicted)
        assert f"{int(among.sum())} of {int(among.sum())} images, those first" in words(shown)


@pytest.mark.usefixtures("after_two")
def test_hours_of_a_person_are_for_engineers(shown: AppTest) -> None:
    section(shown, "Cost")
    assert [each.value for each in shown.metric][:3] == ["8", "0.1 minutes", "1.0 s"]
    assert not any("Person" in each.value.columns for each in shown.dataframe)
    from alflow.accounts import Role

    shown.session_state["role"] = Role.ENGINEER
    shown.run()
    (people,) = (each.value for each in shown.dataframe if "Person" in each.value.columns)
    assert people.to_dict("records")[0]["Person"] == "tester"


@pytest.mark.usefixtures("after_two")
def test_two_strategies_of_a_back_test(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    section(shown, "Strategies")
    assert "No back-test of two strategies yet" in words(shown)
    run_study(workspace, small_pack(tmp_path, images=60), Grid(("random", "margin"), seeds=2, rounds=1, batch=2))
    section(shown, "Strategies")
    gaps = shown.dataframe[-1].value
    assert list(gaps.columns) == ["Labels", "random", "margin", "Difference"]
    assert list(gaps["Labels"]) == [0, 2]
    assert "keeps these measures of each round" in words(shown)


def test_before_there_is_anything_the_page_says_what_to_do(
    shown: AppTest, workspace: Workspace, project: Project
) -> None:
    shown.run()
    assert not shown.exception
    assert "no embedded image yet" in words(shown)
    advance(workspace, project.id)
    for name in model.SECTIONS:
        section(shown, name)  # zero-shot, beside itself
    shown.session_state["model-split-1"] = "Control slice"
    section(shown, "Calibration")
    assert [each.value for each in shown.subheader] == ["No control slice yet"]


def test_what_changed_since_the_evaluation_is_said(
    shown: AppTest, workspace: Workspace, after_two: Project, tmp_path: Path
) -> None:
    from alflow.domain.images import Split
    from alflow.workflow.images.embed import embed_missing
    from alflow.workflow.images.pool import import_items
    from tests.colours import paint

    import_items(workspace, after_two, str(paint(tmp_path / "more", 3, seed=9)), Split.TEST)
    embed_missing(workspace, after_two)
    section(shown, "Calibration")
    assert "After round 2 was evaluated on 12 images" in words(shown)
    assert "18 images in bins" in words(shown)
