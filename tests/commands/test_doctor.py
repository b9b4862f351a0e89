"""`alflow doctor` and `alflow settings --machine` in the terminal."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alflow.cli import app

pytestmark = pytest.mark.slow

_STRANGE = "ALFLOW_PROXIES: no setting has that name; `alflow settings --machine` lists all"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_the_exit_code_says_whether_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("ALFLOW_DEVICE", "abacus")
    monkeypatch.setenv("ALFLOW_PROXIES", "10.0.0.0/8")
    assert run("doctor").exit_code == 1
    told = run("doctor", "--json")
    assert told.exit_code == 1
    said = json.loads(told.stdout)
    assert said["ok"] is False
    home = next(each for each in said["checks"] if each["name"] == "home")
    assert (home["state"], "set ALFLOW_HOME" in home["words"]) == ("error", True)
    told_of = {each["name"]: (each["state"], each["words"]) for each in said["checks"]}
    assert told_of["settings"] == ("warning", _STRANGE)
    assert told_of["device"][1].startswith("the device 'abacus' cannot be used (")
    mended = run("doctor", "--repair", "--quick", "--json")
    assert (mended.exit_code, json.loads(mended.stdout)["repaired"]) == (1, [])
    assert mended.stderr.startswith("nothing was repaired: there is no database")
    assert not (tmp_path / "none").exists()


def test_settings_that_cannot_be_read_are_the_one_thing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFLOW_PORT", "many")
    told = run("doctor", "--json")
    assert told.exit_code == 1
    assert [each["name"] for each in json.loads(told.stdout)["checks"]] == ["settings"]


@pytest.mark.parametrize(("public", "state"), [("", "warning"), ("https://label.example.org", "error")])
def test_a_port_of_another_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, public: str, state: str) -> None:
    monkeypatch.setenv("ALFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("ALFLOW_PUBLIC_URL", public)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("ALFLOW_PORT", str(taken.getsockname()[1]))
        said = json.loads(run("doctor", "--json").stdout)
    assert next(each for each in said["checks"] if each["name"] == "port of pages")["state"] == state


def test_settings_of_the_machine_say_where_they_come_from_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ALFLOW_DEVICE=meta\nALFLOW_PORT=9\nALFLOW_METRICS_TOKEN=0123456789abcdefsesame\n")
    monkeypatch.setenv("ALFLOW_PORT", "10")
    monkeypatch.setenv("ALFLOW_SIGN_IN_TOKEN", "sesame")
    monkeypatch.setenv("ALFLOW_OIDC_CLIENT_SECRET", "sesame")
    monkeypatch.setenv("ALFLOW_DATABASE_URL", "postgresql://ada:sesame/@sesame@host/name?sslpassword=sesame&a=b")
    monkeypatch.setenv("ALFLOW_ARTIFACTS_URL", "s3://key:sesame@bucket/place")
    told = run("settings", "--machine", "--json")
    assert told.exit_code == 0
    assert "sesame" not in told.stdout + run("settings", "--machine").stdout
    rows = {each["name"]: (each["value"], each["source"]) for each in json.loads(told.stdout)}
    assert rows["ALFLOW_PORT"] == ("10", "environment")
    assert rows["ALFLOW_DEVICE"] == ("meta", str(tmp_path / ".env"))
    assert rows["ALFLOW_HOST"] == ("127.0.0.1", "default")
    assert rows["ALFLOW_HOME"] == (str(tmp_path / ".alflow"), "default")
    assert rows["ALFLOW_PUBLIC_URL"] == ("", "not set")
    assert rows["ALFLOW_METRICS_TOKEN"][0] == rows["ALFLOW_SIGN_IN_TOKEN"][0] == "hidden"
    assert rows["ALFLOW_DATABASE_URL"] == ("postgresql://hidden@host/name?sslpassword=hidden&a=b", "environment")
    assert run("settings", "--machine", "budget=3").exit_code == 2
