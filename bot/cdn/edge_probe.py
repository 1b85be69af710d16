"""Request a URL through the CDN's edge with one HEAD, and return its headers.

    probe ── resolve ── every address public? ── connect to such an address ── HEAD ── headers
             once        else refused            TLS for the URL's own name      32 KiB at most

Operators choose the URLs, but the owners of names choose their addresses.  So a name with a private
address is refused, and the connection goes to an address that was checked: another answer of the
name server cannot redirect it.  The probe follows no redirect, uses no cookies, login or proxy of
the environment, and reads no body.

The whole probe ends after `LONGEST_LOOK`, whatever the server does: a purge may wait for it.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

from bot.config.trust import usual_of_requests
from bot.core.edge_check import LONGEST_LOOK, EdgeSnapshot, Why
from bot.core.network.addresses import is_public
from bot.core.text.domain_name import is_loopback

MAX_ANSWER_BYTES = 32 * 1024
HEADERS = {
    "User-Agent": "purgebot-proof",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
PORTS = {"http": 80, "https": 443}

Place = tuple[str, int]
"""A host or an address, and a port."""
_TimeLeft = Callable[[float], float]
"""Returns the given seconds, or the probe's time left if that is less.  Raises: TimeoutError."""


class EdgeProbe:
    """Request URLs.  Threads may share it.

    `address`: for trials, a host:port of this machine that gets every request instead, as plain
    http with the URL's host.  `clock` returns the time in UTC.  `trust` may be None
    (`usual_of_requests`).  `timeout_s` is (for connecting, between two bytes of the answer), and
    `longest_s` the limit for the whole probe, in seconds.
    Raises: ValueError if `address` is not of this machine.
    """

    def __init__(
        self,
        address: str | None,
        clock: Callable[[], datetime],
        *,
        timeout_s: tuple[float, float] = (3.0, 3.0),
        longest_s: float = LONGEST_LOOK.total_seconds(),
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._trust = trust
        self._instead = _read_place(address) if address else None
        self._clock = clock
        self._connect_s, self._read_s = timeout_s
        self._longest_s = longest_s

    def probe(self, url: str) -> EdgeSnapshot:
        """Send one HEAD.  An error is returned as `why` in the snapshot, never raised."""
        at = self._clock()
        over_at = time.monotonic() + self._longest_s
        answer: Future[EdgeSnapshot] = Future()

        def time_left(most: float) -> float:
            left = min(most, over_at - time.monotonic())
            if left <= 0:
                raise TimeoutError
            return left

        def interaction() -> None:
            try:
                answer.set_result(self._ask(url, at, time_left))
            except (OSError, HTTPException, ValueError) as error:
                why = next((why for kind, why in _WHYS if isinstance(error, kind)), None)
                answer.set_result(EdgeSnapshot(url, at, why=why or Why.NO_CONNECTION))
            except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
                answer.set_exception(error)

        # A separate thread, because nothing limits the time that resolving a name takes:
        # https://github.com/urllib3/urllib3/issues/1334
        threading.Thread(target=interaction, name="edge-look", daemon=True).start()
        try:
            return answer.result(self._longest_s)
        except TimeoutError:
            return EdgeSnapshot(url, at, why=Why.TIMEOUT)

    def _ask(self, url: str, at: datetime, time_left: _TimeLeft) -> EdgeSnapshot:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("not the URL of a page")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with self._connect(parts.hostname, parts.port or PORTS[parts.scheme], time_left) as plain:
            plain.settimeout(time_left(self._connect_s))  # limits the whole handshake
            secure = parts.scheme == "https" and self._instead is None
            with self._secured(plain, parts.hostname) if secure else plain as connection:
                connection.settimeout(time_left(self._read_s))
                sender = HTTPConnection(parts.netloc.rpartition("@")[2])
                sender.sock = connection
                sender.request("HEAD", target, headers=HEADERS)
                brief = _Brief(connection, partial(time_left, self._read_s))
                answer = HTTPResponse(cast("socket.socket", brief), method="HEAD")
                answer.begin()
        return EdgeSnapshot.of_answer(url, at, answer.status, answer.getheader)

    def _connect(self, host: str, port: int, time_left: _TimeLeft) -> socket.socket:
        """Connect to the first checked address that answers.  Raises: OSError."""
        error: OSError = ConnectionError("the name has no address")
        for place in [self._instead] if self._instead else _public_places(host, port):
            wait_s = time_left(self._connect_s)
            try:
                return socket.create_connection(place, wait_s)
            except OSError as failure:
                error = failure
        raise error

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        context = self._trust or usual_of_requests()
        return context.wrap_socket(plain, server_hostname=host)


class _RefusedAddress(OSError):
    pass


class _AnswerTooLarge(HTTPException):
    pass


_WHYS: tuple[tuple[type[Exception], Why], ...] = (
    (_RefusedAddress, Why.REFUSED_ADDRESS),
    (_AnswerTooLarge, Why.TOO_LARGE),
    (socket.gaierror, Why.UNKNOWN_HOST),
    (ssl.SSLCertVerificationError, Why.UNTRUSTED),
    (TimeoutError, Why.TIMEOUT),
    (HTTPException, Why.UNREADABLE),
)
"""The meaning of an exception that ended a probe; the first match counts."""


class _Brief(io.RawIOBase):
    """What a socket receives: at most MAX_ANSWER_BYTES, and each read within `wait_s`."""

    def __init__(self, connection: socket.socket, wait_s: Callable[[], float]) -> None:
        self._connection = connection
        self._wait_s = wait_s
        self._left = MAX_ANSWER_BYTES

    def makefile(self, _: str) -> io.BufferedReader:
        """Return a reader.  HTTPResponse calls this, and needs nothing else of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _AnswerTooLarge
        self._connection.settimeout(self._wait_s())
        read = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= read
        return read


def _public_places(host: str, port: int) -> list[Place]:
    """Return every address of a name.  Raises: OSError, also if one of them is not public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = [(str(place[0]), port) for *_, place in found]
    if not places or not all(is_public(address) for address, _ in places):
        raise _RefusedAddress
    return places


def _read_place(address: str) -> Place:
    host, _, port = address.rpartition(":")
    if not is_loopback(host.strip("[]")):
        raise ValueError("looks may be sent to this machine only")
    return host.strip("[]"), int(port)
