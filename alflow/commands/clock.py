"""The Prefect server that keeps the schedule: ours, with a secret of its own, or one that the user names."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from alflow.errors import UnavailableError
from alflow.private import private_folder, private_opener
from alflow.settings import Settings

LOOPBACK = "127.0.0.1"
_FILE = ".env"
_USER = "alflow"
_KEPT_SECONDS = 7 * 86_400  # runs in Prefect and their logs; its events are kept as long by default
_SELDOM = {  # what Prefect looks after every few seconds by default, and what costs most of an idle day
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT60S",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
}
_SHOWN_AT = "PREFECT_UI_URL"  # where people open the pages of our server, if not at its own address
_SHORTEST = 20  # characters; a shorter file is not one of ours


def own_server() -> str:
    """The address of the user's own server, from the environment or `.env`; empty if alflow starts one."""
    return ({**dotenv_values(_FILE), **os.environ}.get("PREFECT_API_URL") or "").strip()


def where(settings: Settings) -> str:
    """How to open the schedule in a browser, for the terminal: the address, and where the password is."""
    if named := own_server():
        parts = urlsplit(named)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return f"http://{LOOPBACK}:{settings.prefect_port} (the password is in {secret_file(settings.home)})"


def secret_file(home: Path) -> Path:
    """Where the secret of our server is kept."""
    return home / "prefect-password"


def secret(home: Path) -> str:
    """The secret that opens our server, made once: a browser that is signed in stays so when alflow starts again.

    Raises:
        UnavailableError: the file cannot be written or read.
    """
    path = secret_file(home)
    private_folder(home)
    try:
        with open(path, "a+", encoding="utf-8", opener=private_opener) as file:
            file.seek(0)
            if len(kept := file.read().strip()) >= _SHORTEST:
                return kept
            file.truncate(0)
            file.write(f"{(made := f'{_USER}:{secrets.token_urlsafe(32)}')}\n")
            return made
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UnavailableError(f"the password of the Prefect server cannot be stored in {path}: {why}") from error


def client_environment(settings: Settings) -> dict[str, str]:
    """The variables that point Prefect's clients to the server; those for the user's own server are kept."""
    theirs = {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}
    if own_server():
        return theirs
    return {name: value for name, value in theirs.items() if name == _SHOWN_AT} | {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"http://{LOOPBACK}:{settings.prefect_port}/api",
        "PREFECT_API_AUTH_STRING": secret(settings.home),
    }


def server_environment(settings: Settings) -> dict[str, str]:
    """The variables of our server: it accepts clients that know the secret, and pages of its own address."""
    private_folder(settings.home / "prefect")
    addresses = [f"http://{host}:{settings.prefect_port}" for host in (LOOPBACK, "localhost")]
    return client_environment(settings) | {
        "PREFECT_SERVER_API_AUTH_STRING": secret(settings.home),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(addresses),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # In memory, a slot that is held when the server stops would never be released.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(_KEPT_SECONDS),
        **_SELDOM,
    }
