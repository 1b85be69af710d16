"""Why Slack or PostgreSQL was not reached: every way to fail, told apart.

The same of the CDN: test_cdn_connections.py.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.core.network.connection_errors import Unreached, why_database_unreached
from bot.slack.client import SlackClient
from bot.slack.errors import NO_ANSWER, why_no_answer
from bot.store.database.engine import Database
from bot.store.database.writers import StoreUnavailable
from tests.support.certificates import write_certificate
from tests.support.loopback_servers import (
    Deed,
    hang_up,
    hear_then,
    listening,
    reset_after_hello,
    say,
    say_nothing,
    with_tls,
)
from tests.support.proxies import forget_proxies


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "localhost.pem", "localhost")


def why(url: str, trusted: Path | None = None) -> Unreached:
    """Give why a call of Slack's Web API at this address had no answer."""
    trust = ssl.create_default_context(cafile=trusted)
    client = SlackClient(token="xoxb-1", base_url=url + "/api/", timeout=1, ssl=trust)
    with pytest.raises(NO_ANSWER) as caught:
        client.auth_test()
    return why_no_answer(caught.value, client.base_url)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)


@pytest.mark.usefixtures("no_names")
def test_a_name_that_is_not_found() -> None:
    assert why("https://slack.example") is Unreached.NAME


def test_a_port_where_nobody_listens() -> None:
    assert why(f"https://localhost:{closed_port()}") is Unreached.REFUSED


def test_a_certificate_from_somebody_unknown(certificate: Path) -> None:
    with listening(with_tls(certificate, hang_up)) as server:
        assert why(f"https://localhost:{server.port}") is Unreached.UNTRUSTED


def test_a_certificate_for_another_name(certificate: Path) -> None:
    with listening(with_tls(certificate, hang_up)) as server:
        assert why(f"https://127.0.0.1:{server.port}", certificate) is Unreached.OTHER_NAME


@pytest.mark.parametrize(
    ("days", "found"), [((-9, -2), Unreached.EXPIRED), ((2, 9), Unreached.NOT_YET)]
)
def test_a_certificate_of_another_time(
    tmp_path: Path, days: tuple[int, int], found: Unreached
) -> None:
    other = write_certificate(tmp_path / "other.pem", "localhost", days)
    with listening(with_tls(other, hang_up)) as server:
        assert why(f"https://localhost:{server.port}", other) is found


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        (say(b"HTTP/1.1 400 Speak up\r\n\r\n"), {Unreached.INSECURE}),
        (reset_after_hello, {Unreached.INSECURE, Unreached.BROKEN}),
        (say_nothing, {Unreached.TIMEOUT}),
    ],
    ids=["speaks no TLS", "resets", "says nothing"],
)
def test_a_handshake_that_fails(deed: Deed, found: set[Unreached]) -> None:
    with listening(deed) as server:
        assert why(f"https://localhost:{server.port}") in found


@pytest.mark.parametrize("deed", [hear_then(hang_up), hear_then(say_nothing)])
def test_a_call_without_an_answer(deed: Deed, certificate: Path) -> None:
    with listening(with_tls(certificate, deed)) as server:
        assert why(f"https://localhost:{server.port}", certificate) is Unreached.SILENT


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Unreached.PROXY_LOGIN),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", Unreached.PROXY_REFUSES),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Unreached.PROXY_REFUSES),
    ],
)
def test_a_proxy_that_makes_no_way(
    answer: bytes, found: Unreached, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(hear_then(say(answer))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert why("https://slack.example") is found


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    assert why("https://slack.example") is Unreached.PROXY_AWAY
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert why(f"https://localhost:{closed_port()}") is Unreached.REFUSED


@pytest.mark.parametrize("each", Unreached)
def test_each_reason_comes_with_what_to_do(each: Unreached) -> None:
    assert each.remedy


# PostgreSQL, as its own client library meets it


def postgres(deed: Deed, answer: bytes = b"S") -> Deed:
    """Answer the question for TLS, with which every session begins, then do something else."""

    def then(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(8)
        connection.sendall(answer)
        deed(connection, over)

    return then


def why_no_session(url: str) -> tuple[Unreached, str] | None:
    with closing(Database(f"postgresql+psycopg://me:sesame@{url}")) as database:
        with pytest.raises(StoreUnavailable) as caught:
            database.write(lambda connection: connection.execute(text("SELECT 1")))
        return why_database_unreached(caught.value)


@pytest.mark.parametrize(
    ("host", "trusted", "found", "setting"),
    [
        ("localhost", "other", Unreached.UNTRUSTED, "sslrootcert"),
        ("localhost", "missing", Unreached.UNTRUSTED, "sslrootcert"),
        ("127.0.0.1", "localhost", Unreached.OTHER_NAME, "as it stands in the certificate"),
    ],
)
def test_a_database_whose_certificate_is_not_believed(
    certificate: Path, tmp_path: Path, host: str, trusted: str, found: Unreached, setting: str
) -> None:
    write_certificate(tmp_path / "other.pem", "localhost")
    with listening(postgres(with_tls(certificate, hang_up))) as server:
        url = f"{host}:{server.port}/d?sslmode=verify-full&sslrootcert={tmp_path}/{trusted}.pem"
        why_not = why_no_session(url)
    assert why_not is not None
    assert why_not[0] is found
    assert setting in why_not[1]


@pytest.mark.deadlines
@pytest.mark.parametrize(
    ("deed", "found"),
    [(postgres(hang_up, b"N"), Unreached.INSECURE), (say_nothing, Unreached.TIMEOUT)],
    ids=["speaks no TLS", "says nothing"],
)
def test_a_database_that_makes_no_session(deed: Deed, found: Unreached) -> None:
    with listening(deed) as server:
        why_not = why_no_session(f"localhost:{server.port}/d?sslmode=require")
    assert why_not is not None
    assert why_not[0] is found


def test_a_database_where_nobody_listens() -> None:
    why_not = why_no_session(f"localhost:{closed_port()}/d")
    assert why_not is not None
    assert why_not[0] is Unreached.REFUSED


@pytest.mark.usefixtures("no_names")
def test_a_database_whose_name_is_not_found() -> None:
    why_not = why_no_session("postgres.example/d")
    assert why_not is not None
    assert why_not[0] is Unreached.NAME


def test_a_session_that_breaks_is_something_else(certificate: Path) -> None:
    with listening(postgres(with_tls(certificate, hang_up))) as server:
        assert why_no_session(f"localhost:{server.port}/d?sslmode=require") is None
