"""The page of one's own tokens: a form that makes them, shows each once, and ends them."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from alflow.accounts import OPERATOR, Role
from alflow.workflow.people import accounts as people
from alflow.workflow.people.tokens import own_tokens, visitor_with
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.house import session_of
from tests.ui.routes.api.conftest import serve


@pytest.fixture
def browser(workspace: Workspace) -> Iterator[TestClient]:
    """Of Ada, who reviews birds."""
    birds, _ = (create_project(workspace, name, "demo", "fp32") for name in ("birds", "<fish>"))
    ada = people.add_account(workspace, "Ada", email="ada@example.org")
    people.set_role(workspace, birds.id, ada.annotator_id, Role.REVIEWER, by=OPERATOR)
    for client in serve(workspace):
        client.headers["Cookie"] = session_of(workspace, ada.annotator_id)
        yield client


def test_a_token_is_made_shown_once_and_ended(browser: TestClient, workspace: Workspace) -> None:
    offered = browser.get("/tokens").text
    assert re.findall(r"<option[^>]*>([^<]*)</option>", offered)[0] == "birds"
    assert "fish" not in offered
    asked = {"name": "<b>robot</b>", "project": "1", "scope": "label", "days": "30"}
    made = browser.post("/tokens", data=asked)
    (secret,) = re.findall(r"<pre[^>]*>(.*?)</pre>", made.text)
    assert visitor_with(workspace, unescape(secret)) is not None
    assert made.headers["cache-control"] == "no-store"
    again = browser.get("/tokens").text
    assert secret not in again
    assert "<b>robot</b>" not in again.replace("<b>&lt;b&gt;robot&lt;/b&gt;</b>", "")
    (number,) = re.findall(r'name="end" type="hidden" value="(\d+)"', again)
    assert browser.post("/tokens", data={"end": number}).status_code == 200
    assert own_tokens(workspace, 1) == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"name": ""}, 422),
        ({"days": "0"}, 422),
        ({"days": "1e3"}, 422),
        ({"days": "9" * 400}, 422),
        ({"scope": "all"}, 422),
        ({"scope": "manage"}, 403),
        ({"project": "2"}, 403),
        ({"project": "999"}, 422),
        ({"end": "999"}, 422),
        ({"end": "\u0663"}, 422),
    ],
)
def test_what_is_refused_is_said_on_the_form(
    browser: TestClient, workspace: Workspace, changed: dict[str, str], status: int
) -> None:
    asked = {"name": "robot", "project": "1", "scope": "read", "days": "30"} | changed
    told = browser.post("/tokens", data=asked)
    assert told.status_code == status
    assert re.search(r'<p role="alert">[A-Z][^<]+</p>', told.text)
    assert own_tokens(workspace, 1) == []
