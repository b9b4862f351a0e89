"""Uploads as a browser sends them: pictures of phones are taken, or refused with what to install."""

import io
from dataclasses import dataclass

import pytest
from httpx import Response
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.ui.door.gate import Doorkeeper
from alflow.ui.parts import services
from alflow.ui.routes import uploads
from alflow.vlm import images
from alflow.workflow.images.left_out import left_out
from alflow.workflow.images.pool import image_counts
from alflow.workflow.images.taking import bring_watched
from alflow.workflow.images.uploads import BEGINNING
from alflow.workflow.projects.projects import create_project, name_classes
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Page:
    """The uploads of one project, behind the gate."""

    workspace: Workspace
    project: Project
    client: TestClient

    def send(self, name: str, data: bytes) -> list[Response]:
        """Ask whether a file may be sent, and send it whatever the answer is."""
        path = f"/upload/{self.project.id}?path={name}"
        may = self.client.post(f"{path}&size={len(data)}", content=data[:BEGINNING])
        return [may, self.client.put(path, content=data)]


@pytest.fixture
def page(workspace: Workspace) -> Page:
    services.provide(services.Services(workspace, Doorkeeper(workspace)))
    project = create_project(workspace, "pets", "demo", "fp32", name_classes(["cat", "dog"]))
    return Page(workspace, project, TestClient(Starlette(routes=uploads.ROUTES)))


@pytest.mark.slow
def test_a_heic_of_a_phone_is_taken_with_its_extra(page: Page) -> None:
    pytest.importorskip("pillow_heif", reason="pillow-heif is not installed (extra `heif`)")
    with io.BytesIO() as file:
        Image.effect_noise((1200, 950), 90).convert("RGB").save(file, "HEIF", quality=95)
        photo = file.getvalue()
    assert len(photo) > 2**20  # arrives in several pieces
    assert [told.status_code for told in page.send("IMG_1.HEIC", photo)] == [204, 200]
    bring_watched(page.workspace, page.project)
    assert image_counts(page.workspace, page.project.id)[Split.POOL] == 1
    assert left_out(page.workspace, page.project, 9) == []


def test_a_heic_is_refused_without_its_extra_with_what_to_install(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setattr(images, "_FORMATS", tuple(name for name in images._FORMATS if name != "HEIF"))
    photo = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    for told in page.send("IMG_1.HEIC", photo):
        assert (told.status_code, "pip install 'alflow[heif]'" in told.text) == (422, True)
    (one,) = left_out(page.workspace, page.project, 9)
    assert one.uri.endswith("/IMG_1.HEIC")
    assert one.why == "not an image in a known format, but HEIC (HEIF)"
    assert one.remedy == "`pip install 'alflow[heif]'`, or convert it to JPEG"
