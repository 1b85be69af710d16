"""Looks at a URL through the CDN's edge: one HEAD, and what its headers say.

    look ── resolve ── every address public? ── connect to such an address ── HEAD ── headers
              once        else refused            TLS for the URL's own name      32 KiB at most

The URLs are an operator's, but names lead where their owners point them.  So a name that means
an address inside some network is refused, and the connection goes to an address that was
checked: a second answer of the name server cannot send us elsewhere.  No redirect is followed,
no cookie, login or proxy of the environment is used, and no body is read.

The whole look is over after `LONGEST_LOOK`, whatever a server does: a purge may wait for it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from urllib.parse import urlsplit

from bot.config.trust import usual_of_requests
from bot.core.edge_check import LONGEST_LOOK, EdgeSnapshot, Why
from bot.core.network.addresses import is_public
from bot.core.text.domain_name import is_loopback
from bot.exchange import AnswerTooLarge, BoundedConnection, create_connection, exchange, look_up

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


class EdgeProbe:
    """Looks at URLs.  Threads may share it.

    `address`: for trials, host:port of this machine to which every look goes instead, as plain
    http for the URL's host.  `clock` gives the time in UTC.
    `trust` is what is trusted; None leaves it to `usual_of_requests`.
    `timeout_s` is (to connect, between two bytes of the answer), `longest_s` for all of it.
    Raises: ValueError, when `address` is not of this machine.
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
        """Ask once.  What goes wrong on the way is `why` in the look, never an exception."""
        at = self._clock()
        try:
            with exchange(self._longest_s, MAX_ANSWER_BYTES):
                return self._ask(url, at)
        except (OSError, HTTPException, ValueError) as error:
            why = next((why for kind, why in _WHYS if isinstance(error, kind)), None)
            return EdgeSnapshot(url, at, why=why or Why.NO_CONNECTION)

    def _ask(self, url: str, at: datetime) -> EdgeSnapshot:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("not the URL of a page")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with self._connect(parts.hostname, parts.port or PORTS[parts.scheme]) as plain:
            secure = parts.scheme == "https" and self._instead is None
            with self._secured(plain, parts.hostname) if secure else plain as connection:
                sender = BoundedConnection(parts.netloc.rpartition("@")[2], timeout=self._read_s)
                sender.sock = connection
                sender.request("HEAD", target, headers=HEADERS)
                with sender.getresponse() as answer:
                    return EdgeSnapshot.of_answer(url, at, answer.status, answer.getheader)

    def _connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first checked address that answers.  Raises: OSError."""
        error: OSError = ConnectionError("the name has no address")
        for place in [self._instead] if self._instead else _public_places(host, port):
            try:
                return create_connection(place, self._connect_s)
            except OSError as failure:
                error = failure
        raise error

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        context = self._trust or usual_of_requests()
        return context.wrap_socket(plain, server_hostname=host)


class _RefusedAddress(OSError):
    pass


_WHYS: tuple[tuple[type[Exception], Why], ...] = (
    (_RefusedAddress, Why.REFUSED_ADDRESS),
    (AnswerTooLarge, Why.TOO_LARGE),
    (socket.gaierror, Why.UNKNOWN_HOST),
    (ssl.SSLCertVerificationError, Why.UNTRUSTED),
    (TimeoutError, Why.TIMEOUT),
    (HTTPException, Why.UNREADABLE),
)
"""What it means that an exception ended a look; the first that fits."""


def _public_places(host: str, port: int) -> list[Place]:
    """Every address of a name.  Raises: OSError, also when one of them is not public."""
    places = [(str(place[0]), port) for *_, place in look_up(host, port)]
    if not places or not all(is_public(address) for address, _ in places):
        raise _RefusedAddress
    return places


def _read_place(address: str) -> Place:
    host, _, port = address.rpartition(":")
    if not is_loopback(host.strip("[]")):
        raise ValueError("looks may be sent to this machine only")
    return host.strip("[]"), int(port)
