"""The HTTP door: Slack's signed requests in, answers out; and `/healthz` for whoever watches.

Bolt is synchronous and our listeners wait for the disk, so each request runs on a thread of its
own: the event loop stays free, and requests that wait at the same moment share one commit.
"""

from __future__ import annotations

import socket

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.app import MAX_BODY_BYTES, Bot
from bot.core.errors import BotError
from bot.core.setup_errors import ADDRESS_TAKEN

log = structlog.get_logger("purgebot.web")

SLACK_PATH = "/slack/events"


def web_app(bot: Bot) -> Starlette:
    """Give the ASGI app of a bot."""

    async def slack(request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:  # in the middle of its body: nobody is left to answer
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        reply = await run_in_threadpool(bot.receive, body, dict(request.headers))
        return Response(reply.body, reply.status, reply.headers)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse(
            "ok" if bot.connected else "no socket", 200 if bot.connected else 503
        )

    return Starlette(
        routes=[
            Route(SLACK_PATH, slack, methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
        ]
    )


def serve(bot: Bot, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C, letting requests under way end.

    Raises: BotError when nothing can listen there.
    """
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise BotError(ADDRESS_TAKEN, address=f"{host}:{port}", cause=str(error.strerror)) from None
    log.info("listening", address=f"{host}:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        web_app(bot),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


async def _body(request: Request) -> bytes | None:
    """Read the body, or None as soon as it is longer than anything that Slack sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
