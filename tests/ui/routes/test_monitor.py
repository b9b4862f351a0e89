"""What machines ask the server: health without a sign-in, figures with the token."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from shutil import move

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alflow.settings import Settings
from alflow.store.projects import troubles
from alflow.ui.door import access
from alflow.workflow.images.watching import watch
from alflow.workflow.rounds.waiting import note_look
from alflow.workspace import Workspace
from tests.browser import world
from tests.web import free_port, http, served, sign_in

SECRET = "a-token-of-the-monitor"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("monitored")


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    workspace = Workspace.open(Settings(home=home))
    project, _ = world.build(workspace, home, "door", 3)
    note_look(workspace, project.id)
    with workspace.database.begin() as tx:
        troubles.record(tx, project.id, "secret words", datetime.now(UTC))
    watch(workspace, project, str(home))
    workspace.database.close()
    with served(home, free_port(), METRICS_TOKEN=SECRET, LOG_FORMAT="json", CONNECTIONS="20") as address:
        yield address


def read(address: str, shown: str) -> tuple[int, str]:
    asked = urllib.request.Request(address, headers={"Authorization": shown})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_figures_are_for_who_shows_the_token(url: str) -> None:
    for shown in ("", "Bearer", "Bearer ", SECRET, f"Bearer {SECRET}x", f"bearer {SECRET}", "Bearer \xe4"):
        assert read(f"{url}/metrics", shown)[0] == 401
    assert http(f"{url}/metrics?token={SECRET}")[0] == 401
    http(f"{url}/images/1/1/rendition")
    http(f"{url}/never/seen")
    status, text = read(f"{url}/metrics", f"Bearer {SECRET}")
    assert status == 200
    assert "secret words" not in text
    assert "door" not in text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["alflow_answers_total", "1"] == 0
    assert found["alflow_queue_length", "1"] == 3
    assert found["alflow_failed_runs", "1"] == 1
    assert found["alflow_rounds", "1", "open"] == 1
    assert found["alflow_rounds", "1", "closed"] == 0
    assert 0 <= found["alflow_look_lag_seconds", "1"] < 300
    assert found["alflow_watched_files", "1", "new"] > 0
    assert found["alflow_failed_looks", "1"] == 0
    assert found["alflow_request_seconds_count", "/images/{project:int}/{item:int}/{kind:str}", "4xx"] == 1
    assert found["alflow_request_seconds_count", "4xx", "other"] >= 1


@pytest.mark.slow
def test_the_log_has_a_line_for_each_request_with_numbers_and_no_names(url: str, home: Path) -> None:
    cookie = sign_in(url, "Ada Lovelace")
    assert http(f"{url}/images/1/1/rendition", cookie=cookie)[0] == 200
    until = time.monotonic() + 15
    while True:  # a line is written after its answer was sent
        written = (home / "ui.log").read_text().splitlines(keepends=True)
        lines = [json.loads(line) for line in written if line.startswith("{") and line.endswith("\n")]
        seen = [one for one in lines if one.get("person") and one.get("route", "").startswith("/images/")]
        if seen or time.monotonic() > until:
            break
        time.sleep(0.1)
    (asked,) = seen
    assert (asked["message"], asked["level"], asked["status"], asked["project"]) == ("GET", "info", 200, 1)
    assert asked["seconds"] >= 0
    assert "Lovelace" not in (home / "ui.log").read_text()
    assert not [one for one in lines if one.get("route") == "/health"]


@pytest.mark.slow
def test_too_many_connections_are_refused_and_places_come_back(url: str) -> None:
    port = int(url.rpartition(":")[2])
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        assert http(f"{url}/health")[0] == 503
    assert http(f"{url}/_stcore/health")[0] == 200


@pytest.mark.slow
def test_health_is_open_and_fails_with_a_part(url: str, home: Path, tmp_path: Path) -> None:
    status, text = http(f"{url}/health")
    assert (status, json.loads(text)) == (200, {"database": "ok", "artifacts": "ok", "schedule": "ok"})
    assert http(f"{url}/health", method="POST", body=b"{}")[0] in {403, 405}
    move(home / "artifacts", tmp_path / "artifacts")
    (home / "artifacts").write_text("a file")
    try:
        assert _told(url, "artifacts") == {"database": "ok", "artifacts": "not ok", "schedule": "ok"}
    finally:
        (home / "artifacts").unlink()
        move(tmp_path / "artifacts", home / "artifacts")


def _told(url: str, part: str) -> dict[str, str]:
    """The health, once it knows that this part fails: a look is kept for some seconds."""
    until = time.monotonic() + 15
    while True:
        status, text = http(f"{url}/health")
        told: dict[str, str] = json.loads(text)
        if told[part] != "ok" or time.monotonic() > until:
            assert status == 503
            return told
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/images/1/2/thumbnail", "/images/{project:int}/{item:int}/{kind:str}"),
        ("/health", "/health"),
        ("/rounds", "/rounds"),
        ("/", "/"),
        ("/components/1/a/b.js", "/components/{version:str}/{module:path}"),
        ("/_stcore/stream", "pages"),
        ("/static/js/index.abc.js", "pages"),
        ("/anything/else", "other"),
        ("/images/x/y", "other"),
    ],
)
def test_there_are_few_names_of_routes(path: str, route: str) -> None:
    assert access.route_of(path) == route
