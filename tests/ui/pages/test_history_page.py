"""The History page: every label is compared with its history on request."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from alflow.domain.answers import Verdict
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.people.annotators import sign_in
from alflow.workspace import Workspace
from tests.browser import world

pytestmark = pytest.mark.slow


def page() -> None:
    """The page alone, as Ada sees it."""
    import streamlit as st

    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import history
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role.REVIEWER}))
    st.session_state["project"] = "pets"
    history.show(session.project())  # type: ignore[arg-type]


def test_labels_that_were_changed_past_the_triggers_are_told(
    workspace: Workspace, tmp_path: Path, drawn: Callable[..., AppTest]
) -> None:
    ada = sign_in(workspace, "Ada").id
    project, _ = world.build(workspace, tmp_path, "pets", 2)
    first, *_ = next_candidates(workspace, project.id, ada)
    submit(workspace, project.id, ada, Submission("t", first.candidate.id, Verdict.SKIP, None, 1.0))
    shown = drawn(page).run()
    check = f"history-check-{project.id}"
    shown.button(key=check).click().run()
    assert [one.value for one in shown.success] == ["Every label follows from its history."]
    with workspace.database.begin() as tx:
        tx.execute(text("DROP TRIGGER label_history_update"))
        tx.execute(text("UPDATE label SET seconds = 9"))
    shown.button(key=check).click().run()
    assert not shown.exception
    assert [one.value[-2:] for one in shown.error] == [" 1"]
    assert "seconds is 9.0, its history says 1.0" in shown.dataframe[-1].value["What"][0]
