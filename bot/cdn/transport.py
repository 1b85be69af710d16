"""Connections that know whether a request can have left, and that are not reused when stale.

`requests` raises the same kind of exception for a connection that was never made and for one that
broke after sending: it reports a TLS handshake without an answer as a read timeout
(https://github.com/psf/requests/issues/4590).  For a purge, this is the difference between
"refused" and "in doubt".  So the step that connects (name, TCP, proxy, TLS) raises
`NeverConnected`.

The caller may also stop a request at the last moment (`while_allowed`).

`requests` sends with urllib3, whose pools accept other connection classes by design.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPException
from typing import Any

from requests import RequestException
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, InvalidURL
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from bot.core.network.connection_errors import why_unreached
from bot.exchange import BoundedConnection, create_connection, is_over

IDLE_S = 15.0
NO_CERTIFICATES = "the file of trusted certificates is missing"
HELD_BACK = "its lease was not renewed in time, because the database or this process stood still"
TOOK_TOO_LONG = "connecting took too long, or this process was paused"


class NeverConnected(NewConnectionError):
    """There was no connection, so nothing of the request was sent.  `why` is the reason."""

    def __init__(self, connection: HTTPConnection, why: str) -> None:
        super().__init__(connection, why)
        self.why = why


_allowed: ContextVar[Callable[[], bool]] = ContextVar("allowed", default=lambda: True)


@contextmanager
def while_allowed(allowed: Callable[[], bool]) -> Iterator[None]:
    """Send requests of this block only if `allowed` returns True.  It is called when the connection
    is made and nothing of the request was sent.
    """
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def why_never_sent(error: Exception) -> str | None:
    """Return the reason if the request certainly was not sent.  None if it may have been sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NeverConnected):
            return cause.why
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, (InvalidURL, InvalidSchema)):
        return "its proxy is set up wrongly"
    if not isinstance(error, (RequestException, HTTPError)):
        # `requests` wraps all errors of a connection.  A bare OSError means that it did not find
        # its file of certificates, which it looks for before it opens a connection.
        return NO_CERTIFICATES
    return None


class _Watched(BoundedConnection, HTTPConnection):
    """What the plain and the secure connections have in common."""

    _used_at = 0.0

    def _new_conn(self) -> socket.socket:
        return create_connection((self._dns_host, self.port), self.timeout)

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError, HTTPException) as error:
            to_proxy = self.proxy is not None and not self.has_connected_to_proxy
            raise NeverConnected(self, why_unreached(error, to_proxy=to_proxy)) from error
        self._used_at = time.monotonic()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not _allowed.get()():
            raise NeverConnected(self, HELD_BACK)
        if is_over():
            raise NeverConnected(self, TOOK_TOO_LONG)
        super().send(data)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._used_at = time.monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used again.  The pool reconnects if it is False.

        Servers close connections that were idle for long.  A request that crosses with the closing
        would be in doubt without need, so a connection is not used any more before the server
        closes it.  This is checked here, because emptying the pool could hit another thread's
        request.  https://github.com/psf/requests/issues/4937
        """
        return time.monotonic() - self._used_at < IDLE_S and super().is_connected


class _Secure(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class CarefulAdapter(HTTPAdapter):
    """Send over such connections, and never twice, because a retry would repeat the nonce."""

    def __init__(self, pool_size: int, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        super().__init__(pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._trust, **kwargs)
        _equip(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        kwargs |= {"ssl_context": self._trust, "proxy_ssl_context": self._trust}
        return _equip(super().proxy_manager_for(proxy, **kwargs))


def _equip(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager
