"""What a page saves is what `alflow export` writes; who may not, and what cannot be made, is told in one line."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from alflow.accounts import Role, Visitor
from alflow.commands.export import DatasetFormat, ModelFormat
from alflow.domain.answers import Annotator
from alflow.domain.projects import Project
from alflow.settings import Settings
from alflow.ui.door import access
from alflow.ui.parts import services
from alflow.ui.parts.exports import EXPORTS
from alflow.ui.routes import export
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer, colour_project


class AsAda(BaseHTTPMiddleware):
    """Each request is of somebody else, so that none is too many."""

    asked = 0

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        AsAda.asked += 1
        request.state.visitor = Visitor(Annotator(AsAda.asked, "Ada"), "", {})
        return await call_next(request)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Project]]:
    """With a closed and an open round."""
    folder = tmp_path_factory.mktemp("exports")
    workspace = Workspace.open(Settings(home=folder / "home"))
    project = colour_project(workspace, folder)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    yield workspace, project
    workspace.database.close()


@pytest.fixture
def client(project: tuple[Workspace, Project], monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(services, "_provided", [services.Services(project[0], None)])  # type: ignore[arg-type]
    return TestClient(Starlette(routes=export.ROUTES, middleware=[Middleware(AsAda)]))


def get(client: TestClient, what: str, expected: int = 200, **query: str) -> bytes:
    answered = client.get(f"/export/1/{what}", params=query)
    assert answered.status_code == expected, answered.text
    if expected == 200:
        assert answered.headers["content-disposition"].startswith(f'attachment; filename="colours-{what}')
        assert answered.headers["cache-control"] == "no-store"
    return answered.content


def left() -> list[Path]:
    return list(Path(gettempdir()).glob(".alflow-export-*"))


@pytest.mark.slow
def test_every_export_is_made_in_its_first_format(client: TestClient) -> None:
    before = left()
    for what, kind in EXPORTS.items():
        if what != "certificates":
            assert get(client, what), kind.title
    assert left() == before


def test_rows_of_a_round_and_folders(client: TestClient) -> None:
    assert len(get(client, "labels", format=".csv").splitlines()) == 5
    table = pq.read_table(io.BytesIO(get(client, "scores", format=".parquet", round="1")))
    assert table.num_rows == 12
    before, after = (get(client, "predictions", format=".csv", round=number) for number in ("0", "1"))
    assert len(before.splitlines()) == len(after.splitlines()) == 37
    assert before != after
    assert pq.read_table(io.BytesIO(get(client, "embeddings", format=".parquet", split="test"))).num_rows == 12
    assert b"choose one of pool, target, test" in get(client, "embeddings", 422, format=".parquet", split="all")
    with zipfile.ZipFile(io.BytesIO(get(client, "dataset", format="coco", all="1"))) as packed:
        assert sum(name.endswith(".jpg") for name in packed.namelist()) == 36
        assert all(name.startswith("colours-dataset/") for name in packed.namelist())


def test_what_cannot_be_made_is_told(client: TestClient) -> None:
    before = left()
    assert b"there is no export 'secrets': choose one of labels" in get(client, "secrets", 404)
    assert b"choose one of .csv" in get(client, "labels", 422, format="../.csv")
    assert b"must be the number of a round" in get(client, "scores", 422, round="<b>")
    assert b"no round 9" in get(client, "scores", 404, round="9")
    assert b"no project has the id 9" in client.get("/export/9/labels").content
    assert left() == before


def test_who_may() -> None:
    assert access.needed("/export/7/labels") == (Role.REVIEWER, 7)
    assert access.needed("/export/7/dataset") == (Role.ENGINEER, 7)
    assert access.needed("/export/7/labels/../dataset") is None
    assert access.is_nowhere("/export/7")


def test_pages_and_commands_know_the_same_formats() -> None:
    assert set(EXPORTS["dataset"].formats) == set(DatasetFormat)
    assert set(EXPORTS["model"].formats) == set(ModelFormat)
