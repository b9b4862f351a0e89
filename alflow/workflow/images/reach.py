"""Which addresses may be read for whom.

Whoever types commands on the machine may name whatever it reaches. A program far away may name addresses of the web
alone, and of these public ones only: not this machine, not its network, not the buckets that its keys open. That is
checked once more by each connection (`alflow.workflow.images.redirects`), since a name may lead elsewhere by then.
"""

from collections.abc import Callable
from dataclasses import replace

from alflow.errors import InvalidInputError
from alflow.networks import is_public
from alflow.workflow.images.addresses import WEB, Address

Reach = Callable[[Address], Address]
"""The address as it is to be read, or an `InvalidInputError` where it may not be."""


def everywhere(address: Address) -> Address:
    """For whoever types commands on the machine."""
    return address


def public(address: Address) -> Address:
    """For programs far away.

    Raises:
        InvalidInputError: it is not of the web, or inside this network.
    """
    if address.outer is not None:
        return replace(address, outer=public(address.outer))
    if address.scheme not in WEB:
        raise InvalidInputError(
            f"programs may name addresses of the web (https://), not {address.scheme}://: `alflow import` reads it"
        )
    if _is_inside(address.host):
        raise InvalidInputError(f"{address.host} is inside this network: `alflow import` on the machine reads it")
    return replace(address, public=True)


def _is_inside(host: str) -> bool:
    """Whether a host is written as an address of this network; names are looked up when they are connected to."""
    machine = host.rpartition("@")[2]
    bare = machine[1:].partition("]")[0] if machine.startswith("[") else machine.partition(":")[0]
    return is_public(bare) is False
