"""`alflow up`: the Prefect server, the schedule and the pages, together until Ctrl-C."""

import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from alflow import logs
from alflow.commands import clock
from alflow.commands.console import note, say
from alflow.commands.ports import free_port, is_free
from alflow.commands.processes import Service, Supervisor, answers, only_one, stop_on_signals
from alflow.errors import UnavailableError
from alflow.settings import Settings

if TYPE_CHECKING:
    from alflow.workspace import Workspace

_PRIVATE = 0o077
_KEPT = -1
_MARKER = "serving"
_DEMO = "demo"


def run_up(settings: Settings, demo: bool = False) -> None:
    """Start everything, print the sign-in link, stop everything on Ctrl-C or SIGTERM; a part that ends starts again.

    With `demo` its two projects are made meanwhile. The link is there as soon as the first can be labelled; the
    schedule, which nobody needs before the first round is answered, starts when the second is filled.

    Raises:
        InvalidInputError: the host is not loopback, and there are neither accounts nor an identity provider.
        ConflictError: alflow already runs on this home.
        UnavailableError: a part did not start; a port is taken; the home cannot be written.
    """
    from alflow.workflow.people.sign_in import has_accounts

    workspace = _prepared(settings)
    stopping = threading.Event()
    with only_one(settings.home / "up.lock", f"alflow up in {settings.home}"), stop_on_signals(stopping):
        try:
            _run_parts(_completed(settings), stopping, accounts=has_accounts(workspace), demo=demo)
        except UnavailableError:
            workspace.check_writable()  # a full disk explains more than the failure of a part
            raise
    note("stopped")


def sign_in_link(settings: Settings, *, accounts: bool = False) -> str:
    """The sign-in link; without accounts it carries the token, on this machine only."""
    token = "" if accounts or not settings.is_local else f"?token={quote(settings.sign_in_token)}"
    return f"{settings.address}/sign-in{token}"


def services(settings: Settings) -> tuple[Service, ...]:
    """What runs: the Prefect server unless there is one, the pages, and last the schedule, which needs the server.

    Raises:
        UnavailableError: the home cannot be written.
    """
    common = environment(settings)
    folder = settings.home / "logs"
    python = sys.executable
    marker = settings.home / _MARKER
    marker.unlink(missing_ok=True)
    # Artifacts in another folder may be shared with others, so the user's own umask applies.
    umask = _KEPT if settings.artifacts_url else _PRIVATE
    pages = Service(
        name="the web server",
        command=(python, "-m", "alflow.ui"),
        environment=common,
        log=folder / "pages.log",
        ready=lambda: answers(settings.host, settings.port, "/_stcore/health"),
        umask=umask,
    )
    schedule = Service(
        name="the schedule",
        command=(python, "-m", "alflow.flows.deployments", "--ready", str(marker)),
        environment=common | clock.client_environment(settings),
        log=folder / "schedule.log",
        ready=marker.exists,
        umask=umask,
    )
    if clock.own_server():
        return pages, schedule
    server = Service(
        name="the Prefect server",
        command=(python, "-m", "alflow.flows.server", "--fd", "{fd}"),
        environment=common | clock.server_environment(settings),
        log=folder / "prefect.log",
        ready=lambda: answers(clock.LOOPBACK, settings.prefect_port, "/api/health"),
        listens=(clock.LOOPBACK, settings.prefect_port),
        umask=_PRIVATE,
    )
    return server, pages, schedule


