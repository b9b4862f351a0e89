"""The Accept page, by Streamlit's own script runner: refused, offered, accepted, audited, withdrawn, and empty."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alflow.store.answers import certificates
from alflow.ui.parts import services
from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests import certified
from tests.colours import colour_project

pytestmark = pytest.mark.slow


def page() -> None:
    """The page alone, without sign-in and navigation."""
    import streamlit as st

    from alflow.accounts import Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import accept
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", everywhere=True))
    st.session_state["project"] = "grown"
    accept.show(session.project())  # type: ignore[arg-type]


@pytest.fixture
def shown(workspace: Workspace, drawn: Callable[..., AppTest]) -> AppTest:
    sign_in(workspace, "Ada")
    return drawn(page)


def words(shown: AppTest) -> str:
    kinds = (shown.info, shown.caption, shown.markdown, shown.subheader, shown.success, shown.warning, shown.error)
    return "\n".join(one.value for kind in kinds for one in kind)


def test_refused_offered_accepted_audited_and_withdrawn(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    project = certified.grown_project(workspace, tmp_path, 400)
    project = certified.with_settings(workspace, project, budget=60, control_fraction=0.5)
    shown.run()
    assert not shown.exception
    assert "There is no random label yet" in words(shown)
    assert "No random image of the pool is answered yet" in words(shown)
    certified.one_round(workspace, project)
    shown.run()
    assert "1 of 30" in words(shown) or "0 of 30" in words(shown)  # 2% takes more
    shown.number_input(key=f"bound-{project.id}").set_value(10.0)
    shown.selectbox(key=f"delta-{project.id}").set_value("90%").run()
    assert not shown.exception
    (accept,) = [one for one in shown.button if one.label.startswith("Accept ")]
    assert "At most 10.0% of them wrong, with 90% confidence." in words(shown)
    accept.click().run()
    assert not shown.exception
    with workspace.database.read() as tx:
        standing = certificates.standing(tx, project.id)
    assert standing is not None
    assert f"{standing.n_accepted} images accepted with certificate {standing.id}" in words(shown).replace("\\", "")
    certified.one_round(workspace, project)
    shown.run()
    audited = next(one for one in shown.metric if one.label == "Audited")
    assert int(audited.value) > 0
    assert next(one for one in shown.metric if one.label == "Accuracy").value.endswith("%")
    shown.text_input(key=f"withdraw-why-{project.id}").set_value("enough")
    next(one for one in shown.button if one.label == "Withdraw the certificate").click().run()
    assert not shown.exception
    with workspace.database.read() as tx:
        assert certificates.standing(tx, project.id) is None
    assert "Withdrawn" in words(shown)


def test_a_project_without_images_says_what_is_missing(shown: AppTest, workspace: Workspace, tmp_path: Path) -> None:
    colour_project(workspace, tmp_path, "grown")
    shown.run()
    assert not shown.exception
    assert "no embedded image yet" in words(shown).replace("\\", "")


def test_a_forged_click_changes_nothing(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alflow.ui.pages import accept
    from alflow.ui.parts import session

    project = certified.grown_project(workspace, tmp_path, 20)
    monkeypatch.setattr(session, "may", lambda *_: False)
    monkeypatch.setattr(services, "_provided", [services.Services(workspace, None)])  # type: ignore[arg-type]
    accept._accept(project, 0.9, 0.9, per_class=False)
    accept._withdraw(project, "why")
    with workspace.database.read() as tx:
        assert certificates.all_(tx, project.id) == []
