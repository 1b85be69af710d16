"""Limits for a connection until its request is complete: bytes of headers, and seconds.

uvicorn's httptools parser has no limit for headers, and waits forever for an incomplete request
(https://github.com/Kludex/uvicorn/issues/157).  A connection uses no thread until its request is
complete, so slow clients delay nobody.

uvicorn does not limit the number of connections either (`limit_concurrency` answers 503 and keeps
them).  Here the connection whose last complete request is the oldest is closed for a new one, so a
client that opens very many connections and sends nothing does not keep Slack out.
"""

from __future__ import annotations

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.health.ingress import Ingress, Refusal

MAX_HEAD_BYTES = 65_536
"""Ten times what Slack and a load balancer send together.  One more read may exceed it."""
MOST_CONNECTIONS = 1000
BACKLOG = 128
"""The number of connections that may arrive at once.  asyncio accepts so many before one of them can
be closed, and does not stop when there are no file descriptors left:
https://github.com/python/cpython/issues/151615"""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits: it answers 431 for endless headers, 408 for slow ones."""

    head_within_s = 10.0
    most_connections: int
    ingress: Ingress
    """Counts refusals.  Each ingress has its own protocol class (`protocol_of`)."""
    by_last_request: dict[LimitedProtocol, None]
    """The open connections, in the order of their last complete requests."""
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = None
    """The number of bytes of headers read so far.  None while no headers are being read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "HTTP comes over streams"
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.head_within_s, transport.close)
        self.by_last_request[self] = None
        if len(self.by_last_request) > self.most_connections:
            self.ingress.refused(Refusal.CROWDED)
            oldest = next(iter(self.by_last_request))
            del self.by_last_request[oldest]
            oldest.transport.abort()  # what it does not read must not keep it open

    def connection_lost(self, exc: Exception | None) -> None:
        self._met()
        self.by_last_request.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, b"Request Header Fields Too Large")

    def send_400_response(self, msg: str) -> None:
        self.ingress.refused(400)  # the data is not HTTP
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        self._met()
        self._head_bytes = 0
        self._deadline = self.loop.call_later(
            self.head_within_s, self._refuse, 408, b"Request Timeout"
        )
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._met()
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self in self.by_last_request:
            self.by_last_request[self] = self.by_last_request.pop(self)
        super().on_message_complete()

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, phrase: bytes) -> None:
        self._met()
        if not self.transport.is_closing():
            self.ingress.refused(status)
            self.transport.write(
                b"HTTP/1.1 %d " % status
                + phrase
                + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()


def protocol_of(ingress: Ingress) -> type[LimitedProtocol]:
    """Return the protocol class of one ingress."""

    class OfIngress(LimitedProtocol):
        pass

    OfIngress.ingress = ingress
    OfIngress.by_last_request = {}
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The other half is for databases, Slack, the CDN, and what is just being closed.
    unlimited = files == resource.RLIM_INFINITY
    OfIngress.most_connections = (
        MOST_CONNECTIONS if unlimited else min(MOST_CONNECTIONS, files // 2)
    )
    return OfIngress
