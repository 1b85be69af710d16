"""The HTTP door: Slack's signed requests in, answers out; `/healthz` and `/readyz` for whoever watches.

Bolt is synchronous and our listeners wait for the disk, so each request runs on a thread of its
own: the event loop stays free, and requests that wait at the same moment share one commit.  A
thread is taken when a request is whole, so slow callers cost none (bot/http_limits.py).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.app import MAX_BODY_BYTES, Bot
from bot.http_limits import LimitedProtocol
from bot.status import HEALTH_PATHS, listener_at
from bot.store.engine import GROUP_SIZE

log = structlog.get_logger("purgebot.web")

SLACK_PATH = "/slack/events"
REQUESTS_AT_ONCE = GROUP_SIZE
"""As many as one commit takes, and as envelopes in Socket Mode; Starlette's own pool has forty
threads, for all that it does."""
GRACE_S = 3
"""As long as Slack waits for an answer."""
BODY_WITHIN_S = 10
KEEP_ALIVE_S = 75
"""Longer than load balancers keep idle connections (60 s as a rule): who closes first must be they,
or now and then a request meets a connection that is just being closed."""


def web_app(bot: Bot) -> Starlette:
    """Give the ASGI app of a bot."""
    threads = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="request")

    async def slack(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await _body(request)
        except ClientDisconnect:  # in the middle of its body: nobody is left to answer
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408, headers={"connection": "close"})
        if body is None:
            return Response(status_code=413, headers={"connection": "close"})
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(threads, bot.receive, body, dict(request.headers))
        return Response(reply.body, reply.status, reply.headers)

    async def health(request: Request) -> Response:
        page = await run_in_threadpool(bot.status.page, request.url.path)
        assert page is not None, "only the paths below lead here"
        return Response(page.body, page.status, media_type=page.media_type)

    return Starlette(
        routes=[
            Route(SLACK_PATH, slack, methods=["POST"]),
            *(Route(path, health, methods=["GET"]) for path in HEALTH_PATHS),
        ]
    )


def serve(bot: Bot, host: str, port: int, stopping: threading.Event) -> None:
    """Serve until `stopping`, then let requests under way end, for GRACE_S at most.

    Raises: BotError when nothing can listen there.
    """
    listener = listener_at(host, port)
    log.info("listening", address=f"{host}:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        web_app(bot),
        http=LimitedProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,  # nobody looks at who called: the signature says that it was Slack
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            stopping.set()

    # Not on the main thread, where it would take the signals, and wait for what hangs.
    thread = threading.Thread(target=run, name="web", daemon=True)
    thread.start()
    stopping.wait()
    server.should_exit = True
    thread.join(GRACE_S + 1)


async def _body(request: Request) -> bytes | None:
    """Read the body, or None as soon as it is longer than anything that Slack sends."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > MAX_BODY_BYTES:
        return None  # unread, so that `Expect: 100-continue` is not answered with a "go on"
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
