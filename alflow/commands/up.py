"""`alflow up`: the Prefect server, the schedule and the pages, together until Ctrl-C."""

import os
import secrets
import sys
import threading
from urllib.parse import quote

from alflow.commands.console import note, say
from alflow.commands.processes import Service, Supervisor, answers, free_port, only_one, stop_on_signals
from alflow.settings import Settings

_LOOPBACK = "127.0.0.1"


def run_up(settings: Settings) -> None:
    """Start everything, print the sign-in link, and stop everything on Ctrl-C, SIGTERM or when one part ends.

    Raises:
        InvalidInputError: the host is not loopback, and nobody could sign in as themselves.
        ConflictError: alflow already runs on this home.
        UnavailableError: a part did not start, or ended by itself.
    """
    accounts = _prepare_database(settings)
    settings = _completed(settings)
    stopping = threading.Event()
    with only_one(settings.home / "up.lock", f"alflow up in {settings.home}"), stop_on_signals(stopping):
        server, pages, schedule = services(settings)
        with Supervisor(stopping) as supervisor:
            note("starting the Prefect server and the pages ...")
            supervisor.start(server)
            supervisor.start(pages)
            if supervisor.wait():
                note("starting the schedule ...")
                supervisor.start(schedule)
            if supervisor.wait():
                _announce(settings, accounts=accounts)
            supervisor.watch()
            note("stopping ...")
    note("stopped")


def sign_in_link(settings: Settings, *, accounts: bool = False) -> str:
    """Where to sign in; without accounts the token in it is what opens, on this machine only."""
    token = "" if accounts or not settings.is_local else f"?token={quote(settings.sign_in_token)}"
    return f"{settings.address}/sign-in{token}"


def services(settings: Settings) -> tuple[Service, Service, Service]:
    """What runs: the Prefect server, the pages, and the schedule, which needs the server."""
    environment = _environment(settings)
    logs = settings.home / "logs"
    python = sys.executable
    marker = settings.home / "serving"
    marker.unlink(missing_ok=True)
    return (
        Service(
            name="the Prefect server",
            command=(python, *f"-m prefect server start --host {_LOOPBACK} --port {settings.prefect_port}".split()),
            environment=environment,
            log=logs / "prefect.log",
            ready=lambda: answers(_LOOPBACK, settings.prefect_port, "/api/health"),
        ),
        Service(
            name="the pages",
            command=(python, "-m", "ui"),
            environment=environment,
            log=logs / "pages.log",
            ready=lambda: answers(settings.host, settings.port, "/_stcore/health"),
        ),
        Service(
            name="the schedule",
            command=(python, "-m", "flows.deployments", "--ready", str(marker)),
            environment=environment,
            log=logs / "schedule.log",
            ready=marker.exists,
        ),
    )


def _completed(settings: Settings) -> Settings:
    """Absolute home, free ports, a token: everything the parts must agree on."""
    port = free_port(settings.host, settings.port)
    if port != settings.port:
        note(f"port {settings.port} is in use; taking {port}")
    return settings.model_copy(
        update={
            "home": settings.home.resolve(),
            "port": port,
            "prefect_port": free_port(_LOOPBACK, settings.prefect_port),
            "sign_in_token": settings.sign_in_token or secrets.token_urlsafe(24),
        }
    )


def _prepare_database(settings: Settings) -> bool:
    """Create or check the database here, so that its errors are ours to print; whether people have accounts."""
    from alflow.workflow.sign_in import has_accounts, require_door
    from alflow.workspace import Workspace

    workspace = Workspace.open(settings)
    require_door(workspace)
    if not settings.is_local and not settings.address.startswith("https:"):
        note(f"passwords travel to {settings.address} in the clear: put https before it, and name it ALFLOW_PUBLIC_URL")
    return has_accounts(workspace)


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of the parts: ours, without foreign Prefect settings, and with everything they must agree on."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    bypass = ",".join(filter(None, (inherited.get("NO_PROXY"), _LOOPBACK, "localhost")))
    return (
        inherited
        | settings.as_environment()
        | {
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_API_URL": f"http://{_LOOPBACK}:{settings.prefect_port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # In memory, a place held when the server ends would stay taken for ever.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "DO_NOT_TRACK": "1",
            "NO_PROXY": bypass,
            "no_proxy": bypass,
            "PYTHONUNBUFFERED": "1",
        }
    )


def _announce(settings: Settings, *, accounts: bool) -> None:
    say("")
    say(f"  Label:     {sign_in_link(settings, accounts=accounts)}")
    say(f"  Schedule:  http://{_LOOPBACK}:{settings.prefect_port}")
    say(f"  Logs:      {settings.home / 'logs'}")
    say("")
    say("  Ctrl-C stops everything.")
    sys.stdout.flush()
