"""The demo page and its origin.

    /               index.html
    /assets/…       style sheets, scripts, third-party libraries
    /slack/…        the control routes of the simulated Slack
    /cdn/…          the control routes of the simulated CDN
    /edge/…         the control routes of its edge, if there is one
    /town/reset     start over: the simulators and the bot, if they are a town

Everything that the page loads or calls is on this origin; a Content-Security-Policy enforces it.
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
    slack_control: Starlette,
    cdn_control: Starlette,
    edge_control: Starlette | None = None,
    town_control: Starlette | None = None,
) -> Starlette:
    """Return the app for the browser: the page, and the control routes below it."""
    return Starlette(
        routes=[
            Route("/", _index),
            Mount("/assets", StaticFiles(directory=_FOLDER / "assets")),
            Mount("/slack", slack_control),
            Mount("/cdn", cdn_control),
            *([Mount("/edge", edge_control)] if edge_control else []),
            *([Mount("/town", town_control)] if town_control else []),
        ],
        middleware=[Middleware(_Guarded)],
    )


async def _index(_: Request) -> FileResponse:
    return FileResponse(_FOLDER / "index.html", headers={"Cache-Control": "no-store"})


class _Guarded:
    """Add the security headers to each response.

    Plain ASGI, because Starlette's BaseHTTPMiddleware would delay the end of an event stream
    (https://www.starlette.io/middleware/#basehttpmiddleware).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                # A stale script with a new page is worse than one more request on loopback.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)
