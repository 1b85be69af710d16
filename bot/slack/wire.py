"""The one way of a request to Slack: no redirect, an answer within a time and a size.

The SDK has urllib follow redirects, to any host and over plain http, with the token among the headers
(https://docs.python.org/3/library/urllib.request.html#urllib.request.HTTPRedirectHandler), and reads
bodies of any size.  Here an opener knows http and https and nothing else: a redirect is an answer
like any other, of which only the status is taken.
"""

from __future__ import annotations

import json
import ssl
from functools import partialmethod
from http.client import IncompleteRead
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from slack_sdk import WebClient, WebhookClient

from bot.exchange import BoundedConnection, BoundedHTTPSConnection, exchange

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Slack's largest answer to us: two hundred messages of a history, each with its blocks."""


def send(client: WebClient | WebhookClient, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG001  (of the SDK)
    """Send a request, once, within the client's timeout; give `status`, `headers` and `body`.

    It stands in for `_perform_urllib_http_request_internal` of the SDK's client.
    Raises: OSError, HTTPException.
    """
    proxy = client.proxy
    opener = OpenerDirector()
    opener.add_handler(ProxyHandler({"http": proxy, "https": proxy} if proxy else None))
    opener.add_handler(_Plain())
    opener.add_handler(_Secure(client.ssl))
    with (
        exchange(client.timeout, MAX_ANSWER_BYTES),
        opener.open(req, timeout=client.timeout) as answer,
    ):
        if answer.status // 100 == 3:
            body = json.dumps({"ok": False, "error": f"http_{answer.status}"})
        else:
            # Without a size, `read` allocates whatever length was announced.
            body = answer.read(MAX_ANSWER_BYTES).decode(errors="replace")
            if answer.length:
                raise IncompleteRead(b"", answer.length)
        return {"status": answer.status, "headers": answer.headers, "body": body}


class _Plain(HTTPHandler):
    http_open = partialmethod(HTTPHandler.do_open, BoundedConnection)


class _Secure(HTTPSHandler):
    def __init__(self, trust: ssl.SSLContext | None) -> None:
        super().__init__(context=trust)  # else it may load the system's certificates each time
        self._trust = trust

    def https_open(self, request: Request) -> Any:
        return self.do_open(BoundedHTTPSConnection, request, context=self._trust)
