"""The demo page and its one origin.

    /               index.html
    /assets/…       style sheets, scripts, borrowed libraries
    /slack/…        the pretend Slack's control routes
    /cdn/…          the pretend CDN's control routes
    /edge/…         its edge's, where there is one

Everything the page loads or calls is on this origin, and the browser is told to hold it to that.
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def front(
    slack_control: Starlette, cdn_control: Starlette, edge_control: Starlette | None = None
) -> Starlette:
    """The app that a browser is pointed at: the page, and the simulators' controls below it."""
    return Starlette(
        routes=[
            Route("/", _index),
            Mount("/assets", StaticFiles(directory=_FOLDER / "assets")),
            Mount("/slack", slack_control),
            Mount("/cdn", cdn_control),
            *([Mount("/edge", edge_control)] if edge_control else []),
        ],
        middleware=[Middleware(_Guarded)],
    )


async def _index(_: Request) -> FileResponse:
    return FileResponse(_FOLDER / "index.html", headers={"Cache-Control": "no-store"})


class _Guarded:
    """Adds the headers that keep the page to itself.

    Plain ASGI, because Starlette's BaseHTTPMiddleware would sit between an event stream and its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                # A stale script beside a new page is worse than one request more on loopback.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)
