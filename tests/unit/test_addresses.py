"""Which addresses are the public internet's."""

from __future__ import annotations

import pytest

from bot.core.network.addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "100.63.0.1", "100.128.0.1", "2606:4700::1", "64:ff9b::808:808"],
)
def test_a_public_address_may_be_met(address: str) -> None:
    assert is_public(address)


PRIVATE = {
    "this machine": ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::"],  # noqa: S104  (no binding)
    "private networks": ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "fec0::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "services of clouds": ["169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"],
    "carriers": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.88.99.1", "5f00::1", "4000::1"],
    "samples and benchmarks": ["192.0.2.1", "198.18.0.1", "203.0.113.1", "2001:db8::1"],
    "IPv4 inside IPv6": ["::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"],
    "a cloud's service, translated": ["64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"],
    "tunnels": ["2002:7f00:1::", "2002:808:808::", "2001:0:808:808::1"],
}


@pytest.mark.parametrize("address", [each for addresses in PRIVATE.values() for each in addresses])
def test_any_other_address_may_not(address: str) -> None:
    assert not is_public(address)


def test_what_is_no_address_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        is_public("www.example.com")
