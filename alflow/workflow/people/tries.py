"""How often somebody may try a password: guessing is slow, and nobody can lock somebody else out.

Tries are counted by the place that they come from: a browser that has signed in to the account before, by a cookie of
its own, else a network address. Each place has a few tries for a name, and an address a few more for all names
together. What is refused there counts nowhere else, so one place uses up its own tries only.

Somebody with many addresses gets the tries of each. Beyond a hundred for one name, counted over all places that do not
know it, a new place has two instead of ten: that slows the guessing, and still lets the owner in from anywhere.
Browsers that are known are not concerned. A success gives back the tries of its own place and name, of nobody else.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from math import ceil
from typing import Final

from alflow.errors import InvalidInputError, TryLaterError
from alflow.ids import AnnotatorId
from alflow.store.database import Transaction
from alflow.store.people import people, sessions
from alflow.store.people.sessions import Limit
from alflow.workflow.people.annotators import clean_name
from alflow.workflow.people.passwords import is_password, token_hash
from alflow.workspace import Workspace

KNOWN_DAYS: Final = 90.0
"""How long a browser is known to an account after it signed in."""

_OF_PLACE: Final = (10, timedelta(minutes=1))
_OF_ADDRESS: Final = (30, timedelta(seconds=10))
_OF_NAME: Final = (100, timedelta(minutes=1))
_OF_NEW_PLACE: Final = (2, timedelta(minutes=10))


def prove(
    workspace: Workspace, name: str, password: str, address: str, device: str = ""
) -> tuple[AnnotatorId, str] | None:
    """Annotator and stored hash of the active account with this name and password; None where there is none.

    Args:
        workspace: where the accounts are.
        name: as it was typed.
        password: as it was typed.
        address: where the request comes from.
        device: secret that the browser keeps; once it is proven, its tries are counted by it.

    Raises:
        TryLaterError: too many tries from this address or device.
    """
    now = datetime.now(UTC)
    with workspace.database.begin() as tx:
        sessions.forget_tries(tx, now)  # by itself: with the rest, two could wait for each other
    with workspace.database.begin() as tx:
        account = people.by_name(tx, name) if _is_name(name) else None
        known = None if account is None else _known(tx, account.annotator_id, device, now)
        place = _Place(people.login_of(name), known or network(address))
        wait = place.tries(tx, now) if known else _strangers(tx, place, address, now)
        stored = people.password_hash(tx, account.annotator_id) if account is not None and account.active else None
    if wait:
        raise TryLaterError(f"too many attempts: try again in {_in_words(wait)}", wait)
    if not is_password(stored, password) or account is None or stored is None:
        return None
    with workspace.database.begin() as tx:
        place.forgive(tx)
        if device:
            sessions.remember(tx, _device(account.annotator_id, device), now + timedelta(days=KNOWN_DAYS))
    return account.annotator_id, stored


def network(address: str) -> str:
    """The key by which tries of an address are counted; for IPv6 the network, as its holder has all 2^64 addresses."""
    try:
        parsed = ip_network(address, strict=False)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(parsed.supernet(new_prefix=min(parsed.prefixlen, 64)))
    return str(parsed).removesuffix("/32")


def forget(tx: Transaction, name: str) -> None:
    """Forget how often the name was tried; what is kept by place names nobody, and ends by itself."""
    sessions.forgive(tx, _name_key(people.login_of(name)))


class _Place:
    """The tries for one name from one place."""

    def __init__(self, login: str, where: str) -> None:
        self.login = login
        self._name = token_hash(f"{login}\n{where}")

    def tries(self, tx: Transaction, now: datetime) -> float:
        """Count one; the seconds to wait for it."""
        return sessions.count_try(tx, Limit(f"place:{self._name}", *_OF_PLACE), now)

    def few_tries(self, tx: Transaction, now: datetime) -> float:
        """Count one while the name is under attack; the seconds to wait for it."""
        return sessions.count_try(tx, Limit(f"new:{self._name}", *_OF_NEW_PLACE), now)

    def forgive(self, tx: Transaction) -> None:
        """Forget them."""
        for kind in ("place", "new"):
            sessions.forgive(tx, f"{kind}:{self._name}")


def _strangers(tx: Transaction, place: _Place, address: str, now: datetime) -> float:
    """Count a try from a place that does not know the name; each limit only where those before allow it."""
    if wait := sessions.count_try(tx, Limit(f"address:{network(address)}", *_OF_ADDRESS), now):
        return wait
    if wait := place.tries(tx, now):
        return wait
    attacked = sessions.count_try(tx, Limit(_name_key(place.login), *_OF_NAME), now) > 0
    return place.few_tries(tx, now) if attacked else 0.0


def _name_key(login: str) -> str:
    return f"name:{token_hash(login)}"


def _known(tx: Transaction, annotator_id: AnnotatorId, device: str, now: datetime) -> str | None:
    """What stands for a browser that has signed in to this account; None for any other."""
    key = _device(annotator_id, device)
    return key if device and sessions.remembers(tx, key, now) else None


def _device(annotator_id: AnnotatorId, device: str) -> str:
    secret = token_hash(f"{annotator_id}\n{device}")
    return f"device:{secret}"


def _is_name(name: str) -> bool:
    """Whether this can be a name: databases refuse to search for some texts."""
    try:
        return bool(clean_name(name))
    except InvalidInputError:
        return False


def _in_words(seconds: float) -> str:
    number, unit = (ceil(seconds), "second") if seconds < 90 else (ceil(seconds / 60), "minute")
    return f"{number} {unit}{'s' if number > 1 else ''}"
