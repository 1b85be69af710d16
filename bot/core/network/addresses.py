"""Decide which IP addresses are public, that is, not of a private or special network.

    IPv4   global addresses, without multicast and reserved ranges
    IPv6   global unicast (2000::/3) only, without tunnels (6to4, Teredo), and
           64:ff9b::/96, which embeds IPv4 addresses (NAT64), if the embedded address is public

So these are not public: this machine, private networks, link-local addresses, the metadata services
of clouds (169.254.169.254, 100.100.100.200), carrier-grade NAT (100.64.0.0/10), documentation
ranges, and any other form that embeds an IPv4 address (::ffff:10.0.0.1).
"""

from __future__ import annotations

import ipaddress

_NOT_PUBLIC = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24")]
"""Global for older versions of Python: https://github.com/python/cpython/issues/113171"""
_UNICAST = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""The well-known prefix of NAT64, RFC 6052."""


def is_public(address: str) -> bool:
    """Return whether an IP address is public.  Raises: ValueError if it is not an IP address."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        inside = any(found in network for network in _NOT_PUBLIC)
        return found.is_global and not (inside or found.is_multicast or found.is_reserved)
    if found in _TRANSLATED:
        return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    tunnelled = found.sixtofour is not None or found.teredo is not None
    return found in _UNICAST and found.is_global and not tunnelled
