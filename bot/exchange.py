"""One HTTP exchange within bounds: all of it within a time, its answer within a size.

A timeout of a socket, and so of `requests` and of urllib, begins anew with every byte: a peer that
sends one now and then holds a thread for ever.
https://requests.readthedocs.io/en/latest/user/quickstart/#timeouts

urllib and urllib3 both stand on http.client, whose connections take another class for answers.
Within `exchange`, `BoundedConnection` gives each connect, send and receive the time that is left
of the whole.  Names are looked up on a thread of their own, since nothing bounds how long that takes.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, cast

SEND_BYTES = 16_384
"""A record of TLS: what one timeout of a secure socket bounds."""


class AnswerTooLarge(HTTPException):
    """The peer sent more than an exchange takes."""


@dataclass
class _Bounds:
    over_at: float
    bytes_left: int


_bounds: ContextVar[_Bounds] = ContextVar("bounds")


@contextmanager
def exchange(within_s: float, max_bytes: int) -> Iterator[None]:
    """Bound what this thread does over a BoundedConnection in this block: one request, one answer.

    `max_bytes` is for all that is received: headers, interim answers and the body.
    What takes longer raises TimeoutError, what is larger AnswerTooLarge.
    """
    token = _bounds.set(_Bounds(time.monotonic() + within_s, max_bytes))
    try:
        yield
    finally:
        _bounds.reset(token)


def is_over() -> bool:
    """Whether the exchange has no time left."""
    return time.monotonic() >= _bounds.get().over_at


def time_left(most: float | None) -> float:
    """Give `most` seconds, or what the exchange has left if that is less.  Raises: TimeoutError."""
    left = _bounds.get().over_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the exchange took too long")
    return left if most is None else min(most, left)


def look_up(host: str, port: int, timeout: float | None = None) -> list[Any]:
    """Give what `socket.getaddrinfo` gives, within the exchange.  Raises: OSError.

    A thread that the system lets wait for longer is left behind.
    """
    found: Future[list[Any]] = Future()

    def resolve() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  (raised again in the caller's thread)
            found.set_exception(error)

    threading.Thread(target=resolve, name="name-lookup", daemon=True).start()
    return found.result(time_left(timeout))


def create_connection(
    address: tuple[str, int], timeout: float | None = None, _source: object = None
) -> socket.socket:
    """Connect as `socket.create_connection` does, which allows each address of a name the whole time.

    Raises: OSError.
    """
    failure: OSError = ConnectionError("the name has no address")
    host, port = address
    for family, kind, proto, _, place in look_up(host.strip("[]"), port, timeout):
        wait_s = time_left(timeout)
        connection = socket.socket(family, kind, proto)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(wait_s)
            connection.connect(place)
            connection.settimeout(time_left(timeout))  # for a handshake, which it bounds as a whole
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _BoundedAnswer(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        # All that it asks of a socket is `makefile`.
        super().__init__(cast("socket.socket", _Receiving(sock)), *arguments, **more)


class _Receiving(io.RawIOBase):
    """What a socket receives, within the bounds of the exchange."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._timeout_s = connection.gettimeout()

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        bounds = _bounds.get()
        if bounds.bytes_left <= 0:
            raise AnswerTooLarge
        self._connection.settimeout(time_left(self._timeout_s))
        received = self._raw.readinto(memoryview(buffer)[: bounds.bytes_left])
        bounds.bytes_left -= received or 0
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class BoundedConnection(HTTPConnection):
    """A connection of http.client, or, mixed in, of what is derived from it; see `exchange`."""

    response_class = _BoundedAnswer

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._create_connection = create_connection

    def send(self, data: Any) -> None:
        for start in range(0, len(data), SEND_BYTES):
            if self.sock is None:
                self.connect()
            self.sock.settimeout(time_left(self.timeout))
            super().send(data[start : start + SEND_BYTES])

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]  # private, and the one place between two handshakes
        self.sock.settimeout(time_left(self.timeout))


class BoundedHTTPSConnection(BoundedConnection, HTTPSConnection):
    pass