def environment(settings: Settings) -> dict[str, str]:
    """The environment of every part: ours without Prefect's settings, and with everything they must agree on."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    inherited |= logs.prefect_environment(settings.log_format)
    bypass = ",".join(filter(None, (inherited.get("NO_PROXY"), clock.LOOPBACK, "localhost")))
    return (
        inherited
        | settings.as_environment()
        | {"DO_NOT_TRACK": "1", "NO_PROXY": bypass, "no_proxy": bypass, "PYTHONUNBUFFERED": "1"}
    )


def _run_parts(settings: Settings, stopping: threading.Event, *, accounts: bool, demo: bool) -> None:
    *parts, schedule = services(settings)
    parts += [_demo(settings)] if demo else []
    told = _tell_changes(settings.home / _DEMO)
    with Supervisor(stopping) as supervisor:
        note(f"starting {' and '.join(part.name for part in parts)} ...")
        for part in parts:
            supervisor.start(part)
        if supervisor.wait(told) and demo:
            _announce(settings, accounts=accounts)
        if supervisor.finish(told):
            note("starting the schedule ...")
            supervisor.start(schedule)
        if supervisor.wait() and not demo:
            _announce(settings, accounts=accounts)
        supervisor.watch(_tell_changes(settings.home / _MARKER), note)
        note("stopping ...")


def _demo(settings: Settings) -> Service:
    """What makes the projects of the demo; ready once the first can be labelled."""
    marker = settings.home / _DEMO
    ready = marker.with_suffix(".ready")
    for file in (marker, ready):
        file.unlink(missing_ok=True)
    return Service(
        name="the demo",
        command=(sys.executable, "-m", "alflow.demo.prepare", str(marker)),
        environment=environment(settings),
        log=settings.home / "logs" / "demo.log",
        ready=ready.exists,
        umask=_PRIVATE,
        once=True,
    )


def _completed(settings: Settings) -> Settings:
    """Absolute home, free ports that differ, a token: everything the parts must agree on."""
    port, prefect_port = _port(settings), settings.prefect_port
    if not clock.own_server():
        prefect_port = free_port(clock.LOOPBACK, prefect_port, avoid={port})
    for wanted, taken in ((settings.port, port), (settings.prefect_port, prefect_port)):
        if wanted != taken:
            note(f"port {wanted} is in use: using {taken} instead")
    return settings.model_copy(
        update={
            "home": settings.home.resolve(),
            "port": port,
            "prefect_port": prefect_port,
            "sign_in_token": settings.sign_in_token or secrets.token_urlsafe(24),
        }
    )


def _port(settings: Settings) -> int:
    """The port of the pages: the wanted one, or the next free one; behind a public address, the wanted one only.

    Raises:
        UnavailableError: no port that may be taken is free.
    """
    if not settings.public_url:
        also = {settings.prefect_port} - {settings.port}
        return free_port(settings.host, settings.port, avoid=also)
    if not is_free(settings.host, settings.port):
        raise UnavailableError(
            f"port {settings.port} on {settings.host} is in use, and {settings.public_url} leads there: "
            "stop the program that listens on it, or set ALFLOW_PORT and point the proxy at that port"
        )
    return settings.port


def _prepared(settings: Settings) -> "Workspace":
    """Create or check the database here, so that its errors are ours to print.

    Raises:
        InvalidInputError: the host is not loopback, and there are neither accounts nor an identity provider.
        UnavailableError: the database belongs to another version of alflow, or nothing can be stored.
    """
    from alflow.workflow.people.sign_in import require_door
    from alflow.workspace import Workspace

    workspace = Workspace.open(settings)
    require_door(workspace)
    workspace.check_writable()
    if not settings.is_local and not settings.address.startswith("https:"):
        note(f"passwords for {settings.address} are sent in the clear: use an https proxy and set ALFLOW_PUBLIC_URL")
    return workspace


def _tell_changes(marker: Path) -> Callable[[], None]:
    """A function that reports each new message of the schedule."""
    last = ""

    def look() -> None:
        nonlocal last
        with contextlib.suppress(OSError):
            if (words := marker.read_text(encoding="utf-8").strip()) and words != last:
                note(words)
                last = words

    return look


def _announce(settings: Settings, *, accounts: bool) -> None:
    say("")
    say(f"  Label:     {sign_in_link(settings, accounts=accounts)}")
    say(f"  Schedule:  {clock.where(settings)}")
    say(f"  Logs:      {settings.home / 'logs'}")
    say("")
    say("  Ctrl-C stops everything.")
    sys.stdout.flush()
