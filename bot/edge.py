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

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException, HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from bot.core.addresses import is_public
from bot.core.domains import is_loopback
from bot.core.proof import LONGEST_LOOK, Look, Why

MAX_ANSWER_BYTES = 32 * 1024
USER_AGENT = "purgebot-proof"

Place = tuple[str, int]
"""A host or an address, and a port."""
_Connect = Callable[[str, int], socket.socket]


class EdgeProbe:
    """Looks at URLs.  Threads may share it.

    `address`: for trials, host:port of this machine to which every look goes instead, as plain
    http for the URL's host.  `clock` gives the time in UTC.
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
    ) -> None:
        self._instead = _read_place(address) if address else None
        self._clock = clock
        self._timeout_s = timeout_s
        self._longest_s = longest_s

    def look(self, url: str) -> Look:
        """Ask once.  What goes wrong on the way is `why` in the look, never an exception."""
        at = self._clock()
        exchange = _Exchange(self._instead, self._timeout_s)
        answer: Future[Look] = Future()

        def ask() -> None:
            try:
                answer.set_result(exchange.ask(url, at))
            except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
                answer.set_exception(error)

        # A thread, since nothing bounds how long the system looks for a name.
        threading.Thread(target=ask, name="edge-look", daemon=True).start()
        try:
            return answer.result(self._longest_s)
        except TimeoutError:
            exchange.break_off()
            return Look(url, at, why=Why.TIMEOUT)


class _Unreached(OSError):
    """No connection was made, for a reason of our own."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class _AnswerTooLarge(HTTPException):
    pass


class _Exchange:
    """One look's connection, from the name to the headers."""

    def __init__(self, instead: Place | None, timeout_s: tuple[float, float]) -> None:
        self._instead = instead
        self._timeout_s = timeout_s
        self._over = False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def ask(self, url: str, at: datetime) -> Look:
        try:
            with (
                _session(self._connect) as session,
                session.head(self._sent_url(url), timeout=self._timeout_s) as answer,
            ):
                return Look.of_answer(url, at, answer.status_code, answer.headers)
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            return Look(url, at, why=_why(error))
        finally:
            self._forget()

    def break_off(self) -> None:
        """End what is under way, and connect no more."""
        with self._lock:
            self._over = True
            if self._handle is not None:
                # The connection itself, so that a handshake or a slow answer ends as well.
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def _sent_url(self, url: str) -> str:
        return url if self._instead is None else "http://" + url.partition("://")[2]

    def _connect(self, host: str, port: int) -> socket.socket:
        """Give a socket to an address that was checked.  Raises: OSError."""
        places = [self._instead] if self._instead else _public_places(host, port)
        if self._over:
            raise _Unreached(Why.TIMEOUT)
        connection = _first_that_answers(places, self._timeout_s[0])
        with self._lock:
            if self._over:
                connection.close()
                raise _Unreached(Why.TIMEOUT)
            self._handle = connection.dup()
        return connection

    def _forget(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None


def _public_places(host: str, port: int) -> list[Place]:
    """Every address of a name.  Raises: OSError, also when one of them is not public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = [(str(place[0]), port) for *_, place in found]
    if not places or not all(is_public(address) for address, _ in places):
        raise _Unreached(Why.REFUSED_ADDRESS)
    return places


def _first_that_answers(places: list[Place], timeout_s: float) -> socket.socket:
    error: OSError = _Unreached(Why.NO_CONNECTION)
    for place in places:
        try:
            return socket.create_connection(place, timeout_s)
        except OSError as failure:
            error = failure
    raise error


def _read_place(address: str) -> Place:
    host, _, port = address.rpartition(":")
    if not is_loopback(host.strip("[]")):
        raise ValueError("looks may be sent to this machine only")
    return host.strip("[]"), int(port)


def _why(error: Exception) -> Why:
    for cause in _causes(error):
        match cause:
            case _Unreached():
                return cause.why
            case _AnswerTooLarge():
                return Why.TOO_LARGE
            case socket.gaierror():
                return Why.UNKNOWN_HOST
            case ssl.SSLCertVerificationError():
                return Why.UNTRUSTED
            case TimeoutError() | Urllib3Timeout():
                return Why.TIMEOUT
            case HTTPException():
                return Why.UNREADABLE
    return Why.NO_CONNECTION


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exceptions behind an exception, the first cause first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return reversed(chain)


# What requests sends with


class _Session(requests.Session):
    """A session that takes a redirect for an answer like any other, and does not look into it."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  (of requests)
        return None


def _session(connect: _Connect) -> requests.Session:
    """A session for one look, so that no cookie and no connection outlives it."""
    session = _Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update(
        {
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(connect))
    return session


class _Adapter(HTTPAdapter):
    """Sends once, over connections that `connect` makes."""

    def __init__(self, connect: _Connect) -> None:
        self._connect = connect
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        connect = self._connect

        class Plain(HTTPConnection):
            response_class = _BriefAnswer

            def _new_conn(self) -> socket.socket:
                return connect(self.host, self.port)

        class Secure(Plain, HTTPSConnection):
            pass

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _BriefAnswer(HTTPResponse):
    """An answer of which no more than MAX_ANSWER_BYTES are ever read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: Any = io.BufferedReader(_Limited(self.fp), 1024)


class _Limited(io.RawIOBase):
    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._left = MAX_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _AnswerTooLarge("too much was answered")
        read = self._source.readinto1(memoryview(buffer)[: self._left])
        self._left -= read
        return read

    def close(self) -> None:
        self._source.close()
        super().close()
