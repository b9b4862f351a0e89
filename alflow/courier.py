"""Brings one message to its receiver: a webhook, or a service of Apprise (e-mail and chats).

Each goes from a process of its own, `python -m alflow.courier`, which takes the message from standard input. So a
receiver that never ends its answer is left by ending the process, nothing of a hundred services stays in memory, and
one rule holds for whatever code opens a connection: to addresses of this machine and its network, after redirects too,
none is opened unless that is allowed.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from alflow.errors import InvalidInputError
from alflow.networks import is_public

WEB: Final = ("http", "https")

_ANSWER_SECONDS: Final = 10  # of a webhook, between two signs of life
_PATIENCE_SECONDS: Final = 30  # for all of it
_LONGEST: Final = 300  # characters of a trouble
_SHORTEST_SECRET: Final = 4
_MAIL: Final = ("mailto", "mailtos")
_CONNECTS: Final = ("socket.connect", "socket.sendto", "socket.sendmsg")
_FORBIDDEN: Final = ("os.exec", "os.posix_spawn", "os.system", "subprocess.Popen", "syslog.syslog")
_SAID: Final[Mapping[int, str]] = {
    401: "it does not accept who sends (401): look whether the address and its password are right",
    403: "it refuses the message (403): look whether it checks the signature with the right secret",
    404: "nothing is at that address (404): look whether it is right",
    410: "nothing is at that address any more (410): remove the channel, or add the new address",
}


@dataclass(frozen=True)
class Delivery:
    """What is to be brought.

    Attributes:
        address: of the receiver.
        inside: whether it may be on this machine or in its network.
        title, words: for people.
        body, headers: for a webhook, with its signature; an empty body for the others.
    """

    address: str
    inside: bool
    title: str = ""
    words: str = ""
    body: str = ""
    headers: Mapping[str, str] | None = None


def send(delivery: Delivery) -> str | None:
    """Bring it; returns why it did not arrive, in words without what is secret in the address, or None."""
    said = _ask("send", delivery)
    return said.get("trouble")


class Recognised(NamedTuple):
    """What is shown of an address, and whether it is of a webhook, whose messages are signed."""

    shown: str
    is_webhook: bool


def recognised(address: str) -> Recognised | None:
    """What an address is of; None where neither a webhook nor a service of Apprise is there.

    Raises:
        InvalidInputError: the process that looks does not answer.
    """
    said = _ask("look", Delivery(address, inside=False))
    if "trouble" in said:
        raise InvalidInputError(f"the address cannot be looked at: {said['trouble']}")
    service = said["service"]
    parts = urlsplit(address)
    if service is None:
        is_web = parts.scheme.lower() in WEB and parts.hostname
        return Recognised(f"{parts.scheme.lower()}://{_host(address)}", is_webhook=True) if is_web else None
    host = _host(address) if parts.scheme.lower() in _MAIL else ""  # of chats it may be a password
    return Recognised(f"{parts.scheme.lower()}://{host} ({service})", is_webhook=False)


def _ask(what: str, delivery: Delivery) -> dict[str, Any]:
    """What the process answers; `trouble` if it does not."""
    command = [sys.executable, "-m", "alflow.courier", what]
    try:
        ended = subprocess.run(
            command,
            input=json.dumps(asdict(delivery)),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"trouble": f"it did not answer within {_PATIENCE_SECONDS} seconds"}
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError) as error:
        return {"trouble": f"the process that sends has failed ({type(error).__name__})"}
    return found


def _host(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2].lower()


# What follows runs in the process of one message.


class _Guard:
    """Refuses connections inward for all code of this process, from when it is set; it keeps whom it refused."""

    def __init__(self, *, inside: bool) -> None:
        self.inside, self.refused = inside, ""
        sys.addaudithook(self)

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """What Python tells of every step.

        Raises:
            PermissionError: it is one that a message may not take.
        """
        if event in _FORBIDDEN:
            self._refuse("a program of this machine")
        elif event in _CONNECTS and given[1] is not None:
            host = str(given[1][0] or "") if isinstance(given[1], tuple) else ""
            if not host:
                self._refuse("a program of this machine")
            elif not self.inside and not is_public(host):
                self._refuse(host)

    def _refuse(self, whom: str) -> None:
        self.refused = self.refused or whom
        raise PermissionError(f"{whom} is inside")


def _main(what: str, delivery: Delivery) -> dict[str, str | None]:
    if what == "look":
        return {"service": _service(delivery.address)}
    guard = _Guard(inside=delivery.inside)
    try:
        trouble = _post(delivery) if delivery.body else _notify(delivery)
    except Exception as error:  # noqa: BLE001 - whatever a library raises, it did not arrive
        said = _without_secrets(str(error), delivery.address) or type(error).__name__
        trouble = f"it cannot be reached ({said})"
    if trouble is not None and guard.refused:
        trouble = (
            f"{guard.refused} is on this machine or inside its network: who runs the machine may allow that with "
            "ALFLOW_MESSAGES_INSIDE=true"
        )
    return {"trouble": trouble}


def _service(address: str) -> str | None:
    """The name of Apprise's service that reads the address."""
    from apprise import Apprise  # noqa: PLC0415

    found = Apprise.instantiate(address, suppress_exceptions=True)
    return None if found is None else str(found.service_name)


def _post(delivery: Delivery) -> str | None:
    import httpx  # noqa: PLC0415

    try:
        with httpx.stream(
            "POST", delivery.address, content=delivery.body, headers=delivery.headers, timeout=_ANSWER_SECONDS
        ) as answer:
            status = answer.status_code
    except httpx.TimeoutException:
        return f"it did not answer within {_ANSWER_SECONDS} seconds"
    if httpx.codes.is_success(status):
        return None
    if httpx.codes.is_redirect(status):
        return f"it leads elsewhere ({status}), which is not followed: add the address that it leads to"
    return _SAID.get(status, f"it answers with status {status}")


def _notify(delivery: Delivery) -> str | None:
    from apprise import Apprise, LogCapture, NotifyFormat  # noqa: PLC0415

    service = Apprise()
    if not service.add(delivery.address):
        return "no service of Apprise reads its address any more: remove the channel, and add it anew"
    with LogCapture(fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        if service.notify(body=delivery.words, title=delivery.title, body_format=NotifyFormat.TEXT):
            return None
        return _without_secrets(log.getvalue(), delivery.address) or "the service did not take it"


def _without_secrets(text: str, address: str) -> str:
    """The text in one line of bounded length, in which no part of the address stands but its scheme and host."""
    scheme = urlsplit(address).scheme
    shown = {scheme, *(_host(address).split(":") if scheme in {*WEB, *_MAIL} else ())}
    for whole in (address, unquote(address)):
        for part in sorted(set(re.split(r"[/:@?&=,;\s]+", whole)) - shown, key=len, reverse=True):
            if len(part) >= _SHORTEST_SECRET:
                text = text.replace(part, "...")
    return " ".join(text.split())[:_LONGEST]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_main(sys.argv[1], Delivery(**json.load(sys.stdin)))) + "\n")
