"""Keeps other websites out: a page in the same browser must not drive the playground.

Around the control routes of every simulator.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class OwnPageOnly:
    """Refuses requests that another origin sent, or that name a host which is not this machine.

    The second keeps out a foreign name that was made to point here (DNS rebinding): for the
    browser such a page would have the same origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own(Headers(scope=scope)):
            refusal = JSONResponse({"error": "Only the playground's own page may do this."}, 403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    host, origin = headers.get("host", ""), headers.get("origin")
    try:
        is_here = urlsplit(f"//{host}").hostname in _LOOPBACK
        return is_here and (origin is None or urlsplit(origin).netloc == host)
    except ValueError:
        return False
