"""A look at a URL: what is sent, and whom it may meet."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from bot.core.edge_check import EdgeSnapshot, Why
from tests.support.loopback_servers import (
    answer,
    gateway,
    hang_up,
    hear_then,
    listening,
    say,
    shake_hands_then,
)
from tests.unit.edge_network import END, NOON, OTHER, PUBLIC, START, WWW, Network, look, probe

# What is asked, and what is read


def test_a_look_asks_for_the_headers_once_and_for_nothing_else(network: Network) -> None:
    headers = ["ETag: v1", "Age: 7", "X-Cache: HIT", "Last-Modified: Mon, 02 Mar 2026 08:00:00 GMT"]
    with gateway(answer(200, b"", *headers)) as edge:
        network.lead(edge.listener.port)
        found = look("/a?b=c")
    assert found == EdgeSnapshot(
        f"http://{WWW}/a?b=c", NOON, 200, "Mon, 02 Mar 2026 08:00:00 GMT", "v1", 7, "HIT"
    )
    (head,) = edge.requests
    assert head.splitlines() == [
        "HEAD /a?b=c HTTP/1.1",
        f"Host: {WWW}",
        "User-Agent: purgebot-proof",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]


def test_nothing_of_the_environment_and_no_cookie_goes_along(
    network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text(f"machine {WWW} login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with (
        listening(hear_then(hang_up)) as proxy,
        gateway(answer(200, b"", "Set-Cookie: a=b; Path=/")) as edge,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        network.lead(edge.listener.port)
        one = probe()
        statuses = [one.probe(f"http://{WWW}/").status for _ in range(2)]
    assert (statuses, proxy.connections, edge.listener.connections) == ([200, 200], 0, 2)
    assert "cookie" not in str(edge.requests).lower()
    assert "authorization" not in str(edge.requests).lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", [f"http://{WWW}/there", "http://127.0.0.1/", "http://[", "\xff"]
)
def test_a_redirect_is_told_and_not_followed(network: Network, status: int, location: str) -> None:
    redirect = f"HTTP/1.1 {status} There\r\nLocation: {location}\r\n".encode("latin-1") + END
    with listening(hear_then(say(redirect))) as edge:
        network.lead(edge.port)
        found = look()
    assert (found.status, found.why) == (status, Why.REDIRECT)
    assert (edge.connections, network.met) == (1, [(PUBLIC, 80)])


def test_an_error_is_an_answer(network: Network) -> None:
    with gateway(answer(503, b"")) as edge:
        network.lead(edge.listener.port)
        found = look()
    assert (found.status, found.why) == (503, None)


# Whom a look may meet

FORBIDDEN = [
    *["127.0.0.1", "0.0.0.0", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200"],  # noqa: S104  (no binding)
    *["100.64.0.1", "224.0.0.1", "240.0.0.1", "::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1"],
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_name_that_leads_into_a_network_is_refused(network: Network, address: str) -> None:
    network.lead(9, address)
    assert look().why is Why.REFUSED_ADDRESS
    assert network.met == []


@pytest.mark.parametrize("addresses", [(PUBLIC, "10.0.0.1"), ("10.0.0.1", PUBLIC)])
def test_one_such_address_among_others_is_enough(
    network: Network, addresses: tuple[str, ...]
) -> None:
    network.lead(9, *addresses)
    assert look().why is Why.REFUSED_ADDRESS
    assert network.met == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "127.1"])
def test_an_address_in_place_of_a_name_is_looked_at_as_well(network: Network, host: str) -> None:
    assert probe().probe(f"http://{host}/").why is Why.REFUSED_ADDRESS
    assert network.met == []


def test_the_address_that_was_checked_is_the_one_that_is_met(network: Network) -> None:
    """A name server may say something harmless first, and something else when asked again."""
    with gateway(answer(200, b"")) as edge:
        network.names[WWW] = [[PUBLIC], ["127.0.0.1"]]
        network.ports = {PUBLIC: edge.listener.port}
        found = look()
    assert found.status == 200
    assert (network.asked, network.met) == ([WWW], [(PUBLIC, 80)])


def test_a_second_look_checks_again(network: Network) -> None:
    with gateway(answer(200, b"")) as edge:
        network.names[WWW] = [[PUBLIC], ["127.0.0.1"]]
        network.ports = {PUBLIC: edge.listener.port}
        one = probe()
        assert one.probe(f"http://{WWW}/").status == 200
        assert one.probe(f"http://{WWW}/").why is Why.REFUSED_ADDRESS
    assert edge.listener.connections == 1


def test_where_one_address_does_not_answer_the_next_one_is_tried(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with gateway(answer(200, b"")) as edge:
        network.names[WWW] = [[PUBLIC, OTHER]]
        network.ports = {PUBLIC: closed, OTHER: edge.listener.port}
        assert look().status == 200
        assert network.met == [(PUBLIC, 80), (OTHER, 80)]


# Secure connections


def test_a_secure_look_shows_and_checks_the_name(
    network: Network, www_tls: ssl.SSLContext, trusted: None
) -> None:
    shown: list[str | None] = []
    www_tls.sni_callback = lambda _, name, __: shown.append(name)
    with listening(shake_hands_then(hear_then(say(START + END)), www_tls)) as edge:
        network.lead(edge.port)
        found = look(scheme="https")
    assert (found.status, found.why) == (200, None)
    assert (shown, network.met) == ([WWW], [(PUBLIC, 443)])


def test_a_server_of_another_name_is_not_believed(
    network: Network, www_tls: ssl.SSLContext, trusted: None
) -> None:
    with listening(shake_hands_then(hear_then(say(START + END)), www_tls)) as edge:
        network.names["shop.example.com"] = [[PUBLIC]]
        network.ports = {PUBLIC: edge.port}
        found = probe().probe("https://shop.example.com/")
    assert (found.status, found.why) == (None, Why.UNTRUSTED)


def test_a_certificate_from_somebody_unknown_is_not_believed(
    network: Network,
    www_tls: ssl.SSLContext,
    www_certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(www_certificate))
    with listening(shake_hands_then(hear_then(say(START + END)), www_tls)) as edge:
        network.lead(edge.port)
        found = look(scheme="https")
    assert (found.status, found.why) == (None, Why.UNTRUSTED)


# The address for trials


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_in_a_trial_every_look_goes_to_the_given_address(network: Network, scheme: str) -> None:
    with gateway(answer(200, b"", "Age: 5")) as edge:
        found = look("/?u=https://x", scheme, address=f"127.0.0.1:{edge.listener.port}")
    assert (found.url, found.age) == (f"{scheme}://{WWW}/?u=https://x", 5)
    assert edge.requests[0].splitlines()[:2] == ["HEAD /?u=https://x HTTP/1.1", f"Host: {WWW}"]
    assert network.asked == []


@pytest.mark.parametrize(
    "address", ["10.0.0.1:80", "www.example.com:80", "0.0.0.0:80", "127.0.0.1"]
)
def test_a_trial_stays_on_this_machine(address: str) -> None:
    with pytest.raises(ValueError):
        probe(address)
