"""Whom a network address stands for."""

import ipaddress
from typing import Final

_IPV6_NETWORK_BITS: Final = 64
# A household or a machine gets so many of IPv6's 128 bits, or more (RFC 6177).


def network_of(address: str) -> str:
    """Return what is counted as one: an IPv4 address, an IPv6 network, or the text as it is."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), _IPV6_NETWORK_BITS), strict=False))
