"""However slowly or much the CDN sends, an exchange ends; what is slow within bounds works.

Of the edge: test_edge_limits.py.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.error_codes import CdnInDoubt, CdnRefused
from tests.support.certificates import write_certificate
from tests.support.loopback_servers import (
    DRIPS,
    HUGE,
    OK,
    START,
    TLS_RECORD,
    Deed,
    answer,
    drip,
    gateway,
    hear_then,
    letter_by_letter,
    listening,
    with_tls,
)
from tests.support.permits import permit
from tests.support.proxies import forget_proxies

BRIEF_S = 0.3
"""The deadline of a whole exchange, where it is to be missed."""
PATIENT_S = 60


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_certificate(tmp_path / "localhost.pem", "localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def purge(url: str, longest_s: float) -> str:
    client = CdnClient(
        url, static("id", "secret"), timeout_s=(PATIENT_S, PATIENT_S), longest_s=longest_s
    )
    try:
        return client.refresh_by_tag(permit("www.example.com", ["hero"], force=True)).task_id
    finally:
        client.close()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("what", DRIPS)
def test_a_purge_whose_answer_never_ends_is_in_doubt(
    what: str, secure: bool, certificate: Path
) -> None:
    deed = hear_then(DRIPS[what])
    scheme = "https" if secure else "http"
    with (
        listening(with_tls(certificate, deed) if secure else deed) as server,
        pytest.raises(CdnInDoubt) as lost,
    ):
        purge(f"{scheme}://localhost:{server.port}", BRIEF_S)
    assert lost.value.info.code == "cdn-no-answer"
    assert server.connections == 1


def test_a_handshake_that_never_ends_is_never_sent(certificate: Path) -> None:
    with listening(drip(TLS_RECORD, b"\x00")) as server, pytest.raises(CdnRefused) as refused:
        purge(f"https://localhost:{server.port}", BRIEF_S)
    assert refused.value.info.facts["why"] == "it did not take the connection in time"


def make_way_and_drip(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
    connection.recv(1)
    drip(TLS_RECORD, b"\x00")(connection, over)


@pytest.mark.parametrize(
    "deed",
    [
        *(hear_then(DRIPS[what]) for what in ("status", "headers")),
        hear_then(make_way_and_drip),
    ],
    ids=["status", "headers", "handshake behind it"],
)
def test_a_proxy_that_never_makes_way_is_never_sent_to(
    deed: Deed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(deed) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(CdnRefused) as refused:
            purge("https://cdn.example", BRIEF_S)
    assert refused.value.info.facts["why"] == "it did not take the connection in time"


def test_a_slow_answer_of_the_cdn_within_the_deadline_is_taken() -> None:
    with listening(hear_then(letter_by_letter(answer()))) as server:
        assert purge(f"http://localhost:{server.port}", PATIENT_S) == OK["RefreshTaskId"]


def test_a_deadline_that_is_over_before_the_request_goes_out_leaves_nothing_in_doubt() -> None:
    """As when the keys took that long, with a connection that was kept."""
    with gateway(answer()) as cdn:
        client = CdnClient(cdn.url, static("id", "secret"))
        some = permit("www.example.com", ["hero"], force=True)
        client.refresh_by_tag(some)
        client._longest_s = BRIEF_S
        with pytest.raises(CdnRefused):
            client.refresh_by_tag(some, allowed=lambda: threading.Event().wait(BRIEF_S) or True)
        client._longest_s = PATIENT_S
        client.refresh_by_tag(some)
        client.close()
    assert len(cdn.requests) == 2


@pytest.mark.parametrize("how", HUGE)
def test_an_answer_of_the_cdn_that_is_too_large_leaves_in_doubt(how: str) -> None:
    with listening(HUGE[how]) as server, pytest.raises(CdnInDoubt):
        purge(f"http://localhost:{server.port}", PATIENT_S)


def test_of_an_answer_of_the_cdn_that_is_too_large_little_is_taken() -> None:
    whole = 150_000_000
    sent = 0

    def pour(connection: socket.socket, over: threading.Event) -> None:
        nonlocal sent
        connection.sendall(START + b"Content-Length: %d\r\n\r\n" % whole)
        with suppress(OSError):
            while sent < whole and not over.is_set():
                connection.sendall(b" " * 100_000)
                sent += 100_000

    with listening(hear_then(pour)) as server, pytest.raises(CdnInDoubt):
        purge(f"http://localhost:{server.port}", PATIENT_S)
    assert sent < whole / 5  # the most of which lies in the buffers of both sockets


def test_a_name_server_that_says_nothing_is_waited_for_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait())
    try:
        with pytest.raises(CdnRefused) as refused:
            purge("https://cdn.example", BRIEF_S)
    finally:
        over.set()
    assert refused.value.info.facts["why"] == "it did not take the connection in time"
