"""The API behind the gate, without Streamlit: twelve images in an open round, and a token of everybody."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from alflow.accounts import OPERATOR, Role, Scope
from alflow.domain.projects import Project
from alflow.ui.door import allowances, gate, headers, tokens
from alflow.ui.parts import services
from alflow.ui.routes.api import application
from alflow.workflow.people import accounts as people
from alflow.workflow.people.tokens import make_token
from alflow.workspace import Workspace
from tests.browser import world


@dataclass(frozen=True)
class Api:
    """The API of one workspace, as a program with a token of somebody sees it."""

    workspace: Workspace
    project: Project
    client: TestClient

    @property
    def path(self) -> str:
        return f"/api/v1/projects/{self.project.id}"

    def person(self, name: str, role: Role) -> int:
        account = people.add_account(self.workspace, name, email=f"{name.replace(' ', '.')}@example.org")
        people.set_role(self.workspace, self.project.id, account.annotator_id, role, by=OPERATOR)
        return account.annotator_id

    def token(self, name: str, role: Role, scope: Scope) -> str:
        return make_token(self.workspace, self.project.id, self.person(name, role), "tests", scope)[1]

    def as_(self, token: str) -> "Caller":
        return Caller(self, {"Authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Caller:
    api: Api
    headers: dict[str, str]

    def get(self, path: str, **query: object) -> Response:
        return self.api.client.get(self.api.path + path, params=query or None, headers=self.headers)

    def post(self, path: str, body: object) -> Response:
        return self.api.client.post(self.api.path + path, json=body, headers=self.headers)


def serve(workspace: Workspace) -> Iterator[TestClient]:
    """The routes of tokens behind the gate; what goes wrong is an answer with 500, as in earnest."""
    keeper = gate.Doorkeeper(workspace)
    services.provide(services.Services(workspace, keeper))
    app = Starlette(
        routes=[*tokens.ROUTES, *application.routes("http://testserver")],
        middleware=[Middleware(headers.SafeHeaders, https=False), Middleware(gate.Gate, doorkeeper=keeper)],
    )
    with TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 5), follow_redirects=False) as client:
        yield client


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask more often than one may."""
    for name in ("ANSWERS", "READS", "IMPORTS"):
        monkeypatch.setattr(allowances, name, allowances.Allowance(1_000_000, 1.0))


@pytest.fixture
def api(each_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On both databases."""
    project, _ = world.build(each_workspace, tmp_path_factory.mktemp("images"), "birds", 12)
    for client in serve(each_workspace):
        yield Api(each_workspace, project, client)


@pytest.fixture
def on_sqlite(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On one of them, for what the database does not matter to."""
    project, _ = world.build(workspace, tmp_path_factory.mktemp("images"), "birds", 12)
    for client in serve(workspace):
        yield Api(workspace, project, client)
