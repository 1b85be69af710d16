"""A bare Bolt app to be measured beside: what a program costs that keeps nothing.

    python -m bench.bare '{"mode": "http", "full": false}'

It acknowledges, in Bolt's default way, and that is all; `full`: it also asks the CDN once and posts
the answer to the response URL.  It imports nothing of Purgebot's.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from slack_bolt import App, BoltRequest


def new_app(*, before_response: bool = False) -> App:
    from slack_sdk import WebClient

    return App(
        client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
        signing_secret=os.environ.get("SLACK_SIGNING_SECRET"),
        process_before_response=before_response,
    )


def bare_app(*, full: bool) -> App:
    app = new_app()
    session = requests.Session()

    def acknowledge(ack: Callable[[], None]) -> None:
        ack()

    def purge(
        ack: Callable[[], None], respond: Callable[..., Any], command: dict[str, str]
    ) -> None:
        ack()
        task = session.post(os.environ["BARE_CDN"], data=command["text"]).json()["task"]
        respond(text=f"{command['text']}: task {task}", response_type="in_channel")

    app.command("/purge")(purge if full else acknowledge)
    return app


def serve(app: App, mode: str) -> None:
    """Say that it is ready, as Purgebot does, and serve until it is told to stop."""
    if mode == "http":
        _serve_http(app)
    else:
        _serve_socket(app)


def _serve_http(app: App) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    threads = ThreadPoolExecutor(64)

    def receive(body: bytes, headers: dict[str, str]) -> Response:
        answer = app.dispatch(BoltRequest(body=body.decode(), headers=dict(headers)))
        named = {name: values[0] for name, values in answer.headers.items()}
        return Response(answer.body, answer.status, named)

    async def slack(request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        return await asyncio.get_running_loop().run_in_executor(threads, receive, body, headers)

    web = Starlette(routes=[Route("/slack/events", slack, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    _say("listening", address=f"127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(
        web,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _serve_socket(app: App) -> None:
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    handler = SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    handler.connect()  # type: ignore[no-untyped-call]  # slack_bolt has no types here
    _say("started")
    stopping.wait()
    os._exit(0)


def _say(event: str, **more: str) -> None:
    print(json.dumps({"event": event, **more}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    wish = json.loads(sys.argv[1])
    serve(bare_app(full=wish["full"]), wish["mode"])
