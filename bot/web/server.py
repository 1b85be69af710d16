"""The HTTP ingress: Slack's signed requests, and `/healthz` and `/readyz` for monitoring.

Bolt is synchronous and its listeners wait for the disk, so each request runs on its own thread: the
event loop stays free, and requests that wait at the same time share one commit.  A thread is taken
when a request is complete, so slow clients use none (bot/web/limits.py).
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import MAX_BODY_BYTES, Bot
from bot.health.endpoint import HEALTH_PATHS, listener_at
from bot.health.ingress import Ingress
from bot.store.database.writers import GROUP_SIZE
from bot.web.limits import BACKLOG, protocol_of

log = structlog.get_logger("purgebot.web")

SLACK_PATH = "/slack/events"
REQUESTS_AT_ONCE = GROUP_SIZE
"""As many as one commit takes, and as envelopes in Socket Mode.  Starlette's own pool has only 40
threads, for everything.
"""
_FROM_SLACK = ("http", "POST", SLACK_PATH)
TICK_S = 2.0
"""How often the time in the headers of answers is set, in seconds."""
GRACE_S = 3
"""As long as Slack waits for an answer, in seconds."""
BODY_WITHIN_S = 10
KEEP_ALIVE_S = 75
"""Longer than load balancers keep idle connections (usually 60 s): they must close first, or a
request occasionally meets a connection that is being closed.
"""


def web_app(bot: Bot) -> ASGIApp:
    """Return the ASGI app of a bot in HTTP mode."""
    ingress = _ingress_of(bot)
    threads = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="request")

    async def slack(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await _body(request)
        except ClientDisconnect:  # the client left while sending its body
            return Response(status_code=400)
        except TimeoutError:
            return refusal(408)
        if body is None:
            return refusal(413)
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(threads, bot.receive, body, dict(request.headers))
        return Response(reply.body, reply.status, reply.headers)

    def refusal(status: int) -> Response:
        ingress.refused(status)
        return Response(status_code=status, headers={"connection": "close"})

    async def stray(_: Request, error: Exception) -> Response:
        """Answer a request with another path or method, as Starlette would."""
        assert isinstance(error, HTTPException), "it is asked for these alone"
        ingress.refused(error.status_code)
        return Response(error.detail, error.status_code, error.headers, "text/plain")

    async def health(request: Request) -> Response:
        page = await run_in_threadpool(bot.status.page, request.url.path)
        assert page is not None, "only the paths below lead here"
        return Response(page.body, page.status, media_type=page.media_type)

    others = Starlette(
        routes=[
            Route(SLACK_PATH, slack, methods=["POST"]),  # answers 405 to other methods
            *(Route(path, health, methods=["GET"]) for path in HEALTH_PATHS),
        ],
        exception_handlers={404: stray, 405: stray},
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Slack's requests do not pass through the middleware of Starlette and its router.
        if (scope["type"], scope.get("method"), scope.get("path")) == _FROM_SLACK:
            reply = await slack(Request(scope, receive))
            await reply(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


def serve(bot: Bot, host: str, port: int, stopping: threading.Event) -> None:
    """Serve until `stopping` is set, then wait at most GRACE_S for requests under way.

    Raises: BotError if the address cannot be listened on.
    """
    ingress = _ingress_of(bot)
    listener = listener_at(host, port)
    log.info("listening", address=f"{host}:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        web_app(bot),
        http=protocol_of(ingress),
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,  # the address is not used: the signature proves that it is Slack
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, ingress)

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            ingress.is_open = False
            stopping.set()

    # On the main thread it would handle the signals, and would wait for hanging requests:
    # https://github.com/Kludex/uvicorn/pull/1600
    thread = threading.Thread(target=run, name="web", daemon=True)
    thread.start()
    stopping.wait()
    server.end()
    thread.join(GRACE_S + 1)


class _Server(uvicorn.Server):
    """A server that sets `ingress.is_open`, which readiness depends on."""

    def __init__(self, config: uvicorn.Config, ingress: Ingress) -> None:
        super().__init__(config)
        self._ingress = ingress
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Have it end.  Any thread may call this."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        """Wait for the end.  uvicorn's own loop wakes ten times a second to look for it."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # this also sets the time in the headers
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK_S)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ingress.is_open = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ingress.is_open = False
        await super().shutdown(sockets)


def _ingress_of(bot: Bot) -> Ingress:
    assert bot.ingress is not None, "only HTTP mode has a door"
    return bot.ingress


async def _body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than any body of Slack."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > MAX_BODY_BYTES:
        return None  # unread, so that `Expect: 100-continue` gets no 100
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
