"""Which addresses are of the internet, and which of this machine and its network."""

from ipaddress import IPv6Address, ip_address


def is_public(address: str) -> bool | None:
    """Whether an IP address is one of the internet; None of what is a name, which leads to an address when it is used.

    An address of IPv6 that stands for one of IPv4 is what that one is.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    inner = (found.ipv4_mapped or found.sixtofour or found) if isinstance(found, IPv6Address) else found
    return inner.is_global and not inner.is_multicast
