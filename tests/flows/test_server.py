"""The door of Prefect's server: shut to all but those who know the secret, and to names that are not this machine's."""

import json
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from alflow.commands.clock import secret, secret_file
from alflow.settings import Settings

pytestmark = pytest.mark.prefect

SHELL = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/owned"}}]}


def ask(settings: Settings, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the answer; a JSON body goes along, as an attacker's would."""
    connection = HTTPConnection("127.0.0.1", settings.prefect_port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, json.dumps(SHELL), {"Content-Type": "application/json", **sent})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/deployments/6f0c7a4e-0000-4000-8000-000000000000"),
        ("POST", "/api/deployments/6f0c7a4e-0000-4000-8000-000000000000/create_flow_run"),
        ("POST", "/api/deployments/"),
        ("POST", "/api/deployments/filter"),
        ("POST", "/api/flow_runs/"),
        ("POST", "/api/variables/"),
        ("POST", "/api/logs/filter"),
        ("POST", "/api/block_documents/filter"),
        ("GET", "/api/admin/settings"),
        ("GET", "/api/admin/version"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api//health/../admin/settings"),
        ("POST", "/api/health"),
    ],
)
def test_without_the_secret_nothing_is_answered(prefect_server: Settings, method: str, path: str) -> None:
    assert ask(prefect_server, method, path)[0] == 401
    for guess in ("", "alflow:", "alflow:alflow", "admin:pass"):
        basic = "Basic " + b64encode(guess.encode()).decode()
        assert ask(prefect_server, method, path, Authorization=basic)[0] == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "null", "http://localhost.evil.example"]
)
def test_a_foreign_page_may_neither_read_nor_ask(prefect_server: Settings, origin: str) -> None:
    wants = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": "authorization"}
    basic = "Basic " + b64encode(secret(prefect_server.home).encode()).decode()
    for method, path in (("GET", "/api/health"), ("POST", "/api/deployments/filter"), ("OPTIONS", "/api/deployments/")):
        status, headers, _ = ask(prefect_server, method, path, Origin=origin, Authorization=basic, **wants)
        assert (status, "access-control-allow-origin" in headers) == (403, False)
    with pytest.raises(InvalidStatus, match="403"):
        first_word(f"ws://127.0.0.1:{prefect_server.prefect_port}/api/events/in", origin=Origin(origin))


@pytest.mark.parametrize("own", ["http://localhost:{port}", "http://127.0.0.1:{port}"])
def test_its_own_pages_may_ask(prefect_server: Settings, own: str) -> None:
    origin = own.format(port=prefect_server.prefect_port)
    assert ask(prefect_server, "GET", "/api/health", Origin=origin)[1]["access-control-allow-origin"] == origin
    through = {"Host": "localhost:9", "Origin": "http://localhost:9"}  # a tunnel
    assert ask(prefect_server, "GET", "/ui-settings", **through)[0] == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "0.0.0.0", "[::1]", ""]
)
@pytest.mark.parametrize("path", ["/", "/ui-settings", "/openapi.json", "/api/health", "/api/admin/settings"])
def test_a_name_that_is_not_this_machines_is_turned_away(prefect_server: Settings, name: str, path: str) -> None:
    assert ask(prefect_server, "GET", path, Host=name)[0] == 400


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
def test_no_stream_opens_without_the_secret(prefect_server: Settings, path: str) -> None:
    url = f"ws://127.0.0.1:{prefect_server.prefect_port}/api/{path}"
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        first_word(url)
    for token in (None, "", "alflow:alflow"):
        with pytest.raises(ConnectionClosed):
            first_word(url, json.dumps({"type": "auth", "token": token}), subprotocols=[Subprotocol("prefect")])
    with pytest.raises(InvalidStatus, match="400"):
        first_word(url, additional_headers={"Host": "evil.example"})


def first_word(url: str, *said: str, **options: Any) -> str | bytes:
    with connect(url, **options) as stream:
        for word in said:
            stream.send(word)
        return stream.recv(10)


def test_who_knows_the_secret_is_answered_and_the_pages_ask_for_it(prefect_server: Settings) -> None:
    basic = "Basic " + b64encode(secret(prefect_server.home).encode()).decode()
    status, _, body = ask(prefect_server, "GET", "/api/admin/settings", Authorization=basic)
    assert status == 200
    assert secret(prefect_server.home) not in body
    assert json.loads(ask(prefect_server, "GET", "/ui-settings")[2])["auth"] == "BASIC"
    with get_client(sync_client=True) as client:
        client.hello()


def test_the_secret_is_in_one_private_file_and_nowhere_else(prefect_server: Settings) -> None:
    kept = secret(prefect_server.home)
    assert secret(prefect_server.home) == kept
    assert len(kept) > 40
    token = kept.removeprefix("alflow:").encode()
    holding = [path for path in prefect_server.home.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert holding == [secret_file(prefect_server.home)]
    assert secret_file(prefect_server.home).stat().st_mode & 0o777 == 0o600
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in lines if token in line]
