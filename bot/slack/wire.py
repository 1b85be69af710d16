"""The one way of a request to Slack: kept connections, no redirect, an answer within a time and a size.

The SDK opens a connection for each call, and has urllib follow redirects, to any host and over plain
http, with the token among the headers
(https://docs.python.org/3/library/urllib.request.html#urllib.request.HTTPRedirectHandler), and reads
bodies of any size.  Here a redirect is an answer like any other, of which only the status is taken.

Through a proxy urllib sends, by an opener that knows http and https alone; else http.client does, over
connections that are kept for a while.
"""

from __future__ import annotations

import atexit
import json
import os
import ssl
import threading
import time
from functools import partialmethod
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.error import URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from slack_sdk import WebClient, WebhookClient
from urllib3.util.wait import wait_for_read

from bot.exchange import BoundedConnection, BoundedHTTPSConnection, exchange

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Slack's largest answer to us: two hundred messages of a history, each with its blocks."""
IDLE_S = 10.0
"""How long a connection is kept unused.  A server closes it some time, and a request that crosses with
the closing has no answer."""
_PROXIES = ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY")

KEPT_AT_MOST = 16

_Key = tuple[str, str, int]
"""Scheme, host and certificates."""
_kept: list[tuple[_Key, HTTPConnection, float]] = []
"""Connections that nobody uses now, and since when."""
_keeping = threading.Lock()


def send(client: WebClient | WebhookClient, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG001  (of the SDK)
    """Send a request, once, within the client's timeout; return `status`, `headers` and `body`.

    It stands in for `_perform_urllib_http_request_internal` of the SDK's client.
    Raises: OSError, HTTPException.
    """
    with exchange(client.timeout, MAX_ANSWER_BYTES):
        if client.proxy or any(os.environ.get(name) for name in _PROXIES):
            with _opener(client).open(req, timeout=client.timeout) as answer:
                return _read(answer)
        key = (req.type, req.host, id(client.ssl))
        connection = _take(key) or _connection(client, req)
        try:
            try:
                headers: dict[str, str] = {**req.headers, **req.unredirected_hdrs}
                body: Any = req.data
                connection.request(req.get_method(), req.selector, body, headers)
            except OSError as error:
                raise URLError(error) from error  # as urllib does
            with connection.getresponse() as response:
                read = _read(response)
                is_over = response.isclosed() and not response.will_close
        except BaseException:
            connection.close()
            raise
        if is_over:
            _keep(key, connection)
        else:
            connection.close()
        return read


def _read(answer: HTTPResponse) -> dict[str, Any]:
    # Without a size, `read` allocates whatever length was announced.
    raw = answer.read(MAX_ANSWER_BYTES)
    if answer.length:
        raise IncompleteRead(b"", answer.length)
    body = raw.decode(errors="replace")
    if answer.status // 100 == 3:
        body = json.dumps({"ok": False, "error": f"http_{answer.status}"})
    elif not body.lstrip().startswith("{"):
        # The SDK takes any JSON for an object.  What is no JSON it reports itself.
        try:
            json.loads(body)
        except ValueError:
            pass
        except RecursionError:
            raise HTTPException("nested too deeply") from None
        else:
            raise HTTPException("no JSON object")
    return {"status": answer.status, "headers": answer.headers, "body": body}


def _take(key: _Key) -> HTTPConnection | None:
    """Return a connection that was kept and can still be used."""
    while True:
        with _keeping:
            place = next((n for n, each in enumerate(_kept) if each[0] == key), None)
            if place is None:
                return None
            _, connection, since = _kept.pop(place)
        # What can be read before anything was asked is the end of the connection.
        if time.monotonic() - since < IDLE_S and not wait_for_read(connection.sock, timeout=0.0):
            return connection
        connection.close()


def _keep(key: _Key, connection: HTTPConnection) -> None:
    """Keep a connection for the next request, and close the one that was kept for longest."""
    with _keeping:
        _kept.insert(0, (key, connection, time.monotonic()))
        spare = _kept.pop() if len(_kept) > KEPT_AT_MOST else None
    if spare is not None:
        spare[1].close()


@atexit.register
def _close_all() -> None:
    while _kept:
        _kept.pop()[1].close()


def _connection(client: WebClient | WebhookClient, req: Request) -> HTTPConnection:
    if req.type == "http":
        return BoundedConnection(req.host, timeout=client.timeout)
    return BoundedHTTPSConnection(req.host, timeout=client.timeout, context=client.ssl)


def _opener(client: WebClient | WebhookClient) -> OpenerDirector:
    proxy = client.proxy
    opener = OpenerDirector()
    opener.add_handler(ProxyHandler({"http": proxy, "https": proxy} if proxy else None))
    opener.add_handler(_Plain())
    opener.add_handler(_Secure(client.ssl))
    return opener


class _Plain(HTTPHandler):
    http_open = partialmethod(HTTPHandler.do_open, BoundedConnection)


class _Secure(HTTPSHandler):
    def __init__(self, trust: ssl.SSLContext | None) -> None:
        super().__init__(context=trust)  # else it may load the system's certificates each time
        self._trust = trust

    def https_open(self, request: Request) -> Any:
        return self.do_open(BoundedHTTPSConnection, request, context=self._trust)
