import os
import subprocess
import sys
from pathlib import Path

import pytest

from alflow.errors import InvalidInputError, UnavailableError
from alflow.settings import Settings
from alflow.store.artifacts import Artifacts
from alflow.store.database import Database


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("PORT", "abc", "a whole number, 1 to 65,535"),
        ("PORT", "0", "1 to 65,535"),
        ("PORT", "65536", "1 to 65,535"),
        ("PORT", "1.5", "a whole number"),
        ("PREFECT_PORT", "-1", "1 to 65,535"),
        ("PREFECT_PORT", "9" * 30, "1 to 65,535"),
        ("BATCH_SIZE", "0", "1 to 65,536"),
        ("BATCH_SIZE", "9" * 5000, "1 to 65,536"),
        ("SCHEDULE_SECONDS", "nan", "a number, more than 0 to 86,400"),
        ("SCHEDULE_SECONDS", "1e400", "more than 0 to 86,400"),
        ("SESSION_DAYS", "inf", "more than 0 to 365"),
        ("SESSION_IDLE_HOURS", "0", "more than 0 to 8,760"),
        ("METRICS_TOKEN", "short", "16 characters"),
        ("PUBLIC_URL", "label.example.org", "a whole address, such as https"),
        ("PUBLIC_URL", "https://", "a whole address"),
        ("PUBLIC_URL", "https://me@example.org", "a whole address"),
        ("PUBLIC_URL", "https://example.org/a//b", "a whole address"),
        ("PUBLIC_URL", "https://example.org/a?b", "a whole address"),
        ("PUBLIC_URL", "https://example.org/../b", "a whole address"),
        ("TRUSTED_PROXIES", "here" * 200, "is not an address"),
        ("TRUSTED_PROXIES", "here\x1b[2J", "characters that control a terminal"),
        ("HOST", " ", "nothing that can be seen"),
        ("HOME", "s3://bucket/alflow", "a folder of this machine"),
        ("HOME", "~nobody at all/alflow", "nobody of that name"),
        ("LOG_FORMAT", "xml", "one of text, json"),
        ("MESSAGES_INSIDE", "perhaps", "one of true, false"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, needed: str
) -> None:
    monkeypatch.setenv(f"ALFLOW_{name}", value)
    with pytest.raises(InvalidInputError, match=f"^ALFLOW_{name} cannot be .*{needed}") as refused:
        Settings()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("public", "address", "prefix"),
    [
        ("", "http://127.0.0.1:8501", ""),
        ("https://label.example.org", "https://label.example.org", ""),
        ("https://example.org:8443/", "https://example.org:8443", ""),
        ("https://example.org/a/label-2/", "https://example.org/a/label-2", "/a/label-2"),
        ("http://[::1]:80/alflow", "http://[::1]:80/alflow", "/alflow"),
    ],
)
def test_the_public_address_says_the_folder(public: str, address: str, prefix: str) -> None:
    settings = Settings(public_url=public)
    assert (settings.address, settings.prefix) == (address, prefix)


def test_every_number_has_both_bounds() -> None:
    numbers = {name: field for name, field in Settings.model_fields.items() if field.annotation in {int, float}}
    for name, field in numbers.items():
        limits = {kind for one in field.metadata for kind in ("ge", "gt", "le") if hasattr(one, kind)}
        assert len(limits) == 2, name
        for value in (float("nan"), float("inf"), float("-inf"), 10**20, -(10**20), None, "many"):
            with pytest.raises(InvalidInputError, match=f"ALFLOW_{name.upper()}"):
                Settings(**{name: value})


def test_all_that_is_wrong_is_told_at_once_and_an_empty_value_is_none_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFLOW_PORT", "")
    monkeypatch.setenv("ALFLOW_HOME", "~/alflow")
    assert (Settings().port, Settings().home) == (8501, Path.home() / "alflow")
    monkeypatch.setenv("ALFLOW_PORT", "x")
    monkeypatch.setenv("ALFLOW_BATCH_SIZE", "y")
    with pytest.raises(InvalidInputError, match=r"ALFLOW_BATCH_SIZE.*; ALFLOW_PORT"):
        Settings()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (b"ALFLOW_PORT=8000\nwhat is this\n", r"line 2 of .*\.env cannot be read"),
        (b"\xff\xfeA", r"\.env cannot be read: 'utf-8'"),
        ("ALFLOW_PORT=80€".encode("cp1252"), r"\.env cannot be read"),
        (b"ALFLOW_PORT=many", "ALFLOW_PORT cannot be 'many'"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(written)
    with pytest.raises(InvalidInputError, match=says):
        Settings()


def test_a_folder_of_the_name_is_no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").mkdir()  # a virtual environment, as some call it
    monkeypatch.setenv("ALFLOW_HOME", "~/alflow")
    assert (Settings().port, Settings().home) == (8501, Path.home() / "alflow")


@pytest.mark.parametrize(
    "url",
    [
        "ui:secret@x",
        "mysql://u:secret@h/x",
        "oracle+foo://u:secret@h",
        "postgresql+asyncpg://u:secret@h/x",
        "postgresql://u:secret@h:abc/x",
        "postgresql://u:secret@127.0.0.1:1/x",
        "sqlite://",
        "sqlite:////dev/null/x.db",
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises((InvalidInputError, UnavailableError)) as refused:
        Database.open(url)
    assert "secret" not in str(refused.value)


def test_artifacts_that_nobody_can_keep_are_named() -> None:
    with pytest.raises(InvalidInputError, match="ALFLOW_ARTIFACTS_URL"):
        Artifacts("nowhere://x")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["alflow", "alflow.ui", "alflow.flows.deployments"])
def test_every_program_tells_it_in_one_line(tmp_path: Path, module: str) -> None:
    words = ["status"] if module == "alflow" else []
    environment = {**os.environ, "ALFLOW_PORT": "x", "ALFLOW_HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ALFLOW_PORT cannot be 'x'" in done.stderr
