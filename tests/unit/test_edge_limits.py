"""Looks that see nothing: what went wrong is told, and nobody can make a look long or large."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from bot.core.edge_check import EdgeSnapshot, Why
from tests.support.loopback_servers import (
    Deed,
    hang_up,
    hear_then,
    listening,
    reset,
    say,
    say_nothing,
    shake_hands_then,
)
from tests.unit.edge_network import END, NOON, START, WWW, Network, look, looking, probe

# No answer


def test_a_name_that_nobody_knows(network: Network) -> None:
    assert look().why is Why.UNKNOWN_HOST


def test_nobody_listens(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        network.lead(server.getsockname()[1])
    assert look() == EdgeSnapshot(f"http://{WWW}/", NOON, why=Why.NO_CONNECTION)


@pytest.mark.parametrize(
    ("deed", "whys"),
    [
        (say(b"220 Mail service ready\r\n\r\n"), {Why.UNREADABLE}),
        (hang_up, {Why.UNREADABLE}),
        (reset, {Why.UNREADABLE, Why.NO_CONNECTION}),
        (say(START + b"X: y\r\n" * 101 + END), {Why.UNREADABLE}),
    ],
    ids=["speaks no HTTP", "hangs up", "resets", "has too many headers"],
)
def test_a_broken_answer_is_none(network: Network, deed: Deed, whys: set[Why]) -> None:
    with listening(hear_then(deed)) as edge:
        network.lead(edge.port)
        assert look().why in whys


def test_a_url_that_the_policy_would_not_take_is_no_surprise(network: Network) -> None:
    for url in (
        "ftp://www.example.com/",
        "www.example.com",
        "http://",
        "http://[::1/",
        "http://a..example.org/",
    ):
        assert probe().probe(url).why is Why.NO_CONNECTION
    assert probe().probe(f"http://{'a' * 64}.example.com/").why in {
        Why.NO_CONNECTION,
        Why.UNKNOWN_HOST,
    }
    assert network.met == []


# How long


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing_is_not_waited_for(network: Network, scheme: str) -> None:
    with listening(say_nothing) as edge:
        network.lead(edge.port)
        assert look(scheme=scheme, timeout_s=(0.2, 0.2), longest_s=300).why is Why.TIMEOUT


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_server_that_says_a_little_again_and_again_is_left(
    network: Network, secure: bool, www_tls: ssl.SSLContext, trusted: None
) -> None:
    left = threading.Event()

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(START + b"X: ")
        try:
            while not over.wait(0.02):
                connection.sendall(b"x")
        except OSError:
            left.set()

    deed = hear_then(drip)
    with listening(shake_hands_then(deed, www_tls) if secure else deed) as edge:
        network.lead(edge.port)
        scheme = "https" if secure else "http"
        assert look(scheme=scheme, timeout_s=(5, 5), longest_s=0.5).why is Why.TIMEOUT
        assert left.wait(5), "the connection is still open"


def test_a_handshake_without_end_is_left(network: Network) -> None:
    left = threading.Event()

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB is announced
        try:
            while not over.wait(0.02):
                connection.sendall(b"\x02")
        except OSError:
            left.set()

    with listening(drip) as edge:
        network.lead(edge.port)
        assert look(scheme="https", timeout_s=(5, 5), longest_s=0.5).why is Why.TIMEOUT
        assert left.wait(5), "the connection is still open"


def test_a_name_server_that_says_nothing_is_not_waited_for(network: Network) -> None:
    network.silence = threading.Event()
    with listening(say_nothing) as edge:
        network.lead(edge.port)
        assert look(longest_s=0.2).why is Why.TIMEOUT
        network.silence.set()
        for thread in looking():
            thread.join(5)
    assert (looking(), network.met, edge.connections) == ([], [], 0)


# How large


def test_a_body_is_not_waited_for(network: Network) -> None:
    huge = START + b"Content-Length: 99999999999\r\n\r\n"

    def start(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(huge)
        over.wait()

    with listening(hear_then(start)) as edge:
        network.lead(edge.port)
        assert look().status == 200


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(START + b"X: " + b"x" * 40_000 + b"\r\n" + END, id="one long header"),
        pytest.param(START + (b"X: " + b"x" * 800 + b"\r\n") * 50 + END, id="many headers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + START + END, id="many answers"),
        pytest.param(b"HTTP/1.1 200 " + b"x" * 40_000 + b"\r\n" + END, id="a long first line"),
    ],
)
def test_an_answer_too_large_is_not_read(network: Network, words: bytes) -> None:
    with listening(hear_then(say(words))) as edge:
        network.lead(edge.port)
        assert look() == EdgeSnapshot(f"http://{WWW}/", NOON, why=Why.TOO_LARGE)


def test_an_answer_of_a_common_size_is_read(network: Network) -> None:
    words = START + (b"X: " + b"x" * 800 + b"\r\n") * 30 + b"Age: 5\r\n" + END
    with listening(hear_then(say(words))) as edge:
        network.lead(edge.port)
        assert look().age == 5
