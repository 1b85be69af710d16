"""Which IP addresses belong to the public internet, and to no network of somebody's own.

    IPv4   what is global, without multicast and reserved ranges
    IPv6   global unicast (2000::/3) only, without tunnels (6to4, Teredo), and
           64:ff9b::/96, where a network without IPv4 writes IPv4 addresses, if that one is public

Refused is therefore this machine, private networks, link-local addresses with the services that
clouds keep there (169.254.169.254, 100.100.100.200), carriers' networks (100.64.0.0/10), samples,
and whatever hides an IPv4 address in another way (::ffff:10.0.0.1).
"""

from __future__ import annotations

import ipaddress

_NOT_PUBLIC = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24")]
"""Which Python's older tables take for public."""
_UNICAST = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's.  Raises: ValueError, if it is none."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        inside = any(found in network for network in _NOT_PUBLIC)
        return found.is_global and not (inside or found.is_multicast or found.is_reserved)
    if found in _TRANSLATED:
        return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    tunnelled = found.sixtofour is not None or found.teredo is not None
    return found in _UNICAST and found.is_global and not tunnelled
