import os
import subprocess
import sys
from pathlib import Path

import pytest

from alflow.commands.clock import own_server, secret, secret_file, where
from alflow.commands.up import services
from alflow.errors import UnavailableError
from alflow.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a new home, in a folder of its own, with nothing of Prefect's around."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    return Settings(home=tmp_path / "home")


def test_the_secret_is_made_once_and_kept_for_its_owner_alone(settings: Settings) -> None:
    before = os.umask(0)
    try:
        made = secret(settings.home)
    finally:
        os.umask(before)
    assert made == secret(settings.home) != secret(settings.home / "other")
    assert (settings.home.stat().st_mode & 0o777, secret_file(settings.home).stat().st_mode & 0o777) == (0o700, 0o600)
    secret_file(settings.home).chmod(0o644)
    assert (secret(settings.home), secret_file(settings.home).stat().st_mode & 0o777) == (made, 0o600)


@pytest.mark.parametrize("damaged", [b"", b"\n", b"short"])
def test_a_secret_that_is_none_is_made_anew(settings: Settings, damaged: bytes) -> None:
    settings.home.mkdir()
    secret_file(settings.home).write_bytes(damaged)
    assert len(made := secret(settings.home)) > 40
    assert secret_file(settings.home).read_text() == f"{made}\n"


def test_a_secret_that_cannot_be_kept_is_one_line(settings: Settings) -> None:
    secret_file(settings.home).mkdir(parents=True)
    with pytest.raises(UnavailableError, match=r"cannot be stored in .*prefect-password: Is a directory"):
        secret(settings.home)


def test_our_server_and_its_clients_share_a_secret_that_nobody_else_sees(settings: Settings) -> None:
    server, pages, schedule = services(settings)
    kept = secret(settings.home)
    assert server.environment["PREFECT_SERVER_API_AUTH_STRING"] == kept
    assert server.environment["PREFECT_API_AUTH_STRING"] == schedule.environment["PREFECT_API_AUTH_STRING"] == kept
    assert not [name for name in pages.environment if name.startswith("PREFECT_")]
    token = kept.partition(":")[2]
    assert not [word for part in (server, pages, schedule) for word in part.command if token in word]
    assert token not in where(settings)
    assert str(secret_file(settings.home)) in where(settings)


@pytest.mark.parametrize("kept_in", ["environment", ".env"])
def test_a_server_of_ones_own_is_used_as_it_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kept_in: str
) -> None:
    mine = {"PREFECT_API_URL": "https://ada:pass@prefect.example.org/api", "PREFECT_API_KEY": "pnu_1234"}
    if kept_in == "environment":
        for name, value in mine.items():
            monkeypatch.setenv(name, value)
    else:
        Path(".env").write_text("".join(f"{name}={value}\n" for name, value in mine.items()))
    assert own_server() == mine["PREFECT_API_URL"]
    pages, schedule = services(settings)
    assert [pages.name, schedule.name] == ["the web server", "the schedule"]
    given = {name: value for name, value in schedule.environment.items() if name.startswith("PREFECT_")}
    assert given == (mine if kept_in == "environment" else {})  # Prefect reads `.env` itself
    assert not secret_file(settings.home).exists()
    assert where(settings) == "https://prefect.example.org/api"


def test_an_empty_address_names_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", " ")
    assert own_server() == ""
    assert [part.command[0] for part in services(settings)] == [sys.executable] * 3


@pytest.mark.slow
def test_prefect_reads_our_settings_of_its_server(tmp_path: Path) -> None:
    server, *_ = services(Settings(home=tmp_path))
    program = (
        "from prefect.settings import get_current_settings\n"
        "looks = get_current_settings().server.services\n"
        "print(looks.late_runs.loop_seconds, looks.foreman.loop_seconds, looks.pause_expirations.loop_seconds,\n"
        "      looks.cancellation_cleanup.loop_seconds, looks.scheduler.recent_deployments_loop_seconds,\n"
        "      looks.db_vacuum.retention_period.days)"
    )
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, env=dict(server.environment), capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["60.0", "60.0", "60.0", "60.0", "15.0", "7"]
