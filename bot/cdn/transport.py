"""Connections that tell whether a request can have left, and that are not used when stale.

`requests` gives one kind of exception for a connection that was never made and for one that
broke after the request was sent: a TLS handshake without an answer is a read timeout to it.
For a purge this is the difference between "refused" and "in doubt".  So the one step that
connects (name, TCP, proxy, TLS) turns each of its faults into `NeverConnected`.

A request may also be held back by whoever sends it, at the last moment there is (`while_allowed`).

urllib3 is what `requests` sends with; its pools take other connection classes by design.
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
HELD_BACK = "Purgebot itself was paused for too long just then"


class NeverConnected(NewConnectionError):
    """There was no connection, so nothing of the request was sent; `why` not."""

    def __init__(self, connection: HTTPConnection, why: str) -> None:
        super().__init__(connection, why)
        self.why = why


_allowed: ContextVar[Callable[[], bool]] = ContextVar("allowed", default=lambda: True)


@contextmanager
def while_allowed(allowed: Callable[[], bool]) -> Iterator[None]:
    """Let requests of this block leave only if `allowed`, asked when the connection is made and
    nothing of the request was sent.
    """
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def why_never_sent(error: Exception) -> str | None:
    """Give the reason if the request certainly did not leave, or None if it may have left."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NeverConnected):
            return cause.why
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, (InvalidURL, InvalidSchema)):
        return "its proxy is set up wrongly"
    if not isinstance(error, (RequestException, HTTPError)):
        # `requests` wraps whatever goes wrong on a connection.  A bare OSError is a file of
        # certificates that it looked for, before it asked for a connection, and did not find.
        return NO_CERTIFICATES
    return None


class _Watched(BoundedConnection, HTTPConnection):
    """What our plain and our secure connections have in common."""

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
        if not _allowed.get()() or is_over():
            raise NeverConnected(self, HELD_BACK)
        super().send(data)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._used_at = time.monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """Asked by the pool before it lends a kept connection again; False makes it connect anew.

        Servers close what has been idle for long.  A request that crosses with the closing
        would be in doubt for nothing, so we stop using the connection before the server does.
        Here, and not by emptying the pool, as that could hit another thread's request.
        """
        return time.monotonic() - self._used_at < IDLE_S and super().is_connected


class _Secure(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class CarefulAdapter(HTTPAdapter):
    """Sends over such connections, and never twice: a repeat would carry a used nonce."""

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
