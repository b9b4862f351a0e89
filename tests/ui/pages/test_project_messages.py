"""The Project page's section Messages: add, try and remove a channel; and who may."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from alflow.domain.messages import Event
from alflow.domain.projects import Project
from alflow.ui.parts import services
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.channels import list_channels
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace
from tests.receivers import receiver

pytestmark = pytest.mark.slow


def page(role: str) -> None:
    """The page, as Ada sees it."""
    from alflow.accounts import Role, Visitor
    from alflow.domain.answers import Annotator
    from alflow.ui.pages import project
    from alflow.ui.parts import session

    session.be(Visitor(Annotator(1, "Ada"), "", {1: Role(role)}))
    session.choose_project()
    chosen = session.project()
    assert chosen is not None
    project.show(chosen)


@pytest.fixture
def pets(workspace: Workspace) -> Project:
    """A project of Ada's."""
    sign_in(workspace, "Ada")
    return create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))


def test_the_life_of_a_channel(workspace: Workspace, pets: Project, drawn: Callable[..., AppTest]) -> None:
    shown = drawn(page, role="engineer")
    settings = workspace.settings.model_copy(update={"messages_inside": True})
    services._provided[:] = [services.Services(replace(workspace, settings=settings), None)]  # type: ignore[arg-type]
    shown.session_state[f"project-section-{pets.id}"] = "Messages"
    shown.run()
    assert [one.value for one in shown.info] == ["Nobody is told yet what happens in this project."]
    add = f"FormSubmitter:channel-{pets.id}-Add"
    shown.text_input[0].set_value("example")
    shown.button(key=add).click().run()
    assert any("nothing can be sent to this address" in one.value.lower() for one in shown.error)
    with receiver() as there:
        shown.text_input[0].set_value(there.url)
        shown.checkbox(key=f"channel-{Event.DISPUTE}-{pets.id}").uncheck()
        shown.button(key=add).click().run()
        assert not shown.exception
        (made,) = list_channels(workspace, pets.id)
        assert (made.made_by, Event.DISPUTE in made.events, len(made.events)) == ("Ada", False, 4)
        assert any("It is not shown again" in one.value for one in shown.success)
        assert [one.value.startswith("whsec_") for one in shown.code] == [True]
        assert "hook" not in str([one.value for one in (*shown.markdown, *shown.caption)])
        shown.button(key=f"channel-try-{made.id}").click().run()
        assert any("A trial message arrived" in one.value for one in shown.success)
        assert list(shown.code) == []  # the secret is gone
        there.statuses = [403]
        shown.button(key=f"channel-try-{made.id}").click().run()
        assert len(there.got) == 2
    assert any("checks the signature" in one.value for one in shown.warning)
    shown.button(key=f"channel-remove-{made.id}").click().run()
    assert not shown.exception
    assert list_channels(workspace, pets.id) == []


def test_reviewers_do_not_see_the_section(pets: Project, drawn: Callable[..., AppTest]) -> None:
    shown = drawn(page, role="reviewer").run()
    assert [one.options for one in shown.get("button_group")] == [["At a glance", "Images", "Export"]]
    assert pets.id == 1
