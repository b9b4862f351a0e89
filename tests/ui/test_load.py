"""One person who asks for much makes nobody else wait: large images, a flood of exchanges, many who sign in."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from alflow.domain.images import Split
from alflow.settings import Settings
from alflow.workflow.images.pool import import_items
from alflow.workspace import Workspace
from tests.browser import world
from tests.web import free_port, http, served, sign_in

pytestmark = pytest.mark.slow

LARGE = (5000, 4000)
PATIENCE_S = 5.0


@dataclass(frozen=True)
class Crowd:
    """A running UI: nine large images after one small one, and two people."""

    url: str
    home: Path
    greedy: str
    other: str

    def image(self, number: int, kind: str) -> str:
        return f"{self.url}/images/1/{number}/{kind}"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    home = tmp_path_factory.mktemp("alflow")
    workspace = Workspace.open(Settings(home=home))
    project, _ = world.build(workspace, home, "crowd", 1)
    large = home / "large"
    large.mkdir()
    for number in range(9):
        Image.new("RGB", LARGE, (number, 0, 0)).save(large / f"{number}.png", compress_level=1)
    import_items(workspace, project, str(large), Split.POOL)
    with served(home, free_port()) as url:
        yield Crowd(url, home, sign_in(url, "Greedy"), sign_in(url, "Other"))
    workspace.database.close()


def _wait(crowd: Crowd) -> float:
    """Seconds that somebody else waits for a thumbnail and for their desk."""
    began = time.monotonic()
    assert http(crowd.image(1, "thumbnail"), cookie=crowd.other)[0] == 200
    assert http(f"{crowd.url}/desk/1/sync", cookie=crowd.other, method="POST", body=b'{"events": []}')[0] == 200
    return time.monotonic() - began


def test_many_large_images_make_nobody_wait(crowd: Crowd) -> None:
    wanted = [2] * 30 + list(range(3, 11)) * 6
    with ThreadPoolExecutor(len(wanted)) as requests:
        asked = [requests.submit(http, crowd.image(one, "full"), cookie=crowd.greedy) for one in wanted]
        waits = [_wait(crowd) for _ in range(3)]
        told = Counter(each.result()[0] for each in asked)
    assert max(waits) < PATIENCE_S
    assert set(told) <= {200, 503}
    assert told[200] >= 8
    assert told[503] > 0
    made = list((crowd.home / "artifacts" / "wholes").rglob("*.jpg"))
    assert 1 <= len(made) <= 9
    assert http(crowd.image(2, "full"), cookie=crowd.other)[0] == 200


def test_a_flood_of_exchanges_is_slowed_down_and_nobody_else_is(crowd: Crowd) -> None:
    address = f"{crowd.url}/grid/1"
    with ThreadPoolExecutor(8) as requests:
        asked = [requests.submit(http, address, cookie=crowd.greedy, method="POST", body=b"[]") for _ in range(1500)]
        told = Counter(each.result()[0] for each in asked)
    assert set(told) == {422, 429}
    assert _wait(crowd) < PATIENCE_S


def test_many_who_sign_in_make_nobody_wait(crowd: Crowd) -> None:
    body = b"name=Ada&password=a+long+password%2C+really"
    with ThreadPoolExecutor(100) as requests:
        asked = [requests.submit(http, f"{crowd.url}/sign-in", method="POST", body=body) for _ in range(100)]
        waits = [_wait(crowd) for _ in range(3)]
        told = Counter(each.result()[0] for each in asked)
    assert max(waits) < PATIENCE_S
    assert not [status for status in told if status >= 500]
