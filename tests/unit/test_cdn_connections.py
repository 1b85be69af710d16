"""Did the request leave?  Every way to lose it, on its way there and on the way back."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.error_codes import CdnError, CdnInDoubt, CdnRefused
from bot.cdn.transport import HELD_BACK, IDLE_S
from tests.support.certificates import write_certificate
from tests.support.loopback_servers import (
    Deed,
    answer,
    answer_all,
    gateway,
    hang_up,
    hear_then,
    listening,
    reset,
    reset_after_hello,
    say,
    say_nothing,
    shake_hands_then,
)
from tests.support.permits import permit
from tests.support.proxies import forget_proxies

SECRETS = ("access-key-secret", "security-token", "Signature=", "proxy-password")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem", "localhost")


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """No proxies but those of a test, and trust in the certificate above."""
    forget_proxies(monkeypatch)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))


def loss(
    url: str,
    timeout_s: tuple[float, float] = (5.0, 5.0),
    allowed: Callable[[], bool] = lambda: True,
) -> CdnError:
    """The error that a purge ends in, after a look whether it tells any secret."""
    keys = static("access-key-id", "access-key-secret", "security-token")
    client = CdnClient(url, keys, timeout_s=timeout_s)
    try:
        with pytest.raises(CdnError) as raised:
            client.refresh_by_tag(permit("www.example.com", ["tag1"], force=True), allowed=allowed)
    finally:
        client.close()
    error = raised.value
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.info)
    assert [secret for secret in SECRETS if secret in told] == []
    # A log that prints the exceptions behind this one would find the request in them.
    assert (error.__cause__, error.__context__) == (None, None)
    return error


def assert_never_sent(error: CdnError, *whys: str, code: str = "cdn-unreachable") -> None:
    assert isinstance(error, CdnRefused)
    assert error.info.code == code
    assert error.info.facts["why"] in whys
    assert error.retryable


INSECURE = "no secure connection could be made"
BROKEN = "the connection broke as it was made"

# --- the request never left: refused, to be tried again ---


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert_never_sent(loss(f"http://127.0.0.1:{port}"), "it refuses connections")
    assert_never_sent(loss(f"https://127.0.0.1:{port}"), "it refuses connections")


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_it_is_held_back_when_the_connection_stands(secure: bool, tls: ssl.SSLContext) -> None:
    """Its sender is asked after all that takes time."""
    heard: SimpleQueue[bytes] = SimpleQueue()

    def hear(connection: socket.socket, over: threading.Event) -> None:
        heard.put(connection.recv(1))

    def asked() -> bool:
        moments.append(server.connections)
        return False

    moments: list[int] = []
    with listening(shake_hands_then(hear, tls) if secure else hear) as server:
        url = f"{'https' if secure else 'http'}://localhost:{server.port}"
        found = loss(url, allowed=asked)
        assert heard.get(timeout=60) == b""
    assert_never_sent(found, HELD_BACK, code="cdn-held-back")
    assert moments == ([1] if secure else moments[:1])  # a handshake takes two


def test_it_is_held_back_on_a_connection_that_was_kept() -> None:
    with gateway(answer()) as cdn:
        client = CdnClient(cdn.url, static("id", "secret"))
        client.refresh_by_tag(permit("www.example.com", ["tag1"], force=True))
        with pytest.raises(CdnRefused):
            client.refresh_by_tag(
                permit("www.example.com", ["tag2"], force=True), allowed=lambda: False
            )
        client.refresh_by_tag(permit("www.example.com", ["tag3"], force=True))
        client.close()
    assert [params["CacheTag"] for params in cdn.params] == ["tag1", "tag3"]


def test_the_name_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    assert_never_sent(loss("https://cdn.example"), "its name was not found")


@pytest.mark.parametrize(
    ("deed", "whys"),
    [
        (say(b"HTTP/1.1 400 Speak up\r\n\r\n"), [INSECURE]),
        (hang_up, [INSECURE, BROKEN]),
        (reset_after_hello, [INSECURE, BROKEN]),
        (say_nothing, ["it did not take the connection in time"]),
    ],
    ids=["speaks no TLS", "hangs up", "resets", "says nothing"],
)
def test_the_handshake_fails(deed: Deed, whys: list[str]) -> None:
    with listening(deed) as server:
        url = f"https://localhost:{server.port}"
        found = loss(url, timeout_s=(0.2 if deed is say_nothing else 5.0, 5.0))
    assert_never_sent(found, *whys)
    assert server.connections == 1


def test_the_certificate_is_for_another_name(tls: ssl.SSLContext) -> None:
    with listening(shake_hands_then(answer_all, tls)) as server:
        found = loss(f"https://127.0.0.1:{server.port}")
    assert_never_sent(found, "its certificate is for another name")


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((-9, -2), "its certificate has expired"),
        ((2, 9), "its certificate is not valid yet"),
    ],
)
def test_the_certificate_is_not_good_today(
    days: tuple[int, int], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_certificate(tmp_path / "old.pem", "localhost", days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(old)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(old))
    with listening(shake_hands_then(answer_all, context)) as server:
        found = loss(f"https://localhost:{server.port}")
    assert_never_sent(found, why)


def test_the_certificate_is_from_somebody_unknown(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with listening(shake_hands_then(answer_all, tls)) as server:
        found = loss(f"https://localhost:{server.port}")
    assert_never_sent(found, "its certificate is not trusted")


def test_the_file_of_trusted_certificates_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    why = "the file of trusted certificates is missing"
    assert_never_sent(loss("https://cdn.example"), why)


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (hear_then(say(b"HTTP/1.1 403 Forbidden\r\n\r\n")), "the proxy refused"),
        (
            hear_then(say(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")),
            "the proxy asks for a login",
        ),
        (hear_then(hang_up), BROKEN),
        (hear_then(reset), BROKEN),
    ],
    ids=["refuses", "asks for a login", "hangs up", "resets"],
)
def test_the_proxy_makes_no_way(deed: Deed, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(deed) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:proxy-password@127.0.0.1:{proxy.port}")
        found = loss("https://cdn.example")
    assert_never_sent(found, why)


def test_nobody_listens_where_the_proxy_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:proxy-password@127.0.0.1:{port}")
    assert_never_sent(loss("https://cdn.example"), "the proxy cannot be reached")


@pytest.mark.parametrize("address", ["http://me:proxy-password@:3128", "socks5://proxy.example"])
def test_the_address_of_the_proxy_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert_never_sent(loss("https://cdn.example"), "its proxy is set up wrongly")


# --- the request left, and its answer did not come: in doubt ---


START = b"HTTP/1.1 200 OK\r\n"
LOST: dict[str, tuple[Deed, str]] = {
    "hangs up": (hang_up, "cdn-no-answer"),
    "resets": (reset, "cdn-no-answer"),
    "says nothing": (say_nothing, "cdn-no-answer"),
    "speaks no HTTP": (say(b"220 Mail service ready\r\n\r\n"), "cdn-no-answer"),
    "breaks off in the headers": (say(START + b"Content-Le"), "cdn-unreadable-answer"),
    "breaks off in the body": (say(answer()[:-1]), "cdn-unreadable-answer"),
    "sends broken chunks": (
        say(START + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        "cdn-no-answer",
    ),
}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("how", LOST)
def test_the_server_hears_and(how: str, secure: bool, tls: ssl.SSLContext) -> None:
    deed, kind = hear_then(LOST[how][0]), LOST[how][1]
    with listening(shake_hands_then(deed, tls) if secure else deed) as server:
        scheme = "https" if secure else "http"
        url = f"{scheme}://localhost:{server.port}"
        found = loss(url, timeout_s=(5.0, 0.2 if how == "says nothing" else 5.0))
    assert isinstance(found, CdnInDoubt)
    assert found.info.code == kind
    assert server.connections == 1


def test_a_broken_secure_connection_is_no_failed_handshake(tls: ssl.SSLContext) -> None:
    """To `requests` both are the same SSLError."""

    def talk_past_tls(connection: socket.socket, over: threading.Event) -> None:
        os.write(connection.fileno(), b"not a TLS record at all")

    with listening(shake_hands_then(hear_then(talk_past_tls), tls)) as server:
        found = loss(f"https://localhost:{server.port}")
    assert isinstance(found, CdnInDoubt)
    assert found.info.facts == {"cause": "SSLError"}


# --- which connection is used ---


def kept_connection(client: CdnClient, url: str) -> Any:
    adapter = client._session.get_adapter(url)
    assert isinstance(adapter, HTTPAdapter)
    pools = adapter.poolmanager.pools
    (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118  (it cannot be iterated)
    return pool.pool.queue[-1]


@pytest.mark.parametrize(
    ("idle_s", "connections"), [(IDLE_S / 2, 1), (IDLE_S, 2)], ids=["short", "long"]
)
def test_a_connection_that_was_idle_for_long_is_not_used_again(
    idle_s: float, connections: int
) -> None:
    with listening(answer_all) as server:
        url = f"http://127.0.0.1:{server.port}"
        client = CdnClient(url, static("id", "secret"))
        client.refresh_by_tag(permit("www.example.com", ["tag1"], force=False))
        kept_connection(client, url)._used_at -= idle_s
        client.refresh_by_tag(permit("www.example.com", ["tag1"], force=False))
        client.close()
    assert server.connections == connections


def test_plain_http_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answer_all) as proxy, listening(answer_all) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        client = CdnClient(f"http://127.0.0.1:{server.port}", static("id", "secret"))
        client.refresh_by_tag(permit("www.example.com", ["tag1"], force=False))
        client.close()
    assert (proxy.connections, server.connections) == (0, 1)


def test_https_goes_through_the_proxy_of_the_environment(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tunnel(connection: socket.socket, over: threading.Event) -> None:
        hear_then(lambda *_: connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n"))(
            connection, over
        )
        shake_hands_then(answer_all, tls)(connection, over)

    with listening(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        client = CdnClient("https://localhost:1", static("id", "secret"))
        found = client.refresh_by_tag(permit("www.example.com", ["tag1"], force=False))
        client.close()
    assert found.task_id == "17772470184"
